"""The guarantees of docs/guarantees.md by their names, as far as the engine gives them, over what a World recorded."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.snapshot import Observation, Phase, Snapshot
from kubesaga.engine.states import STEP_TRANSITIONS, TASK_TRANSITIONS, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import (
    ActionType,
    CompensationWhen,
    Role,
    StepEvent,
    StepKind,
    StepState,
    TaskEvent,
    TaskState,
)
from tests.engine.world import World
from tests.guarantees.identifiers import Guarantee

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
        """no-idle-writes: a second look, with the answers given and not asked for, changes nothing."""
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
            f"{Guarantee.NO_IDLE_WRITES}: a second look writes: {[f'{t.step}:{t.event}' for t in again.transitions]}, "
            f"{again.status.message}"
        )
        assert not set(again.launches) - set(decision.launches) - _recorded(snapshot.status)
        if not (decision.launches or decision.fences or decision.stops or decision.verdicts or decision.release):
            assert _time(decision.wake_at) <= _time(again.wake_at), (
                f"{Guarantee.ENDS_OR_NAMES_A_HUMAN}: a time is forgotten: {again.wake_at} only after another look, "
                f"{again.status.message}"
            )
        moment = self.now if at is None else at
        later = moment + 0.2 if decision.wake_at is None else min(moment + 0.2, (moment + decision.wake_at) / 2)
        if decision.wake_at is not None and later >= decision.wake_at:  # nothing lies between the two
            return
        third = super().decide(after, later)
        said = f"{Guarantee.NO_IDLE_WRITES}: time alone writes before wake_at"
        assert third.status is decision.status, f"{said}: {third.status.message}"


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
    """ends-are-final, done-work-is-kept, attempts-only-grow, actions-applied-once; the tables have every move."""
    state = before.state
    for t in decision.transitions:
        if t.step is not None:
            table = STEP_TRANSITIONS[StepEvent(t.event)]
            assert StepState(t.target) in table[StepState(t.source)], f"{Guarantee.HISTORY_IS_WHOLE}: {t}"
            continue
        assert t.source == state, f"{Guarantee.HISTORY_IS_WHOLE}: from {state} by {t}"
        assert TaskState(t.target) in TASK_TRANSITIONS[TaskEvent(t.event)][state], f"{Guarantee.HISTORY_IS_WHOLE}: {t}"
        assert state not in TERMINAL_TASK_STATES or t.event in _ENDED_BY, f"{Guarantee.ENDS_ARE_FINAL}: {t}"
        state = TaskState(t.target)
    assert state is decision.status.state, f"{Guarantee.HISTORY_IS_WHOLE}: {state} is {decision.status.state}"
    rearmed = {t.step for t in decision.transitions if t.event == StepEvent.REARM}
    for old, new in zip(before.steps, decision.status.steps, strict=False):
        assert new.attempt >= old.attempt, f"{Guarantee.ATTEMPTS_ONLY_GROW}: {old.name}"
        if old.state in _DONE and old.name not in rearmed:
            kept = (new.state, new.result, new.attempt) == (old.state, old.result, old.attempt)
            assert kept, f"{Guarantee.DONE_WORK_IS_KEPT}: {old} is {new}"
    check_decided_end(before, decision)
    uids = [record.uid for record in decision.status.actions]
    assert len(uids) == len(set(uids)), f"{Guarantee.ACTIONS_APPLIED_ONCE}: {uids}"


def check_decided_end(before: TaskStatus, decision: Decision) -> None:
    """decided-end-is-kept: while an end is decided, its reason and its time stay as they are."""
    events = {t.event for t in decision.transitions if t.step is None}
    if before.ending is None or not events.isdisjoint(_ENDED_BY):
        return
    after = decision.status.ending
    kept = after is not None and (after.trigger, after.at) == (before.ending.trigger, before.ending.at)
    assert kept, f"{Guarantee.DECIDED_END_IS_KEPT}: {before.ending} is {after}"


def check_no_new_work_once_ending(world: World, before: TaskStatus, decision: Decision) -> None:
    """no-new-work-once-ending."""
    if before.ending is None or decision.status.run != before.run:
        return
    finals = {step.name for step in world.plan.steps if step.final}
    begun = [t for t in decision.transitions if t.event == StepEvent.ENQUEUE and t.role is Role.FORWARD]
    assert all(t.step in finals for t in begun), f"{Guarantee.NO_NEW_WORK_ONCE_ENDING}: {begun}"


def check_dependencies(world: World, before: TaskStatus, decision: Decision) -> None:
    """dependencies-first."""
    graph, plan = world.plan.graph, world.plan
    records = {r.name: r.state for r in before.steps} or {step.name: StepState.PENDING for step in plan.steps}
    for t in decision.transitions:
        if t.step is None or t.role is not Role.FORWARD:
            continue
        if t.event == StepEvent.ENQUEUE:
            for p in graph.failure_parents[graph.index[t.step]]:
                tolerated = plan.steps[p].continue_on_error or plan.steps[p].final
                state = records[plan.steps[p].name]
                done = state in _DONE or (tolerated and state is StepState.ERROR)
                assert done, f"{Guarantee.DEPENDENCIES_FIRST}: {t.step} before {plan.steps[p].name}"
        records[t.step] = StepState(t.target)


def check_turn_of_compensations(world: World, decision: Decision) -> None:
    """undone-in-reverse: in reverse reachability of the whole graph."""
    saga, graph = decision.status.saga, world.plan.graph
    if saga is None:
        return
    due = {entry.step for entry in saga.plan}
    states = {r.name: r.compensation.state for r in decision.status.steps if r.compensation}
    for t in decision.transitions:
        if t.role is Role.COMPENSATION and t.event == StepEvent.ENQUEUE:
            assert t.step in due, f"{Guarantee.UNDONE_IN_REVERSE}: {t.step} is not due"
            undone = graph.index[t.step]
            below = [name for name in sorted(due) if undone in graph.ancestors(graph.index[name])]
            early = [name for name in below if states[name] not in _DONE]
            assert not early, f"{Guarantee.UNDONE_IN_REVERSE}: {t.step} before {early}"


def check_all(world: World) -> None:
    """What can be said once a World stands still, ends-or-names-a-human before all."""
    assert world.ended or world.names_a_human(), f"{Guarantee.ENDS_OR_NAMES_A_HUMAN}: {world.status.message}"
    check_history(world)


def check_history(world: World) -> None:
    """What can be said whatever it waits for."""
    check_jobs(world)
    check_success_means_that_every_step_is_done(world)
    check_bounds(world)
    check_saga_is_done_or_named(world)


def check_jobs(world: World) -> None:
    """one-job-per-attempt, one-live-attempt, no-undoing-beside-work."""
    launched = Counter(world.launched)
    assert max(launched.values(), default=0) <= 1, f"{Guarantee.ONE_JOB_PER_ATTEMPT}: {launched}"
    confirmed = {record.step for record in world.status.actions if record.type is ActionType.CONFIRM_STOPPED}
    for attempt, beside in world.beside.items():
        if attempt.role is Role.COMPENSATION:
            forward = {a for a in beside if a.role is Role.FORWARD and a.step not in confirmed}
            # Its program is over, though its Job is not: a look that goes back behind it does no harm.
            forward -= {a for a in forward if _ended_well(world, a, world.jobs[attempt].created_at)}
            assert not forward, f"{Guarantee.NO_UNDOING_BESIDE_WORK}: {attempt} beside {forward}"
        same = {a for a in beside if a.role is attempt.role and a.step == attempt.step and a.step not in confirmed}
        assert not same, f"{Guarantee.ONE_LIVE_ATTEMPT}: {attempt} beside {same}"


def _ended_well(world: World, attempt: Attempt, at: float) -> bool:
    return world.jobs[attempt].observe(at).phase is Phase.SUCCEEDED


def check_success_means_that_every_step_is_done(world: World) -> None:
    """success-is-true: a Task that succeeded has no step that was given up, and none that was never reached."""
    if world.status.state is TaskState.COMPLETE:
        records = [world.status.steps[i] for i in world.plan.forward]
        left = [r.name for r in records if r.state not in (*_DONE, StepState.ERROR)]
        assert left == [], f"{Guarantee.SUCCESS_IS_TRUE}: {left}"


def check_bounds(world: World) -> None:
    """attempts-only-grow: without gaps, bounded by maxAttempts, the times they began anew, and what a rule ignored."""
    for step, record in zip(world.plan.steps, world.status.steps, strict=False):
        for role, policy in ((Role.FORWARD, step.retry), (Role.COMPENSATION, None)):
            mine = [t for t in world.history if t.step == step.name and t.role is role]
            enqueued = [t.attempt for t in mine if t.event == StepEvent.ENQUEUE]
            assert enqueued == list(range(1, len(enqueued) + 1)), f"{Guarantee.ATTEMPTS_ONLY_GROW}: {enqueued}"
            if policy is None:
                policy = step.compensation.retry if step.compensation else step.retry  # noqa: PLW2901
            anew = sum(t.event in _ANEW for t in mine)
            ignored = sum(t.event == StepEvent.FAILED and "Ignored" in (t.message or "") for t in mine)
            bound = policy.max_attempts * (1 + anew) + ignored
            assert len(enqueued) <= bound, f"{Guarantee.ATTEMPTS_ONLY_GROW}: {len(enqueued)} of {bound}"
        assert record.attempt == sum(
            t.event == StepEvent.ENQUEUE and t.step == step.name and t.role is Role.FORWARD for t in world.history
        )


def check_saga_is_done_or_named(world: World) -> None:
    """due-undoing-done-or-named: what began is planned to be undone; that is done, skipped by a human, or left."""
    status = world.status
    if status.saga is None:
        return
    ran = {a.step for a, job in world.jobs.items() if a.role is Role.FORWARD and job.observe(world.now).started_at}
    started = [s for s in world.plan.steps if s.compensation and s.compensation.when is CompensationWhen.STARTED]
    lost = ran.intersection(step.name for step in started) - {entry.step for entry in status.saga.plan}
    assert not lost, f"{Guarantee.DUE_UNDOING_DONE_OR_NAMED}: {lost} began, and nothing is planned to undo it"
    if not world.ended:
        return
    assert [r.state for r in status.steps if r.state not in _AT_REST] == []
    for entry in status.saga.plan:
        record = _undo(status, entry.step)
        named = record.state in _DONE or entry.step in status.saga.abandoned
        assert named, f"{Guarantee.DUE_UNDOING_DONE_OR_NAMED}: {entry.step} is {record.state}"


_AT_REST = {*_DONE, StepState.ERROR, StepState.CANCELLED, StepState.PENDING}


def _undo(status: TaskStatus, step: str) -> StepRecord:
    record = next(r.compensation for r in status.steps if r.name == step)
    assert record is not None
    return record


def check_approvals_need_no_job(world: World) -> None:
    kinds = {step.name: step.kind for step in world.plan.steps}
    assert all(kinds[a.step] is StepKind.PROGRAM or a.role is Role.COMPENSATION for a in world.jobs)
