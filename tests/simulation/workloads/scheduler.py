"""The scheduler: binds new pods to nodes, and says of those that fit nowhere why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads import pod_status
from tests.simulation.workloads.kubelet import Kubelet
from tests.simulation.workloads.work_queue import Key, Later, WorkQueue, pause

USER = "scheduler"
_SOON = 0.015


class Scheduler:
    """Sees every change of pods; ``close`` and ``open`` say which nodes take some."""

    def __init__(
        self, server: ApiServer, nodes: Sequence[Kubelet], random: Random, later: Later, stamp: Callable[[], str]
    ) -> None:
        self._server = server
        self._nodes = nodes
        self._random = random
        self._stamp = stamp
        self._waiting: dict[Key, None] = {}
        self._closed: set[str] = set()
        self.queue = WorkQueue(self._sync, later)

    def see(self, change: Change) -> None:
        """A pod has changed."""
        if change.resource == "pods" and change.type == "ADDED" and not change.after["spec"].get("nodeName"):
            meta = change.after["metadata"]
            self._wake((meta["namespace"], meta["name"]))

    def close(self, node: str) -> None:
        """No new pods there."""
        self._closed.add(node)

    def open(self, node: str) -> None:
        """New pods there; those that wait are looked at again."""
        self._closed.discard(node)
        waiting, self._waiting = self._waiting, {}
        for key in waiting:
            self._wake(key)

    def _wake(self, key: Key) -> None:
        self.queue.wake(key, pause(self._random, _SOON))

    def _sync(self, namespace: str, name: str) -> None:
        pod = self._server.peek("pods", namespace, name)
        if pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            return
        nodes = [node for node in self._nodes if node.name not in self._closed and _fits(pod)]
        if nodes:
            self._bind(pod, self._random.choice(nodes).name)
        else:
            self._waiting[(namespace, name)] = None
            self._give_up(pod)

    def _bind(self, pod: Obj, node: str) -> None:
        bound = self._server.replace({**pod, "spec": {**pod["spec"], "nodeName": node}}, user=USER)
        if pod_status.condition(bound, "PodScheduled") is not None:
            status = pod_status.with_condition(bound, "PodScheduled", "True", self._stamp())
            self._server.replace({**bound, "status": status}, status=True, user=USER)

    def _give_up(self, pod: Obj) -> None:
        if pod_status.condition(pod, "PodScheduled") is None:
            message = f"0/{len(self._nodes)} nodes are available"
            status = pod_status.with_condition(pod, "PodScheduled", "False", self._stamp(), "Unschedulable", message)
            self._server.replace({**pod, "status": status}, status=True, user=USER)


def _fits(pod: Obj) -> bool:
    """The nodes have no labels."""
    return not pod["spec"].get("nodeSelector")
