"""One pass over one Task: gather → decide → apply, and then when to look again.

The work loop calls ``Reconciler.reconcile`` for every key that the queue hands out; nothing else moves a Task.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.status import epoch
from kubesaga.engine.decide import decide
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.runtime.apply import Applier
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.gather import Gatherer
from kubesaga.runtime.kube import Kube, KubeError, jobs_path, tasks_path
from kubesaga.runtime.queue import Key, WorkQueue
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.templates import is_gone

Obj = dict[str, Any]
log = logging.getLogger(__name__)


class Reconciler:
    """Moves Tasks on. ``job_retention`` in seconds: how long an ended Task's Jobs are kept for reading their logs."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        queue: WorkQueue,
        gatherer: Gatherer,
        applier: Applier,
        refusals: Refusals,
        job_retention: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._gatherer = gatherer
        self._applier = applier
        self._refusals = refusals
        self._job_retention = job_retention
        self._clock = clock

    async def reconcile(self, key: Key) -> None:
        """Look at one Task and do what follows. Raises KubeError when the pass is to be repeated with backoff."""
        namespace, name = key
        gathered = await self._gatherer.gather(namespace, name)
        if gathered is None:
            return
        now = self._clock()
        decision = decide(gathered.plan, gathered.snapshot, now)
        try:
            again = await self._applier.apply(gathered, decision, now)
        except KubeError as error:
            if is_gone(error):
                log.info("gone while it was worked on", extra={"task": name, "namespace": namespace})
                return
            if not error.conflict:
                raise
            await self._refresh(key)
            return
        for transition in decision.transitions:
            if transition.step is None:
                log.info(
                    "%s -> %s (%s)",
                    transition.source,
                    transition.target,
                    transition.event,
                    extra={"task": name, "namespace": namespace},
                )
        if again:
            self._queue.add(key)
        elif decision.wake_at is not None:
            self._queue.add_after(key, max(0.0, decision.wake_at - now))
        if decision.status.state in TERMINAL_TASK_STATES:
            await self._clean(gathered.task, decision.status.finished_at, now)

    async def _refresh(self, key: Key) -> None:
        """Somebody else wrote: take the Task as it is now, and look again."""
        try:
            self._cache.upsert(Kind.TASK, await self._kube.get(tasks_path(*key)))
        except KubeError as error:
            if not error.not_found:
                raise
        self._queue.add(key)

    async def _clean(self, task: Obj, finished_at: float | None, now: float) -> None:
        """Delete an ended Task's Jobs once their time is over, with one request, by the Task's UID."""
        meta = task["metadata"]
        uid = meta["uid"]
        self._refusals.forget(uid)
        if finished_at is None:
            finished_at = epoch(meta["creationTimestamp"])
        jobs = self._cache.of_task(Kind.JOB, uid)
        if not jobs:
            return
        due = finished_at + self._job_retention
        if now < due:
            self._queue.add_after((meta["namespace"], meta["name"]), due - now)
            return
        selector = f"{c.LABEL_TASK_UID}={uid}"
        await self._kube.delete_collection(jobs_path(meta["namespace"]), selector)
