"""What is left of Tasks that are gone: Jobs and child Tasks without an owner, which nothing else would ever delete.

Somebody took the Task's finalizer away by hand, or a create that was sent while it lived arrived afterwards. Of child
Tasks only such are meant: without their parent they never start. The leader looks as often as everything is listed, and
asks the API server before it believes that a Task is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.api.times import epoch
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.release import Release

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
                    log.warning("cannot look for what is left of Tasks that are gone: %s", error)

    async def sweep(self) -> None:
        """Delete what belongs to Tasks that are gone. Raises KubeError."""
        suspects = self._suspects()
        for namespace, children in suspects.items():
            tasks, _ = await self._kube.list(tasks_path(namespace))
            for uid in sorted(children.keys() - {task["metadata"]["uid"] for task in tasks}):
                log.warning("deleting what is left of a Task that is gone", extra={"namespace": namespace, "task": uid})
                await self._release.delete_work(namespace, uid)
                for child in children[uid]:
                    await self._delete(child)

    def _suspects(self) -> dict[str, dict[str, list[Obj]]]:
        """By namespace the UIDs of Tasks that are not known and have something that is no longer young, each with its
        child Tasks that have not started."""
        found: dict[str, dict[str, list[Obj]]] = defaultdict(dict)
        for job in self._cache.all(Kind.JOB):
            uid = (job["metadata"].get("labels") or {}).get(LABEL_TASK_UID)
            if uid and self._is_left(job, uid):
                found[job["metadata"]["namespace"]].setdefault(uid, [])
        for task in self._cache.all(Kind.TASK):
            uid = parent_uid(task)
            if uid and not (task.get("status") or {}).get("startedAt") and self._is_left(task, uid):
                found[task["metadata"]["namespace"]].setdefault(uid, []).append(task)
        return found

    def _is_left(self, obj: Obj, made_for: str) -> bool:
        is_old = epoch(obj["metadata"]["creationTimestamp"]) <= self._clock() - LEAST_AGE
        return is_old and self._cache.task_by_uid(made_for) is None

    async def _delete(self, child: Obj) -> None:
        """Delete a child Task as it was seen: not if it has started after all."""
        meta = child["metadata"]
        path = tasks_path(meta["namespace"], meta["name"])
        try:
            await self._kube.delete(path, uid=meta["uid"], resource_version=meta["resourceVersion"])
        except KubeError as error:
            if not (error.not_found or error.conflict):
                raise
