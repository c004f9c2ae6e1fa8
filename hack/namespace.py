"""A namespace of a program's own on the test cluster, and patience with its API server.

Called by the benchmark and by chaos (`tests.chaos`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from hack.cluster.progress import say
from kubesaga.kube.client import Kube, KubeError

T = TypeVar("T")

NAMESPACES = "/api/v1/namespaces"
PATIENCE = 60.0
"""Seconds until an API server that does not answer is left alone with the namespace."""
PAUSE = 0.5


@asynccontextmanager
async def own_namespace(kube: Kube, purpose: str, labels: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """The name of a new namespace, which is deleted at the end, whatever happened. Raises KubeError without one."""
    name = f"kubesaga-{purpose}-{secrets.token_hex(3)}"
    await kube.create(NAMESPACES, {"metadata": {"name": name, "labels": dict(labels or {})}})
    try:
        yield name
    finally:
        await _delete(kube, name)


async def _delete(kube: Kube, name: str) -> None:
    """Never fails: what happened before is more worth telling than that this does."""
    say(f"deleting namespace {name}")
    try:
        await patiently(lambda: kube.delete(f"{NAMESPACES}/{name}"), PATIENCE)
    except KubeError as error:
        if not error.not_found:
            say(f"namespace {name} could not be deleted: {error}")


async def patiently(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Call until there is an answer that is one. Raises KubeError for a refusal, or when nobody answers in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except KubeError as error:
            # An API server that has just started does not know everybody's rights yet.
            passing = error.transient or error.status in (401, 403)
            if not passing or time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE)
