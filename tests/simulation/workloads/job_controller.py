"""The Job controller: looks at a Job whenever it or a pod of it has changed, and at orphaned pods that it still tracks.

``job_sync`` has the rules. Changes of the Job's spec are looked at soon, everything else is gathered for a second, as
the original does it: that is why a Job's end is seen so much later than its pod's.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads import job_pods
from tests.simulation.workloads.job_status import is_finished
from tests.simulation.workloads.job_sync import USER, JobSync, World
from tests.simulation.workloads.pod_failures import Backoff
from tests.simulation.workloads.work_queue import Key, Later, WorkQueue, pause

_SOON = 0.015
_BATCH = 1.0


class JobController:
    """Sees every change of Jobs and pods."""

    def __init__(
        self, server: ApiServer, random: Random, later: Later, clock: Callable[[], float], stamp: Callable[[], str]
    ) -> None:
        self._world = World(server, random, clock, stamp)
        self._pods: dict[str, dict[Key, None]] = {}
        """By the UID of the Job that controls them."""
        self._jobs: dict[str, Key] = {}
        """By UID."""
        self._backoffs: dict[str, Backoff] = {}
        self._queue = WorkQueue(self._sync, later)
        self._orphans = WorkQueue(self._sync_orphan, later)
        self.queues = (self._queue, self._orphans)

    def see(self, change: Change) -> None:
        """A Job or a pod has changed."""
        if change.resource == "jobs":
            self._see_job(change)
        elif change.resource == "pods":
            self._see_pod(change)

    def _see_job(self, change: Change) -> None:
        meta = change.after["metadata"]
        key, uid = _key(change.after), meta["uid"]
        if change.type == "DELETED":
            self._jobs.pop(uid, None)
            self._backoffs.pop(uid, None)
            self._free(uid)
            return
        self._jobs[uid] = key
        if is_finished(change.after):
            return
        is_new = change.before is None or change.before["metadata"].get("generation") != meta.get("generation")
        self._queue.wake(key, self._pause(_SOON) if is_new else _BATCH + self._pause(_SOON))

    def _see_pod(self, change: Change) -> None:
        key = _key(change.after)
        before = job_pods.job_of(change.before) if change.before is not None else None
        job = job_pods.job_of(change.after)
        if before is not None and (before != job or change.type == "DELETED"):
            self._pods.get(before, {}).pop(key, None)
        if job is not None and change.type != "DELETED":
            self._pods.setdefault(job, {})[key] = None
        owner = self._jobs.get(job) if job is not None else None
        if owner is not None and not self._is_finished(owner):
            self._queue.wake(owner, _BATCH + self._pause(_SOON))
        elif job_pods.is_tracked(change.after):
            self._orphans.wake(key, self._pause(_SOON))

    def _free(self, uid: str) -> None:
        """Nobody counts the pods of this Job any more."""
        for key in self._pods.get(uid, ()):
            self._orphans.wake(key, self._pause(_SOON))

    def _sync(self, namespace: str, name: str) -> None:
        job = self._world.server.peek("jobs", namespace, name)
        if job is None or is_finished(job):
            return
        uid = job["metadata"]["uid"]
        found = [self._world.server.peek("pods", *key) for key in self._pods.get(uid, ())]
        pods = [pod for pod in found if pod is not None]
        sync = JobSync(self._world, job, pods, self._backoffs.get(uid, Backoff()))
        try:
            sync.run()
        finally:
            self._backoffs[uid] = sync.backoff
            for seconds in sync.again_in:
                self._queue.wake((namespace, name), seconds)

    def _sync_orphan(self, namespace: str, name: str) -> None:
        pod = self._world.server.peek("pods", namespace, name)
        if pod is None or not job_pods.is_tracked(pod):
            return
        job = job_pods.job_of(pod)
        owner = self._jobs.get(job) if job is not None else None
        if owner is None or self._is_finished(owner):
            self._world.server.merge("pods", namespace, name, job_pods.untracked(pod), user=USER)

    def _is_finished(self, key: Key) -> bool:
        job = self._world.server.peek("jobs", *key)
        return job is None or is_finished(job)

    def _pause(self, usual: float) -> float:
        return pause(self._world.random, usual)


def _key(obj: Obj) -> Key:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
