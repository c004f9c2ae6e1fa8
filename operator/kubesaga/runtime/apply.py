"""Carrying a decision out, in the one order that survives a crash at any point (semantics 6).

The finalizer and what the status refers to; the status with the intent of every launch and stop, guarded by
resourceVersion; then events and metrics, the answers to actions, launches, stops, the label and the release. What is
interrupted is done again by the next pass, from what is recorded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.history import HISTORY_KEY, Block, history_name, spill
from kubesaga.api.status import write_status
from kubesaga.engine.decision import Decision
from kubesaga.engine.records import Attention
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime import metrics
from kubesaga.runtime.actions import Answers
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.claims import Claims
from kubesaga.runtime.configmaps import build_config_map, put_config_map
from kubesaga.runtime.dead_letters import DeadLetters
from kubesaga.runtime.events import EventRecorder
from kubesaga.runtime.family import Family
from kubesaga.runtime.gather import Gathered
from kubesaga.runtime.launches import Launcher
from kubesaga.runtime.namespaces import Terminating, is_terminating
from kubesaga.runtime.patches import status_patch
from kubesaga.runtime.release import Release
from kubesaga.runtime.results import Results

Obj = dict[str, Any]

# Characters of a message that is written past the engine.
MOST_WORDS = 1000


class Applier:
    """Writes what was decided."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        events: EventRecorder,
        launcher: Launcher,
        results: Results,
        answers: Answers,
        claims: Claims,
        release: Release,
        dead_letters: DeadLetters,
        family: Family,
        terminating: Terminating,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._events = events
        self._launcher = launcher
        self._results = results
        self._answers = answers
        self._claims = claims
        self._release = release
        self._dead_letters = dead_letters
        self._family = family
        self._terminating = terminating

    async def apply(self, gathered: Gathered, decision: Decision, now: float) -> bool:
        """Carry the decision out; True when another pass should follow at once. Raises KubeError.

        A conflict with the Task raises before anything has been done; what it raises later leaves a recorded intent
        that the next pass completes. What is refused for one step holds up none of the others: all is tried first.
        """
        task = await self._prepare(gathered, decision, now)
        if decision.status is not gathered.snapshot.status:
            task = await self._write(gathered, task, decision, now)
        # What is written is told, whatever becomes of the rest: the next decision will not say it again.
        for event in decision.events:
            self._events.emit(task, "Warning" if event.warning else "Normal", event.reason, event.note)
        metrics.record_decision(task, gathered.snapshot.status, decision)
        again = decision.claim and await self._claim(gathered, task)
        again = await self._carry_out(gathered, task, decision) or again
        task = await self._dead_letters.mark(task, stale=decision.status.stale)
        if decision.release:
            await self._release.let_go(task)
        return again

    async def _carry_out(self, gathered: Gathered, task: Obj, decision: Decision) -> bool:
        """The answers, the launches, the stops, each whatever becomes of the others; then the first error is raised.

        A quota that is full is emptied only by stopping something.
        """
        failures: list[KubeError] = []
        again = False
        for verdict in decision.verdicts:
            try:
                await self._answers.answer(task["metadata"]["namespace"], verdict, task)
            except KubeError as error:
                failures.append(error)
        try:
            again = await self._launcher.create(gathered, task, decision)
        except KubeError as error:
            failures.append(error)
        failures += await self._launcher.stop(gathered, task, decision)
        if failures:
            raise failures[0]
        return again

    async def _prepare(self, gathered: Gathered, decision: Decision, now: float) -> Obj:
        """What has to be there before the status is: the finalizer, and the values that it refers to."""
        task, policy = gathered.task, gathered.snapshot.deletion_policy
        # What has no owner must not outlive its Task either.
        if decision.finalizer or ((decision.claim or decision.blobs) and policy is DeletionPolicy.COMPENSATE):
            task = await self._release.hold(task)
        if decision.blobs:
            async with self._storing(gathered, task, now):
                await self._results.store(task, policy, decision.blobs)
        return task

    async def _write(self, gathered: Gathered, task: Obj, decision: Decision, now: float) -> Obj:
        before = task.get("status") or {}
        continued, blocks = spill(before, decision.transitions)
        if blocks and gathered.snapshot.deletion_policy is DeletionPolicy.COMPENSATE:
            task = await self._release.hold(task)
        meta = task["metadata"]
        async with self._storing(gathered, task, now):
            await self._store_history(gathered, task, blocks)
        finals = [step.name for step in gathered.plan.steps if step.final] if gathered.plan else ()
        after = write_status(decision.status, continued, decision.transitions, meta["generation"], now, finals)
        return await self._patch(task, before, after)

    async def _patch(self, task: Obj, before: Obj, after: Obj) -> Obj:
        meta = task["metadata"]
        ops = status_patch(before, after, meta["resourceVersion"])
        if not ops:
            return task
        written = await self._kube.json_patch(tasks_path(meta["namespace"], meta["name"], "status"), ops)
        self._cache.upsert(Kind.TASK, written)
        self._family.changed(written)
        return written

    async def _store_history(self, gathered: Gathered, task: Obj, blocks: Iterable[Block]) -> None:
        meta, policy = task["metadata"], gathered.snapshot.deletion_policy
        for block in blocks:
            name = history_name(meta["name"], meta["uid"], block.number)
            stored = build_config_map(task, policy, name, c.CONTENT_HISTORY, {HISTORY_KEY: block.text})
            await put_config_map(self._kube, stored)

    @asynccontextmanager
    async def _storing(self, gathered: Gathered, task: Obj, now: float) -> AsyncIterator[None]:
        """Say what keeps a part of the status from being stored; a namespace that is being deleted must not.

        What its end takes with it needs no storing, and a Task that waited for it would hold the namespace.
        """
        try:
            yield
        except KubeError as error:
            if not is_terminating(error):
                if error.forbidden or error.invalid:
                    await self._say_not_stored(gathered, task, error, now)
                raise
            self._terminating.note(task["metadata"]["namespace"])

    async def _say_not_stored(self, gathered: Gathered, task: Obj, error: KubeError, now: float) -> None:
        """That the Task stays as it is, until a human removes what is in the way; nothing else of it can be written."""
        what = (
            "the API server refuses the ConfigMap for a large result, or for the older history, and without it nothing "
            f"can be decided: {error.message}; the Task goes on once it is admitted"
        )[:MOST_WORDS]
        known = gathered.snapshot.status
        said = replace(known, attention=Attention("ResultNotStored", what), message=f"needs attention: {what}")
        if said != known:
            self._events.emit(task, "Warning", "ResultNotStored", what)
            before = task.get("status") or {}
            await self._patch(task, before, write_status(said, before, (), task["metadata"]["generation"], now))

    async def _claim(self, gathered: Gathered, task: Obj) -> bool:
        """Claim the identity; who has it, and so what follows, is seen by the next pass."""
        name = gathered.snapshot.claim_name
        assert name is not None
        try:
            await self._claims.take(task, name, gathered.snapshot.deletion_policy)
        except KubeError as error:
            if error.forbidden and not is_terminating(error):  # a Task that has not started has no status to say so
                what = f"the ConfigMap that makes this request the only one of its kind is refused: {error.message}"
                self._events.emit(task, "Warning", "ClaimRefused", what[:MOST_WORDS])
            raise
        return True
