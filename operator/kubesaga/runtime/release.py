"""Keeping a Task until what it did is undone, and letting it go with everything that was made for it.

Under deletionPolicy Compensate what is made for a Task carries its UID as a label and no owner: Kubernetes would take
it away at once under foreground deletion. The finalizer is there before the first launch; once the engine says so,
``apply`` deletes what depends on the Task, and then the finalizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import FINALIZER, LABEL_PARENT_UID, LABEL_TASK_UID
from kubesaga.kube.client import Kube, KubeError, configmaps_path, jobs_path, tasks_path
from kubesaga.runtime.cache import Cache, Kind

Obj = dict[str, Any]


def is_held(task: Mapping[str, Any]) -> bool:
    """Whether the Task carries Kubesaga's finalizer."""
    return FINALIZER in (task["metadata"].get("finalizers") or ())


class Release:
    """Sets the finalizer and takes it away."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def hold(self, task: Obj) -> Obj:
        """Set the finalizer on the Task as it was read; the answer is the Task with it. Raises KubeError."""
        if is_held(task):
            return task
        return await self._set(task, [*(task["metadata"].get("finalizers") or ()), FINALIZER])

    async def let_go(self, task: Obj) -> None:
        """Delete what was made for the Task, then take the finalizer away. Raises KubeError.

        A conflict where the Task is not the one that was judged any more: it may have been taken up again, unseen.
        """
        namespace, uid = task["metadata"]["namespace"], task["metadata"]["uid"]
        await self._check(task)
        await self._kube.delete_collection(tasks_path(namespace), f"{LABEL_PARENT_UID}={uid}")
        await self.delete_work(namespace, uid)
        if is_held(task):
            await self._set(task, [each for each in task["metadata"]["finalizers"] if each != FINALIZER])

    async def delete_work(self, namespace: str, uid: str) -> None:
        """Delete the Jobs and ConfigMaps that carry a Task's UID. Raises KubeError."""
        mine = f"{LABEL_TASK_UID}={uid}"
        await self._kube.delete_collection(jobs_path(namespace), mine)
        await self._kube.delete_collection(configmaps_path(namespace), mine)

    async def _check(self, task: Obj) -> None:
        meta = task["metadata"]
        live = (await self._kube.get(tasks_path(meta["namespace"], meta["name"])))["metadata"]
        if (live["uid"], live["resourceVersion"]) != (meta["uid"], meta["resourceVersion"]):
            raise KubeError(409, "Conflict", f"the Task {meta['name']} has changed since it was judged")

    async def _set(self, task: Obj, finalizers: list[str]) -> Obj:
        meta = task["metadata"]
        ops: list[Obj] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
            {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
        ]
        written = await self._kube.json_patch(tasks_path(meta["namespace"], meta["name"]), ops)
        self._cache.upsert(Kind.TASK, written)
        return written
