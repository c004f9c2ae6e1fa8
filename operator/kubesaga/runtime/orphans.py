"""Jobs whose Task is gone without having been released: somebody took its finalizer away by hand.

They carry no owner, so that nothing else would ever delete them. The leader looks for them as often as everything is
listed, and asks the API server before it believes that a Task is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.api.times import epoch
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.release import Release

Obj = dict[str, Any]
log = logging.getLogger(__name__)

LEAST_AGE = 600.0


class Orphans:
    """Looks for orphans every ``interval`` seconds."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        release: Release,
        interval: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._release = release
        self._interval = interval
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until ``stop``. What fails is logged and tried again the next time."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(self._interval):
                    await stop.wait()
            except TimeoutError:
                try:
                    await self.sweep()
                except KubeError as error:
                    log.warning("cannot look for Jobs without a Task: %s", error)

    async def sweep(self) -> None:
        """Delete what belongs to Tasks that are gone. Raises KubeError."""
        for namespace, uids in self._suspects().items():
            tasks, _ = await self._kube.list(tasks_path(namespace))
            for uid in sorted(uids - {task["metadata"]["uid"] for task in tasks}):
                log.warning("deleting what is left of a Task that is gone", extra={"namespace": namespace, "task": uid})
                await self._release.delete_work(namespace, uid)

    def _suspects(self) -> dict[str, set[str]]:
        """By namespace the UIDs of Tasks that are not known and have Jobs that are no longer young."""
        found: dict[str, set[str]] = defaultdict(set)
        born_before = self._clock() - LEAST_AGE
        for job in self._cache.all(Kind.JOB):
            meta = job["metadata"]
            uid = (meta.get("labels") or {}).get(LABEL_TASK_UID)
            if uid and self._cache.task_by_uid(uid) is None and epoch(meta["creationTimestamp"]) <= born_before:
                found[meta["namespace"]].add(uid)
        return found
