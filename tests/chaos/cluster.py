"""The cluster under chaos: calls that outlast an API server which is away, and one namespace of the run's own."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from hack.cluster.paths import CHECKOUT
from hack.cluster.progress import say
from kubesaga.kube.client import Kube, KubeError
from kubesaga.kube.connection import ConnectError, load_configuration, open_session
from tests.chaos.errors import ChaosError

Obj = dict[str, Any]
T = TypeVar("T")

OPERATOR_NAMESPACE = "kubesaga-system"
OPERATOR_SELECTOR = "app.kubernetes.io/name=kubesaga,app.kubernetes.io/component=operator"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PATIENCE = 300.0
"""Seconds until a call that finds nobody gives up."""
PAUSE = 0.5
WATCHING = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)


class Cluster:
    """A reachable cluster; `namespace` is the run's own."""

    def __init__(self, kube: Kube, session: aiohttp.ClientSession, host: str, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self._session = session
        self._host = host.rstrip("/")

    async def patiently(self, call: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
        """Call until there is an answer that is one. Raises KubeError for a refusal, or when nobody answers in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return await call()
            except KubeError as error:
                if not _passing(error) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(PAUSE)

    async def create(self, path: str, body: Obj) -> None:
        """Create an object, however often the request has to be sent; one that is there already is the same one."""
        try:
            await self.patiently(lambda: self.kube.create(path, body))
        except KubeError as error:
            if not error.already_exists:
                raise

    async def list(self, path: str, selector: str | None = None) -> list[Obj]:
        """All objects at the path."""
        return (await self.patiently(lambda: self.kube.list(path, selector)))[0]

    async def watch(self, path: str, version: str) -> AsyncIterator[Obj]:
        """Each event of a watch, until it breaks or the server ends it."""
        query = {"watch": "true", "resourceVersion": version}
        try:
            async with self._session.get(f"{self._host}{path}", params=query, timeout=WATCHING) as answer:
                if answer.status != 200:
                    yield {"type": "ERROR", "object": {"code": answer.status}}
                    return
                pending = b""
                async for chunk in answer.content.iter_any():
                    *lines, pending = (pending + chunk).split(b"\n")
                    for line in lines:
                        yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return


@asynccontextmanager
async def connected() -> AsyncIterator[Cluster]:
    """The test cluster, and a new namespace that is deleted at the end. Raises ChaosError without them."""
    kubeconfig = await hack_cluster("kubeconfig")
    try:
        configuration = await load_configuration(kubeconfig)
        kube = await Kube.connect(kubeconfig)
    except ConnectError as error:
        raise ChaosError(f"{error} (`make cluster-up` brings the test cluster up)") from error
    namespace = f"kubesaga-chaos-{secrets.token_hex(3)}"
    try:
        async with open_session(configuration, ()) as session:
            cluster = Cluster(kube, session, configuration.host, namespace)
            metadata = {"name": namespace, "labels": RESTRICTED}
            await kube.create("/api/v1/namespaces", {"metadata": metadata})
            try:
                yield cluster
            finally:
                await _leave(cluster)
    except KubeError as error:
        raise ChaosError(f"the API server said {error}") from error
    finally:
        await kube.close()


async def hack_cluster(*words: str) -> str:
    """What a command of `python -m hack.cluster` prints. Raises ChaosError with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hack.cluster",
        *words,
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    if process.returncode:
        raise ChaosError(f"hack.cluster {' '.join(words)}: {said.decode().strip()}")
    return printed.decode().strip()


async def _leave(cluster: Cluster) -> None:
    """Delete the namespace, whatever happened before: what did is more worth telling than that this fails."""
    say(f"deleting namespace {cluster.namespace}")
    try:
        await cluster.patiently(lambda: cluster.kube.delete(f"/api/v1/namespaces/{cluster.namespace}"), 60)
    except KubeError as error:
        say(f"namespace {cluster.namespace} could not be deleted: {error}")


def _passing(error: KubeError) -> bool:
    # An API server that has just started does not know everybody's rights yet.
    return error.transient or error.status in (401, 403)
