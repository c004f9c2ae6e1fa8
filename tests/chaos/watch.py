"""Everything that was seen of one kind of object: as it is now, and every version of it that a watch brought.

People and faults look here for what there is, and the audit for what there was. Watches break all the time under chaos;
what happened while none was open is seen in the next list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hack.namespace import PAUSE
from kubesaga.kube.client import KubeError
from tests.chaos.cluster import Cluster

Obj = dict[str, Any]
GONE = 410


class Sight:
    """What was seen at one path."""

    def __init__(self, cluster: Cluster, path: str) -> None:
        self.now: dict[str, Obj] = {}
        """By name."""
        self.versions: list[Obj] = []
        """In the order in which they were seen, the deleted ones with their last state."""
        self.lists = 0
        """How often a watch could not be taken up where it had broken: versions may be missing at these places."""
        self.changed: Callable[[Obj], None] | None = None
        self._cluster = cluster
        self._path = path

    async def follow(self) -> None:
        """Look for ever."""
        version: str | None = None
        while True:
            if version is None:
                version = await self._list()
            if version is not None:
                version = await self._watch(version)
            await asyncio.sleep(PAUSE)

    async def refresh(self) -> None:
        """See what is there now, whatever the watch is doing. Raises KubeError."""
        items = await self._cluster.list(self._path)
        for name in self.now.keys() - {item["metadata"]["name"] for item in items}:
            del self.now[name]
        for item in items:
            self._take(item)

    async def _list(self) -> str | None:
        with suppress(KubeError):
            items, version = await self._cluster.kube.list(self._path)
            self.lists += 1
            for item in items:
                self._take(item)
            return version
        return None

    async def _watch(self, version: str) -> str | None:
        """Where to go on; None when that is too long ago to be told."""
        async for event in self._cluster.watch(self._path, version):
            seen = event["object"]
            if event["type"] == "ERROR":
                return None if seen.get("code") == GONE else version
            version = seen["metadata"]["resourceVersion"]
            if event["type"] == "DELETED":
                self.now.pop(seen["metadata"]["name"], None)
                self.versions.append(seen)
            else:
                self._take(seen)
        return version

    def _take(self, seen: Obj) -> None:
        name, version = seen["metadata"]["name"], seen["metadata"]["resourceVersion"]
        before = self.now.get(name)
        if before is not None and before["metadata"]["resourceVersion"] == version:
            return
        self.now[name] = seen
        self.versions.append(seen)
        if self.changed is not None:
            self.changed(seen)
