"""Deliberate bugs, each a switch: the sweep must find every one of them, or its checks check nothing.

Each takes away one of the fences that the guarantees rest on, in the very place where a refactoring might lose it.
``simulation.play`` turns them on; test_bugs asks for each that some seed finds it, and that none is found without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Decision
from kubesaga.engine.draft import Draft
from kubesaga.engine.graph import Graph
from kubesaga.engine.plan import Plan
from kubesaga.engine.policies import actions, ending, reopen
from kubesaga.engine.snapshot import Observation, Phase, Snapshot
from kubesaga.engine.vocabulary import EndingPhase, Role, StepKind
from kubesaga.kube.client import KubeError, jobs_path
from kubesaga.runtime import apply, attempts, launches, reconcile
from kubesaga.runtime.gather import Gathered
from kubesaga.runtime.jobs import job_name
from kubesaga.runtime.patches import status_patch

Obj = dict[str, Any]
Switch = Callable[[], AbstractContextManager[Any]]


def no_version_guard() -> AbstractContextManager[Any]:
    """A status is written whatever has become of the object since it was read."""

    def unguarded(before: Obj, after: Obj, version: str) -> list[Obj]:
        return [op for op in status_patch(before, after, version) if op["path"] != "/metadata/resourceVersion"]

    return patch.object(apply, "status_patch", unguarded)


def job_before_intent() -> AbstractContextManager[Any]:
    """Jobs are created before the status says so."""
    proper = apply.Applier.apply

    async def eager(self: apply.Applier, gathered: Gathered, decision: Decision, now: float) -> bool:
        await self._launcher.create(gathered, gathered.task, decision)
        return await proper(self, gathered, decision, now)

    return patch.object(apply.Applier, "apply", eager)


def no_quiescing() -> AbstractContextManager[Any]:
    """Whatever still runs when an end is decided counts as stopped."""
    return patch.object(ending, "_are_quiet", lambda *_, **__: True)


def no_fence_for_a_lost_job() -> AbstractContextManager[Any]:
    """An attempt without a Job counts as failed, and its name stays free."""
    proper = Draft.observed

    def trusting(self: Draft, i: int, role: Role) -> Observation:
        seen, record = proper(self, i, role), self.record(i, role)
        given_up = record.stop is not None or self.ending is not None
        if seen.phase is Phase.LOST or (seen.phase is Phase.ABSENT and given_up):
            return replace(seen, phase=Phase.FENCED, terminal=True)
        return seen

    return patch.object(Draft, "observed", trusting)


def delete_instead_of_parallelism_0() -> AbstractContextManager[Any]:
    """To stop a Job it is deleted, with its name and its pod's last words."""

    async def stop(self: launches.Launcher, gathered: Gathered, task: Obj, decision: Decision) -> list[KubeError]:
        failures = []
        for attempt in decision.stops:
            if launches._kind(gathered, attempt) is StepKind.PROGRAM:
                try:
                    await self._kube.delete(jobs_path(task["metadata"]["namespace"], job_name(task, attempt)))
                except KubeError as error:
                    if not error.not_found:
                        failures.append(error)
        return failures

    return patch.object(launches.Launcher, "stop", stop)


def timer_lost_on_restart() -> AbstractContextManager[Any]:
    """Only a pass that writes sets the timer of what comes next: a new process sets none."""

    def forgetful(plan: Plan | None, snapshot: Snapshot, now: float) -> Decision:
        decision = decide(plan, snapshot, now)
        return replace(decision, wake_at=None) if decision.status is snapshot.status else decision

    return patch.object(reconcile, "decide", forgetful)


def attempts_reset_to_0() -> AbstractContextManager[Any]:
    """A step that is tried again by hand counts from the beginning, and meets the Jobs of its past."""
    proper = reopen.reset

    def reset(draft: Draft, i: int, role: Role, *arguments: Any, **named: Any) -> None:
        proper(draft, i, role, *arguments, **named)
        draft.change_step(i, role, attempt=0, retry_base=0)

    return patch.object(reopen, "reset", reset)


def ending_evaluated_again() -> AbstractContextManager[Any]:
    """That and how the Task ends is weighed anew in every pass, until nothing runs any more."""

    def fickle(plan: Plan | None, snapshot: Snapshot, now: float) -> Decision:
        end = snapshot.status.ending
        if end is not None and end.phase is EndingPhase.QUIESCING:
            snapshot = replace(snapshot, status=replace(snapshot.status, ending=None))
        return decide(plan, snapshot, now)

    return patch.object(reconcile, "decide", fickle)


def edges_between_compensable_steps_only() -> AbstractContextManager[Any]:
    """A step with nothing to undo separates those before it from those after it."""

    def direct(self: Graph, step: int, among: frozenset[int]) -> list[int]:
        return sorted(among.intersection(self.children[step]))

    return patch.object(Graph, "nearest_descendants", direct)


def action_applied_twice() -> AbstractContextManager[Any]:
    """What an action did is not remembered with its effect, but only told to the action."""
    return patch.object(actions, "_record", lambda *_: None)


def end_of_a_job_without_its_pods_words() -> AbstractContextManager[Any]:
    """What is known of a Job's pods counts, however far their watch lags behind the Jobs'."""

    async def deaf(self: attempts.Attempts, task: Obj, job: Obj, pods: Iterable[Obj]) -> Iterable[Obj]:
        return pods

    return patch.object(attempts.Attempts, "_last_words", deaf)


BUGS: dict[str, Switch] = {
    switch.__name__.replace("_", "-"): switch
    for switch in (
        no_version_guard,
        job_before_intent,
        no_quiescing,
        no_fence_for_a_lost_job,
        delete_instead_of_parallelism_0,
        timer_lost_on_restart,
        attempts_reset_to_0,
        ending_evaluated_again,
        edges_between_compensable_steps_only,
        action_applied_twice,
        end_of_a_job_without_its_pods_words,
    )
}
