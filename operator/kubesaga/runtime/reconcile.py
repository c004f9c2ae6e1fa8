"""One pass over one Task: gather → decide → apply, and then when to look again.

The work loop calls ``Reconciler.reconcile`` for every key that the queue hands out; nothing else moves a Task.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Decision
from kubesaga.engine.policies import approvals
from kubesaga.engine.snapshot import Lost, MissingValues
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime.actions import Answers
from kubesaga.runtime.admission import Admission
from kubesaga.runtime.apply import Applier
from kubesaga.runtime.cache import Cache, Kind, News
from kubesaga.runtime.cleaning import Cleaner
from kubesaga.runtime.gather import Gathered, Gatherer
from kubesaga.runtime.queue import Key, WorkQueue
from kubesaga.runtime.results import ResultMissing, Results
from kubesaga.runtime.settled import Settled
from kubesaga.runtime.templates import is_gone

Obj = dict[str, Any]
log = logging.getLogger(__name__)


class Reconciler:
    """Moves Tasks on."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        queue: WorkQueue,
        settled: Settled,
        gatherer: Gatherer,
        results: Results,
        applier: Applier,
        answers: Answers,
        admission: Admission,
        cleaner: Cleaner,
        seen: News,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._settled = settled
        self._gatherer = gatherer
        self._results = results
        self._applier = applier
        self._answers = answers
        self._admission = admission
        self._cleaner = cleaner
        self._seen = seen
        self._clock = clock

    async def reconcile(self, key: Key) -> None:
        """Look at one Task and do what follows. Raises KubeError when the pass is to be repeated with backoff."""
        task = self._cache.get(Kind.TASK, *key)
        if task is None:
            await self._without_task(key)
            return
        if self._settled.is_settled(task):
            if _has_ended(task):
                await self._cleaner.clean(task, self._clock())
            return
        if _has_ended(task):  # of which the cache has the head only
            task = await self._live(key)
            if task is None:
                return
        try:
            await self._pass(key, task)
        finally:
            self._admission.settle(task["metadata"]["uid"])

    async def _pass(self, key: Key, task: Obj) -> None:
        gathered = await self._gatherer.gather(task)
        now = self._clock()
        gathered = await self._ask_again(gathered, now)
        gathered, decision = await self._decide(gathered, now)
        try:
            again = await self._applier.apply(gathered, decision, now)
        except KubeError as error:
            if await self._is_gone(key, error):
                log.info("gone while it was worked on", extra=_about(key))
                return
            if not error.conflict:
                raise
            await self._live(key)
            self._queue.add(key)
            return
        _tell(key, decision)
        if again:
            self._queue.add(key)
        elif decision.wake_at is not None:
            self._queue.add_after(key, max(0.0, decision.wake_at - self._clock()))
        if gathered.look_again is not None:
            self._queue.add_after(key, gathered.look_again)
        if decision.status.state in TERMINAL_TASK_STATES:
            self._after_the_end(key, gathered)

    async def _ask_again(self, gathered: Gathered, now: float) -> Gathered:
        """The same, with its actions as the API server has them, where much depends on them: what is applied cannot be
        taken back, nor can an approval that is timed out. The watch may be late. Raises KubeError.
        """
        plan, snapshot = gathered.plan, gathered.snapshot
        due = plan is not None and approvals.is_due(plan, snapshot, now)
        if not due and not snapshot.actions:
            return gathered
        meta = gathered.task["metadata"]
        return gathered.with_actions(await self._answers.waiting(meta["namespace"], meta["name"], look=due))

    async def _decide(self, gathered: Gathered, now: float) -> tuple[Gathered, Decision]:
        """Decide; where the decision needs large values, load them and decide again. Raises KubeError."""
        while True:
            try:
                return gathered, decide(gathered.plan, gathered.snapshot, now)
            except MissingValues as missing:
                gathered = gathered.with_values(await self._load(gathered, missing))

    async def _load(self, gathered: Gathered, missing: MissingValues) -> Mapping[str, Any]:
        """What is missing, or Lost where it is gone. Each round brings new values, so that the rounds end."""
        known = missing.names & gathered.snapshot.values.keys()
        assert not known, f"asked for again: {', '.join(sorted(known))}"
        namespace, status = gathered.task["metadata"]["namespace"], gathered.snapshot.status
        wanted = set(missing.names)
        lost: dict[str, Lost] = {}
        while True:
            try:
                return {**await self._results.values(namespace, status, wanted), **lost}
            except ResultMissing as error:
                wanted.discard(error.name)
                lost[error.name] = Lost(str(error))

    def _after_the_end(self, key: Key, gathered: Gathered) -> None:
        """Another may start now; and there is cleaning to do, or to be put off, which the next look sees to."""
        if gathered.snapshot.status.state not in TERMINAL_TASK_STATES:
            self._admission.wake()
            self._queue.add(key)
            return
        known = self._cache.get(Kind.TASK, *key)
        if known is not None and self._settled.is_settled(known):  # else the next pass would find what this one did
            self._queue.add(key)

    async def _is_gone(self, key: Key, error: KubeError) -> bool:
        """Whether a write failed because the Task, or its namespace, is no more; not found may be another object."""
        return is_gone(error) and not (error.not_found and await self._live(key) is not None)

    async def _without_task(self, key: Key) -> None:
        """A key without a Task: it is gone, or somebody acts on one that does not exist or is not seen yet."""
        namespace, name = key
        if self._settled.unanswered(namespace, name) and await self._live(key) is None:
            await self._answers.refuse_all(namespace, name)

    async def _live(self, key: Key) -> Obj | None:
        """The Task as it is now, whole, or None; what is new about it wakes whom it concerns."""
        try:
            task = await self._kube.get(tasks_path(*key))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        self._seen(Kind.TASK, None, task)
        return task


def _has_ended(task: Obj) -> bool:
    return (task.get("status") or {}).get("state") in TERMINAL_TASK_STATES


def _tell(key: Key, decision: Decision) -> None:
    for transition in decision.transitions:
        if transition.step is None:
            log.info("%s -> %s (%s)", transition.source, transition.target, transition.event, extra=_about(key))


def _about(key: Key) -> dict[str, str]:
    return {"task": key[1], "namespace": key[0]}
