"""Carrying a decision out, in the one order that survives a crash at any point (semantics 6).

First the status with the intent of every launch and stop, guarded by resourceVersion; then the Jobs; then the stops;
events and metrics last. What is interrupted is done again by the next pass, from what is recorded.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kubesaga.api.status import write_status
from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.records import StepError
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.events import EventRecorder
from kubesaga.runtime.gather import Gathered
from kubesaga.runtime.jobs import STOP_PATCH, InputTooLarge, belongs_to, build_fence, build_job, job_name
from kubesaga.runtime.kube import Kube, KubeError, jobs_path, tasks_path
from kubesaga.runtime.patches import status_patch
from kubesaga.runtime.refusals import Refusal, Refusals, name_taken, refusal_of

Obj = dict[str, Any]


class Applier:
    """Writes what was decided."""

    def __init__(self, kube: Kube, cache: Cache, events: EventRecorder, refusals: Refusals) -> None:
        self._kube = kube
        self._cache = cache
        self._events = events
        self._refusals = refusals

    async def apply(self, gathered: Gathered, decision: Decision, now: float) -> bool:
        """Carry the decision out; True when another pass should follow at once. Raises KubeError.

        A conflict raises before anything has been done; what it raises later leaves a recorded intent that the next
        pass completes.
        """
        task = gathered.task
        if decision.status is not gathered.snapshot.status:
            task = await self._write(task, decision, now)
        again = await self._create(gathered, task, decision)
        await self._stop(task, decision)
        for event in decision.events:
            self._events.emit(task, "Warning" if event.warning else "Normal", event.reason, event.note)
        metrics.record_decision(task, gathered.snapshot.status, decision)
        return again

    async def _write(self, task: Obj, decision: Decision, now: float) -> Obj:
        meta = task["metadata"]
        before = task.get("status") or {}
        after = write_status(decision.status, before, decision.transitions, meta["generation"], now)
        ops = status_patch(before, after, meta["resourceVersion"])
        if not ops:
            return task
        written = await self._kube.json_patch(tasks_path(meta["namespace"], meta["name"], "status"), ops)
        self._cache.upsert(Kind.TASK, written)
        return written

    async def _create(self, gathered: Gathered, task: Obj, decision: Decision) -> bool:
        """Create the launches' Jobs and the fences, side by side. True if a new fact needs another decision."""
        creations = [self._launch(gathered, task, decision, attempt) for attempt in decision.launches]
        creations += [self._create_job(task, attempt, build_fence(task, attempt)) for attempt in decision.fences]
        if not creations:
            return False
        results = await asyncio.gather(*creations, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]
        return any(result is True for result in results) or bool(decision.fences)

    async def _launch(self, gathered: Gathered, task: Obj, decision: Decision, attempt: Attempt) -> bool:
        revision = gathered.revision
        assert revision is not None
        program = revision.program(attempt.step, attempt.role)
        try:
            job = build_job(task, revision.plan, decision.status, attempt, program)
        except InputTooLarge as error:
            refusal = Refusal(StepError("InputTooLarge", str(error), retryable=False), hopeless=True)
            self._refusals.note(task["metadata"]["uid"], attempt, refusal)
            return True
        return await self._create_job(task, attempt, job)

    async def _create_job(self, task: Obj, attempt: Attempt, job: Obj) -> bool:
        """Create a Job; one that is there already was created by an earlier pass, and is all the same."""
        namespace = task["metadata"]["namespace"]
        try:
            created = await self._kube.create(jobs_path(namespace), job)
        except KubeError as error:
            if error.already_exists:
                found = await self._kube.get(jobs_path(namespace, job_name(task, attempt)))
                if belongs_to(found, task, attempt):
                    self._cache.upsert(Kind.JOB, found)
                else:
                    self._refusals.note(task["metadata"]["uid"], attempt, name_taken(found))
                return True
            refusal = refusal_of(error)
            if refusal is None:
                raise
            self._refusals.note(task["metadata"]["uid"], attempt, refusal)
            if not refusal.hopeless:
                raise
            return True
        self._cache.upsert(Kind.JOB, created)
        return False

    async def _stop(self, task: Obj, decision: Decision) -> None:
        for attempt in decision.stops:
            path = jobs_path(task["metadata"]["namespace"], job_name(task, attempt))
            try:
                stopped = await self._kube.merge_patch(path, STOP_PATCH)
            except KubeError as error:
                if not error.not_found:
                    raise
            else:
                self._cache.upsert(Kind.JOB, stopped)
