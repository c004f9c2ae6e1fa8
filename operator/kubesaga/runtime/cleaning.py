"""What becomes of Tasks that have ended: their Jobs go after a while, and they themselves if they say so.

Called by ``reconcile`` for every look at such a Task. What is not due yet is put off until it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import CONTENT_INPUT, LABEL_CONTENT, LABEL_ROLE, LABEL_RUN, LABEL_TASK_UID
from kubesaga.api.durations import parse_duration
from kubesaga.api.times import epoch
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import Kube, KubeError, configmaps_path, jobs_path, tasks_path
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.dead_letters import DeadLetters
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.queue import WorkQueue
from kubesaga.runtime.refusals import Refusals

Obj = dict[str, Any]


class Cleaner:
    """Cleans up. ``job_retention`` in seconds: how long an ended Task's Jobs are kept for reading their logs."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        queue: WorkQueue,
        refusals: Refusals,
        dead_letters: DeadLetters,
        job_retention: float,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._refusals = refusals
        self._dead_letters = dead_letters
        self._job_retention = job_retention

    async def clean(self, task: Obj, now: float) -> None:
        """Do what is due for a Task that has ended. Raises KubeError."""
        if task["metadata"].get("deletionTimestamp"):
            return
        self._refusals.forget(task["metadata"]["uid"])
        task = await self._dead_letters.mark(task, stale=bool(task["status"].get("stale")))
        ended = _ended_at(task)
        if self._expires(task) and self._due(task, ended + parse_duration(task["spec"]["ttlAfterFinished"]), now):
            await self._delete(task)
        elif self._cache.of_task(Kind.JOB, task["metadata"]["uid"]) and self._due(
            task, ended + self._job_retention, now
        ):
            await self._delete_jobs(task)

    def _due(self, task: Obj, at: float, now: float) -> bool:
        if now >= at:
            return True
        meta = task["metadata"]
        self._queue.add_after((meta["namespace"], meta["name"]), at - now)
        return False

    def _expires(self, task: Obj) -> bool:
        """Whether its own time is the Task's: a sub-workflow's parent may yet read it, reopen it, or have it undone."""
        parent = parent_uid(task)
        has_parent = parent is not None and self._cache.task_by_uid(parent) is not None
        return "ttlAfterFinished" in task["spec"] and not has_parent

    async def _delete(self, task: Obj) -> None:
        """Delete the Task, unless it has been taken up again meanwhile."""
        meta = task["metadata"]
        try:
            await self._kube.delete(
                tasks_path(meta["namespace"], meta["name"]), uid=meta["uid"], resource_version=meta["resourceVersion"]
            )
        except KubeError as error:
            if not (error.not_found or error.conflict):
                raise

    async def _delete_jobs(self, task: Obj) -> None:
        """Two requests for the work of each run, and two for its undoing; the Jobs last, since they are what a later
        look would find.

        Asked before: a Task that was taken up again unseen has Jobs that run. And by the run, since such a request may
        come late: what has begun since belongs to another one. Only by the runs that were seen before the question,
        which the answer says are over: another leader may begin the next one before the answer is here.
        """
        namespace, uid = task["metadata"]["namespace"], task["metadata"]["uid"]
        groups = sorted({_group(job) for job in self._cache.of_task(Kind.JOB, uid).values()})
        live = await self._kube.get(tasks_path(namespace, task["metadata"]["name"]))
        if live["metadata"]["uid"] != uid or live["status"].get("state") not in TERMINAL_TASK_STATES:
            return
        for mine in groups:
            inputs = f"{mine},{LABEL_CONTENT}={CONTENT_INPUT}"
            await self._kube.delete_collection(configmaps_path(namespace), inputs)
            await self._kube.delete_collection(jobs_path(namespace), mine)


def _group(job: Mapping[str, Any]) -> str:
    """The label selector of what belongs to the same run of the same Task, in the same role."""
    labels = job["metadata"]["labels"]
    return ",".join(f"{name}={labels[name]}" for name in (LABEL_TASK_UID, LABEL_RUN, LABEL_ROLE) if name in labels)


def _ended_at(task: Mapping[str, Any]) -> float:
    return epoch(task["status"].get("finishedAt") or task["metadata"]["creationTimestamp"])
