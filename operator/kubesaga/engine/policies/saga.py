"""Undoing: which steps' work may exist, in which order it is undone, and what happens when undoing fails.

Semantics 4, after Garcia-Molina and Salem, "Sagas" (1987), with a graph instead of a list: compensations run in
reverse topological order, in parallel where the graph allows.
"""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import attempts, settling
from kubesaga.engine.records import Attention, PlannedCompensation, Saga, StepRecord
from kubesaga.engine.states import FINAL_STEP_STATES
from kubesaga.engine.vocabulary import CompensationWhen, Role, StepOutcome, StepState, TaskState

_UNDO = Role.COMPENSATION
_UNDONE = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})


def work_may_exist(record: StepRecord, when: CompensationWhen) -> bool:
    """Whether a step may have done something that is to be undone.

    Under ``Succeeded`` only a failure that the program itself reported, on every attempt, rules it out. What a human
    completed counts as done, whoever did it.
    """
    completed = record.state is StepState.COMPLETE and record.outcome is StepOutcome.SUCCEEDED
    if when is CompensationWhen.STARTED:
        return completed or record.attempt > 0
    return completed or record.outcome_unknown


def freeze(draft: Draft) -> tuple[PlannedCompensation, ...]:
    """The compensations that are due, each with those that must be done before it."""
    graph, steps = draft.plan.graph, draft.plan.steps
    due = frozenset(
        i
        for i, record in ((i, draft.steps[i]) for i in draft.plan.forward)
        if (compensation := steps[i].compensation) and work_may_exist(record, compensation.when)
    )
    return tuple(
        PlannedCompensation(steps[i].name, tuple(steps[j].name for j in graph.nearest_descendants(i, among=due)))
        for i in reversed(graph.order)
        if i in due
    )


def begin(draft: Draft, plan: tuple[PlannedCompensation, ...]) -> None:
    """Write the plan down; it is never made again."""
    assert draft.ending is not None
    draft.saga = Saga(draft.ending.trigger, plan)
    for entry in plan:
        i = draft.plan.graph.index[entry.step]
        draft.steps[i] = replace(draft.steps[i], compensation=StepRecord(entry.step))
    names = ", ".join(entry.step for entry in plan)
    draft.emit("Compensating", f"undoing what may have been done by: {names}")


def follow(draft: Draft) -> None:
    """Bring every compensation under way up to what is seen of it."""
    if draft.saga is None or draft.state is not TaskState.COMPENSATING:
        return
    for entry in draft.saga.plan:
        attempts.observe(draft, draft.plan.graph.index[entry.step], _UNDO, holding=False)


def run(draft: Draft) -> None:
    """Settle the compensations, retry them, start those whose turn it is, name those that are stuck."""
    assert draft.saga is not None
    index = draft.plan.graph.index
    held = draft.snapshot.suspended or bool(draft.saga.abandoned)
    for entry in draft.saga.plan:
        i = index[entry.step]
        _settle(draft, i)
        if not held:
            settling.retry_if_due(draft, i, _UNDO)
    if not held:
        for entry in draft.saga.plan:
            i = index[entry.step]
            if draft.record(i, _UNDO).state is StepState.PENDING and _turn(draft, entry):
                settling.enqueue(draft, i, _UNDO)
    if draft.saga.abandoned:
        _abandon(draft)
        return
    _name_what_is_stuck(draft)
    if draft.snapshot.suspended and not is_over(draft):
        draft.attention = Attention("Suspended", "compensation is held back: resume the Task to have it undone")


def is_over(draft: Draft) -> bool:
    """Whether nothing of the plan is left to do: all is undone, or a human gave the rest up."""
    assert draft.saga is not None
    over = FINAL_STEP_STATES if draft.saga.abandoned else _UNDONE
    return all(_state(draft, entry.step) in over for entry in draft.saga.plan)


def not_undone(draft: Draft) -> tuple[str, ...]:
    """The steps whose compensation is not done."""
    assert draft.saga is not None
    return tuple(entry.step for entry in draft.saga.plan if _state(draft, entry.step) not in _UNDONE)


def _abandon(draft: Draft) -> None:
    """Cancel what has not begun; what runs is let finish, and counts if it succeeds."""
    assert draft.saga is not None
    for entry in draft.saga.plan:
        i = draft.plan.graph.index[entry.step]
        if draft.record(i, _UNDO).state in (StepState.PENDING, StepState.WAITING_FOR_RETRY):
            attempts.cancel(draft, i, _UNDO, None, outcome_unknown=False)
    if is_over(draft):
        draft.saga = replace(draft.saga, abandoned=not_undone(draft))


def _settle(draft: Draft, i: int) -> None:
    settling.accept(draft, i, _UNDO)
    if draft.record(i, _UNDO).state is not StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION:
        return
    abandoned = draft.saga is not None and bool(draft.saga.abandoned)
    if settling.may_retry(draft, i, _UNDO) and not abandoned:
        settling.schedule_retry(draft, i, _UNDO)
    else:
        settling.fail_for_good(draft, i, _UNDO)


def _turn(draft: Draft, entry: PlannedCompensation) -> bool:
    return all(_state(draft, name) in _UNDONE for name in entry.after)


def _state(draft: Draft, step: str) -> StepState:
    return draft.record(draft.plan.graph.index[step], _UNDO).state


def _name_what_is_stuck(draft: Draft) -> None:
    assert draft.saga is not None
    records = [draft.record(draft.plan.graph.index[entry.step], _UNDO) for entry in draft.saga.plan]
    stuck = [record for record in records if record.state is StepState.ERROR]
    if stuck:
        what = "; ".join(f"{record.name} ({record.error})" for record in stuck)
        draft.attention = Attention(
            "CompensationFailed",
            f"could not undo: {what}. What these steps did still stands, and the steps before them wait. Apply a "
            "TaskAction: RetryCompensation to try again, MarkCompensated once it is undone by hand, or Abandon to "
            "leave it.",
        )
