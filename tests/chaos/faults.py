"""How each kind of fault is done: processes and containers end by SIGKILL, pods are deleted and evicted.

A fault that finds nothing to strike, or a cluster too broken to be told, is missed; the run counts both.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kubesaga.api.constants import LABEL_STEP
from kubesaga.kube.client import KubeError, pods_path
from tests.chaos.books import WAREHOUSE
from tests.chaos.cluster import OPERATOR_NAMESPACE, OPERATOR_SELECTOR, Cluster, hack_cluster
from tests.chaos.errors import ChaosError
from tests.chaos.logs import OperatorLogs
from tests.chaos.plan import Fault

Obj = dict[str, Any]

PARTS: Mapping[str, str] = {
    "kubelet-killed": "kubelet",
    "containerd-killed": "containerd",
    "api-server-killed": "kube-apiserver",
    "etcd-killed": "etcd",
    "controllers-killed": "kube-controller-manager",
    "scheduler-killed": "kube-scheduler",
}
UP_TRIES = 20
PATIENCE = 60.0
"""Seconds for which a fault looks for something to strike."""
OUTAGE_PATIENCE = 300.0
"""Seconds for which it waits where it cannot even look, since other faults have taken the API server away."""
LOOK = 0.5


class Missed(Exception):
    """The fault struck nothing; the message says why."""


class Faults:
    """Strikes. `done` and `missed` count by kind."""

    def __init__(self, cluster: Cluster, logs: OperatorLogs) -> None:
        self.done = Counter[str]()
        self.missed = Counter[str]()
        self._cluster = cluster
        self._logs = logs
        self._ways: Mapping[str, Callable[[Fault], Awaitable[str]]] = {
            "step-killed": self._kill_step,
            "step-deleted": self._delete_step,
            "step-evicted": self._evict_step,
            "operator-killed": self._kill_operator,
            "operator-deleted": self._delete_operator,
            "warehouse-killed": self._kill_warehouse,
            "api-server-restarted": self._restart_api_server,
            **dict.fromkeys(PARTS, self._kill_part),
        }

    async def strike(self, fault: Fault) -> str:
        """Do it, as soon as there is something to strike, and say what was struck."""
        begun = time.monotonic()
        while True:
            try:
                struck = await self._ways[fault.kind](fault)
            except (Missed, ChaosError, KubeError) as error:
                if time.monotonic() - begun > _patience(error):
                    self.missed[fault.kind] += 1
                    return f"missed: {error}"
            else:
                self.done[fault.kind] += 1
                return struck
            await asyncio.sleep(LOOK)

    async def end(self) -> None:
        """Have every part of the cluster running again. Raises ChaosError when that cannot be."""
        for attempt in range(UP_TRIES):
            try:
                await hack_cluster("up")
            except ChaosError:
                if attempt == UP_TRIES - 1:
                    raise
            else:
                return

    async def _kill_part(self, fault: Fault) -> str:
        part = PARTS[fault.kind]
        await hack_cluster("kill", part)
        await asyncio.sleep(fault.away)
        await self.end()
        return f"{part}, away for {fault.away:.1f} s"

    async def _restart_api_server(self, fault: Fault) -> str:  # noqa: ARG002
        await hack_cluster("restart", "kube-apiserver")
        return "kube-apiserver"

    async def _kill_step(self, fault: Fault) -> str:
        pod = await self._step(fault)
        await hack_cluster("kill-container", container_of(pod))
        return _name(pod)

    async def _delete_step(self, fault: Fault) -> str:
        pod = await self._step(fault)
        await self._cluster.kube.delete(pods_path(self._cluster.namespace, _name(pod)))
        return _name(pod)

    async def _evict_step(self, fault: Fault) -> str:
        pod = await self._step(fault)
        name, namespace = _name(pod), self._cluster.namespace
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
        await self._cluster.kube.create(pods_path(namespace, name, "eviction"), eviction)
        return name

    async def _kill_operator(self, fault: Fault) -> str:  # noqa: ARG002
        await self._logs.read()
        pod = await self._only(OPERATOR_NAMESPACE, OPERATOR_SELECTOR)
        await hack_cluster("kill-container", container_of(pod))
        return _name(pod)

    async def _delete_operator(self, fault: Fault) -> str:  # noqa: ARG002
        await self._logs.read()
        pod = await self._only(OPERATOR_NAMESPACE, OPERATOR_SELECTOR)
        await self._cluster.kube.delete(pods_path(OPERATOR_NAMESPACE, _name(pod)))
        return _name(pod)

    async def _kill_warehouse(self, fault: Fault) -> str:  # noqa: ARG002
        pod = await self._only(self._cluster.namespace, WAREHOUSE)
        await hack_cluster("kill-container", container_of(pod))
        return _name(pod)

    async def _only(self, namespace: str, selector: str) -> Obj:
        """A pod with these labels whose container runs. Raises Missed without one, KubeError without an answer."""
        pods, _ = await self._cluster.kube.list(pods_path(namespace), selector)
        running = [pod for pod in pods if container_of(pod)]
        if not running:
            raise Missed(f"no container of {selector} runs")
        return running[0]

    async def _step(self, fault: Fault) -> Obj:
        """One of the steps' pods whose container runs. Raises Missed without one, KubeError without an answer."""
        pods, _ = await self._cluster.kube.list(pods_path(self._cluster.namespace), LABEL_STEP)
        running = sorted((pod for pod in pods if container_of(pod)), key=_name)
        if not running:
            raise Missed("no step runs")
        return running[int(fault.choice * len(running))]


def _patience(error: Exception) -> float:
    return OUTAGE_PATIENCE if isinstance(error, KubeError) and error.transient else PATIENCE


def container_of(pod: Obj) -> str:
    """The identifier of the pod's first running container, as its runtime knows it; empty where none runs."""
    for container in pod.get("status", {}).get("containerStatuses") or ():
        if "running" in container.get("state", {}):
            return str(container["containerID"]).partition("://")[2]
    return ""


def _name(pod: Obj) -> str:
    return str(pod["metadata"]["name"])
