"""The cluster that is measured: one connection, one namespace of the benchmark's own, and is Kubesaga there at all?"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from hack.bench.errors import BenchError
from hack.namespace import own_namespace
from kubesaga.api.constants import API_VERSION
from kubesaga.kube.client import Kube, KubeError, jobs_path, pods_path, tasks_path
from kubesaga.kube.connection import ConnectError, load_configuration, open_session

Obj = dict[str, Any]

OPERATOR_NAMESPACE = "kubesaga-system"
OPERATOR_SELECTOR = "app.kubernetes.io/name=kubesaga,app.kubernetes.io/component=operator"
OPERATOR_USERS = f"system:serviceaccount:{OPERATOR_NAMESPACE}:"
HTTP_PORT = 8080
GONE_SECONDS = 180.0
SETTLE_SECONDS = 1.0
PATIENT = aiohttp.ClientTimeout(total=None, sock_connect=5)


class Cluster:
    """A reachable cluster with an operator in it; `namespace` is the benchmark's own."""

    def __init__(self, kube: Kube, session: aiohttp.ClientSession, host: str, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self._session = session
        self._host = host.rstrip("/")

    async def watch(self, path: str, version: str) -> AsyncIterator[tuple[float, Obj]]:
        """Each event of a watch, with the time (time.perf_counter()) at which its bytes were there.

        Ends when the server ends the watch. Raises BenchError when it refuses.
        """
        query = {"watch": "true", "resourceVersion": version}
        async with self._session.get(f"{self._host}{path}", params=query, timeout=PATIENT) as answer:
            if answer.status != 200:
                raise BenchError(f"watching {path}: HTTP {answer.status}: {(await answer.text())[:200]}")
            pending = b""
            async for chunk in answer.content.iter_any():
                at = time.perf_counter()
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield at, json.loads(line)

    async def text(self, path: str) -> str:
        """A page that is no JSON. Raises BenchError."""
        try:
            async with self._session.get(f"{self._host}{path}") as answer:
                body = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BenchError(f"{path}: {error}") from error
        if answer.status != 200:
            raise BenchError(f"{path}: HTTP {answer.status}: {body[:200]}")
        return body

    async def operator_pod(self) -> Obj:
        """The operator's pod. Raises BenchError when there is not just one that is ready."""
        return await _operator_pod(self.kube)

    async def facts(self) -> Obj:
        """What the cluster consists of, and what else runs on it."""
        version = await self.kube.get("/version")
        nodes, _ = await self.kube.list("/api/v1/nodes")
        pods, _ = await self.kube.list(pods_path(None))
        others = [p for p in pods if p["metadata"]["namespace"] not in (self.namespace, OPERATOR_NAMESPACE)]
        running = [pod for pod in others if (pod.get("status") or {}).get("phase") in ("Pending", "Running")]
        operator = await self.operator_pod()
        return {
            "kubernetes": version["gitVersion"],
            "nodes": [
                {
                    "cpu": node["status"]["capacity"]["cpu"],
                    "kubelet": node["status"]["nodeInfo"]["kubeletVersion"],
                    "runtime": node["status"]["nodeInfo"]["containerRuntimeVersion"],
                }
                for node in nodes
            ],
            "operatorImage": operator["status"]["containerStatuses"][0]["imageID"],
            "otherActivePods": len(running),
        }

    async def clear(self) -> None:
        """Take all Tasks and Jobs of the benchmark away and wait until their pods are gone."""
        for path in (tasks_path(self.namespace), jobs_path(self.namespace)):
            await self.kube.delete_collection(path, label_selector="")
        deadline = time.monotonic() + GONE_SECONDS
        for path in (tasks_path(self.namespace), pods_path(self.namespace)):
            while (await self.kube.list(path))[0]:
                if time.monotonic() > deadline:
                    raise BenchError(f"{path} still has objects {GONE_SECONDS:.0f} s after their deletion")
                await asyncio.sleep(0.25)
        await asyncio.sleep(SETTLE_SECONDS)


@asynccontextmanager
async def connected() -> AsyncIterator[Cluster]:
    """A cluster with Kubesaga, and a new namespace that is deleted at the end. Raises BenchError without them."""
    kubeconfig = find_kubeconfig()
    try:
        configuration = await load_configuration(kubeconfig)
        kube = await Kube.connect(kubeconfig)
    except ConnectError as error:
        raise BenchError(f"{error} (`make cluster-up` brings a test cluster up)") from error
    try:
        await _check(kube, kubeconfig)
        async with open_session(configuration, ()) as session, own_namespace(kube, "bench") as namespace:
            yield Cluster(kube, session, configuration.host, namespace)
    except KubeError as error:
        raise BenchError(f"the API server said {error}") from error
    finally:
        await kube.close()


def find_kubeconfig() -> str:
    """The caller's KUBECONFIG, else that of the running test cluster. Raises BenchError when there is neither."""
    given = os.environ.get("KUBECONFIG")
    if given:
        if not any(Path(part).expanduser().is_file() for part in given.split(os.pathsep)):
            raise BenchError(f"KUBECONFIG names {given}, which does not exist; `make kubeconfig` prints the right one")
        return given
    command = [sys.executable, "-m", "hack.cluster", "kubeconfig"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    path = answer.stdout.strip()
    if answer.returncode or not Path(path).is_file():
        raise BenchError(
            f"no cluster: KUBECONFIG is not set, and no test cluster runs ({answer.stderr.strip()}); "
            "`make cluster-up install` brings one up with Kubesaga"
        )
    return path


async def _check(kube: Kube, kubeconfig: str) -> None:
    try:
        await kube.get("/version")
    except KubeError as error:
        raise BenchError(f"the cluster of {kubeconfig} does not answer ({error}): `make cluster-up`") from error
    try:
        await kube.get(f"/apis/{API_VERSION}")
    except KubeError as error:
        if not error.not_found:
            raise
        raise BenchError(f"the cluster of {kubeconfig} does not know {API_VERSION}: `make install`") from error
    await _operator_pod(kube)


async def _operator_pod(kube: Kube) -> Obj:
    pods, _ = await kube.list(pods_path(OPERATOR_NAMESPACE), label_selector=OPERATOR_SELECTOR)
    ready = [pod for pod in pods if _ready(pod) and not pod["metadata"].get("deletionTimestamp")]
    if len(ready) != 1:
        raise BenchError(
            f"{len(ready)} operator pods are ready in {OPERATOR_NAMESPACE}, one is expected: `make install`, or "
            f"see kubectl -n {OPERATOR_NAMESPACE} get pods"
        )
    return ready[0]


def _ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
