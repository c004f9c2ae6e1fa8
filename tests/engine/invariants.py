"""The invariants of semantics 7, each by its name, over everything that a World recorded on its way."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.snapshot import Observation, Snapshot
from kubesaga.engine.states import STEP_TRANSITIONS, TASK_TRANSITIONS, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import ActionType, Role, StepEvent, StepKind, StepState, TaskEvent, TaskState
from tests.engine.world import World

_ENDED_BY = {TaskEvent.REOPEN, TaskEvent.RESOLVE, TaskEvent.COMPENSATE_REQUESTED}
_ANEW = {StepEvent.RESET, StepEvent.REOPEN, StepEvent.REARM}
_DONE = (StepState.COMPLETE, StepState.RESOLVED_MANUALLY)


@dataclass
class Watched(World):
    """A World that looks at each of its own decisions."""

    def decide(self, snapshot: Snapshot | None = None, at: float | None = None) -> Decision:
        snapshot = snapshot or self.snapshot()
        decision = super().decide(snapshot, at)
        assert super().decide(snapshot, at) == decision, "deciding twice gives another decision"
        self._check_settled(snapshot, decision, at)
        check_change(snapshot.status, decision)
        check_no_new_work_once_ending(self, snapshot.status, decision)
        check_dependencies(self, snapshot.status, decision)
        check_turn_of_compensations(self, decision)
        return decision

    def _check_settled(self, snapshot: Snapshot, decision: Decision, at: float | None) -> None:
        """No write when nothing changed: a second look, with the answers given and not asked for, changes nothing."""
        if decision.wake_at is not None and decision.wake_at <= (self.now if at is None else at):
            return
        told = {verdict.uid for verdict in decision.verdicts}
        actions = tuple(action for action in snapshot.actions if action.uid not in told)
        values = {**snapshot.values, **{blob.ref.name: blob.value for blob in decision.blobs}}
        after = replace(
            snapshot,
            status=decision.status,
            actions=actions,
            values={**self.store, **values},
            forward=_still_seen(snapshot, decision.status, Role.FORWARD),
            compensation=_still_seen(snapshot, decision.status, Role.COMPENSATION),
        )
        again = super().decide(after, at)
        assert again.status is decision.status, (
            f"a second look writes: {[f'{t.step}:{t.event}' for t in again.transitions]}, {again.status.message}"
        )
        assert not set(again.launches) - set(decision.launches) - _recorded(snapshot.status)
        if not (decision.launches or decision.fences or decision.stops or decision.verdicts or decision.release):
            assert _time(decision.wake_at) <= _time(again.wake_at), (
                f"a time is forgotten: {again.wake_at} only after another look, {again.status.message}"
            )
        moment = self.now if at is None else at
        later = moment + 0.2 if decision.wake_at is None else min(moment + 0.2, (moment + decision.wake_at) / 2)
        if decision.wake_at is not None and later >= decision.wake_at:  # nothing lies between the two
            return
        third = super().decide(after, later)
        assert third.status is decision.status, f"time alone writes before wake_at: {third.status.message}"


def _time(wake_at: float | None) -> float:
    return math.inf if wake_at is None else wake_at


def _still_seen(snapshot: Snapshot, status: TaskStatus, role: Role) -> dict[int, Observation]:
    """What was seen, but for the attempts that are not the latest any more."""
    seen = snapshot.forward if role is Role.FORWARD else snapshot.compensation
    return {
        i: observation
        for i, observation in seen.items()
        if _attempt(snapshot.status.steps[i], role) == _attempt(status.steps[i], role)
    }


def _attempt(record: StepRecord, role: Role) -> int:
    if role is Role.FORWARD:
        return record.attempt
    return record.compensation.attempt if record.compensation else 0


def _recorded(status: TaskStatus) -> set[Attempt]:
    """The attempts that are recorded already."""
    found = {Attempt(step.name, Role.FORWARD, step.attempt) for step in status.steps}
    undo = [step.compensation for step in status.steps if step.compensation]
    return found | {Attempt(record.name, Role.COMPENSATION, record.attempt) for record in undo}


def check_change(before: TaskStatus, decision: Decision) -> None:
    """Terminal states change by three events only, results never, attempts only grow; the tables have every move."""
    state = before.state
    for t in decision.transitions:
        if t.step is not None:
            table = STEP_TRANSITIONS[StepEvent(t.event)]
            assert StepState(t.target) in table[StepState(t.source)]
            continue
        assert t.source == state
        assert TaskState(t.target) in TASK_TRANSITIONS[TaskEvent(t.event)][state]
        assert state not in TERMINAL_TASK_STATES or t.event in _ENDED_BY
        state = TaskState(t.target)
    assert state is decision.status.state
    rearmed = {t.step for t in decision.transitions if t.event == StepEvent.REARM}
    for old, new in zip(before.steps, decision.status.steps, strict=False):
        assert new.attempt >= old.attempt
        if old.state in _DONE and old.name not in rearmed:
            assert (new.state, new.result, new.attempt) == (old.state, old.result, old.attempt)
    uids = [record.uid for record in decision.status.actions]
    assert len(uids) == len(set(uids)), "an action was applied twice"


def check_no_new_work_once_ending(world: World, before: TaskStatus, decision: Decision) -> None:
    """No new forward attempt once ending."""
    if before.ending is None or decision.status.run != before.run:
        return
    finals = {step.name for step in world.plan.steps if step.final}
    begun = [t for t in decision.transitions if t.event == StepEvent.ENQUEUE and t.role is Role.FORWARD]
    assert all(t.step in finals for t in begun)


def check_dependencies(world: World, before: TaskStatus, decision: Decision) -> None:
    """No step before its dependencies."""
    graph, plan = world.plan.graph, world.plan
    records = {r.name: r.state for r in before.steps} or {step.name: StepState.PENDING for step in plan.steps}
    for t in decision.transitions:
        if t.step is None or t.role is not Role.FORWARD:
            continue
        if t.event == StepEvent.ENQUEUE:
            for p in graph.failure_parents[graph.index[t.step]]:
                tolerated = plan.steps[p].continue_on_error or plan.steps[p].final
                state = records[plan.steps[p].name]
                assert state in _DONE or (tolerated and state is StepState.ERROR), f"{t.step} before {p}"
        records[t.step] = StepState(t.target)


def check_turn_of_compensations(world: World, decision: Decision) -> None:
    """Compensations in reverse reachability order of the whole graph."""
    saga, graph = decision.status.saga, world.plan.graph
    if saga is None:
        return
    due = {entry.step for entry in saga.plan}
    states = {r.name: r.compensation.state for r in decision.status.steps if r.compensation}
    for t in decision.transitions:
        if t.role is Role.COMPENSATION and t.event == StepEvent.ENQUEUE:
            assert t.step in due
            below = {graph.names[j] for j in graph.descendants(graph.index[str(t.step)])} & due
            assert all(states[name] in _DONE for name in below), f"{t.step} undone too early"


def check_all(world: World) -> None:
    """What can be said once a World stands still."""
    assert world.ended or world.names_a_human(), "it neither ended nor names the decision that it waits for"
    check_history(world)


def check_history(world: World) -> None:
    """What can be said whatever it waits for."""
    check_jobs(world)
    check_success_means_that_every_step_is_done(world)
    check_bounds(world)
    check_saga_is_done_or_named(world)


def check_jobs(world: World) -> None:
    """At most one Job of an attempt; one live forward attempt of a step; no undoing beside forward work."""
    assert max(Counter(world.launched).values(), default=0) <= 1
    confirmed = {record.step for record in world.status.actions if record.type is ActionType.CONFIRM_STOPPED}
    for attempt, beside in world.beside.items():
        forward = {a for a in beside if a.role is Role.FORWARD and a.step not in confirmed}
        assert attempt.step not in {a.step for a in forward} or attempt.role is Role.COMPENSATION
        if attempt.role is Role.COMPENSATION:
            assert not forward, f"{attempt} beside {forward}"
        same = {a for a in beside if a.role is attempt.role and a.step == attempt.step and a.step not in confirmed}
        assert not same, f"{attempt} beside {same}"


def check_success_means_that_every_step_is_done(world: World) -> None:
    """A Task that succeeded has no step that was given up, and none that was never reached."""
    if world.status.state is TaskState.COMPLETE:
        records = [world.status.steps[i] for i in world.plan.forward]
        assert [r.name for r in records if r.state not in (*_DONE, StepState.ERROR)] == []


def check_bounds(world: World) -> None:
    """Attempts without gaps, bounded by maxAttempts, the times they began anew, and what a rule ignored."""
    for step, record in zip(world.plan.steps, world.status.steps, strict=False):
        for role, policy in ((Role.FORWARD, step.retry), (Role.COMPENSATION, None)):
            mine = [t for t in world.history if t.step == step.name and t.role is role]
            enqueued = [t.attempt for t in mine if t.event == StepEvent.ENQUEUE]
            assert enqueued == list(range(1, len(enqueued) + 1))
            if policy is None:
                policy = step.compensation.retry if step.compensation else step.retry  # noqa: PLW2901
            anew = sum(t.event in _ANEW for t in mine)
            ignored = sum(t.event == StepEvent.FAILED and "Ignored" in (t.message or "") for t in mine)
            assert len(enqueued) <= policy.max_attempts * (1 + anew) + ignored
        assert record.attempt == sum(
            t.event == StepEvent.ENQUEUE and t.step == step.name and t.role is Role.FORWARD for t in world.history
        )


def check_saga_is_done_or_named(world: World) -> None:
    """Each due compensation is done, skipped by a human, or listed as left."""
    status = world.status
    if status.saga is None or not world.ended:
        return
    assert [r.state for r in status.steps if r.state not in _AT_REST] == []
    for entry in status.saga.plan:
        record = _undo(status, entry.step)
        assert record.state in _DONE or entry.step in status.saga.abandoned


_AT_REST = {*_DONE, StepState.ERROR, StepState.CANCELLED, StepState.PENDING}


def _undo(status: TaskStatus, step: str) -> StepRecord:
    record = next(r.compensation for r in status.steps if r.name == step)
    assert record is not None
    return record


def check_approvals_need_no_job(world: World) -> None:
    kinds = {step.name: step.kind for step in world.plan.steps}
    assert all(kinds[a.step] is StepKind.PROGRAM or a.role is Role.COMPENSATION for a in world.jobs)
