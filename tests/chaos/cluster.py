"""The cluster under chaos: calls that outlast an API server which is away, and one namespace of the run's own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from hack.cluster.paths import CHECKOUT
from hack.namespace import own_namespace, patiently
from kubesaga.kube.client import Kube, KubeError
from kubesaga.kube.connection import ConnectError
from tests.chaos.errors import ChaosError

Obj = dict[str, Any]
T = TypeVar("T")

OPERATOR_NAMESPACE = "kubesaga-system"
OPERATOR_SELECTOR = "app.kubernetes.io/name=kubesaga,app.kubernetes.io/component=operator"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PATIENCE = 300.0
"""Seconds until a call that finds nobody gives up."""
WATCH_PATIENCE = 60.0
"""Seconds without a word after which a watch counts as broken."""


class Cluster:
    """A reachable cluster; `namespace` is the run's own."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    async def patiently(self, call: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
        """Call until there is an answer that is one. Raises KubeError for a refusal, or when nobody answers in time."""
        return await patiently(call, seconds)

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
        """Each event of a watch, until it breaks or the server ends it. A refusal is an ERROR, as one on the way is."""
        query = {"watch": "true", "resourceVersion": version}
        try:
            async with aclosing(self.kube.lines(path, query, WATCH_PATIENCE)) as lines:
                async for line in lines:
                    yield json.loads(line)
        except ValueError:  # a line that broke off
            return
        except KubeError as error:
            if error.status:
                yield {"type": "ERROR", "object": {"code": error.status}}


@asynccontextmanager
async def connected() -> AsyncIterator[Cluster]:
    """The test cluster, and a new namespace that is deleted at the end. Raises ChaosError without them."""
    try:
        kube = await Kube.connect(await hack_cluster("kubeconfig"))
    except ConnectError as error:
        raise ChaosError(f"{error} (`make cluster-up` brings the test cluster up)") from error
    try:
        async with own_namespace(kube, "chaos", RESTRICTED) as namespace:
            yield Cluster(kube, namespace)
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
