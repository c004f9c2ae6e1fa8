"""A namespace of a program's own on the test cluster. Called by the benchmark and by chaos (`tests.chaos`)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hack.cluster.progress import say
from kubesaga.kube.client import Kube, KubeError

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
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            await kube.delete(f"{NAMESPACES}/{name}")
        except KubeError as error:
            if error.not_found:
                return
            if not is_passing(error) or time.monotonic() > deadline:
                say(f"namespace {name} could not be deleted: {error}")
                return
            await asyncio.sleep(PAUSE)
        else:
            return


def is_passing(error: KubeError) -> bool:
    """Whether the same call may well be answered a little later."""
    # An API server that has just started does not know everybody's rights yet.
    return error.transient or error.status in (401, 403)
