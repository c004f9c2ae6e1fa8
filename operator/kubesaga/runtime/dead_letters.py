"""The label by which Tasks that wait too long are listed: ``kubectl get ktask -l kubesaga.dev/dead-letter``.

The status says whether a Task is stale; ``apply`` brings the label in line after it has written the status, and
``cleaning`` where that was interrupted.
"""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import LABEL_DEAD_LETTER
from kubesaga.kube.client import Kube, tasks_path
from kubesaga.runtime.cache import Cache, Kind

Obj = dict[str, Any]


class DeadLetters:
    """Writes the label."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def mark(self, task: Obj, *, stale: bool) -> Obj:
        """Have the label there, or gone; the answer is the Task as it is then. Raises KubeError."""
        meta = task["metadata"]
        if (LABEL_DEAD_LETTER in (meta.get("labels") or {})) is stale:
            return task
        # The UID keeps the label from a Task that has taken this one's name.
        body = {"metadata": {"uid": meta["uid"], "labels": {LABEL_DEAD_LETTER: "true" if stale else None}}}
        written = await self._kube.merge_patch(tasks_path(meta["namespace"], meta["name"]), body)
        self._cache.upsert(Kind.TASK, written)
        return written
