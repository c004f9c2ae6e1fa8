"""What a human may do when undoing is stuck: try again, say that it is undone, or leave the rest as it is."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import reopen, saga
from kubesaga.engine.policies.refusal import Refused
from kubesaga.engine.records import StepRecord, Stop
from kubesaga.engine.snapshot import Action
from kubesaga.engine.states import FINAL_STEP_STATES, LIVE_STEP_STATES, STEP_TRANSITIONS
from kubesaga.engine.vocabulary import (
    ActionType,
    Role,
    StepEvent,
    StepOutcome,
    StepState,
    StopAction,
    TaskState,
)

_UNDO = Role.COMPENSATION


def apply(draft: Draft, action: Action) -> str | None:
    """What was done; None while a compensation has to stop first. Raises Refused."""
    if draft.state is not TaskState.COMPENSATING or draft.saga is None:
        raise Refused(f"the Task is {draft.state}, not Compensating")
    if draft.saga.abandoned and action.type is not ActionType.MARK_COMPENSATED:
        raise Refused("its compensation has been abandoned")
    if action.type is ActionType.ABANDON:
        return _abandon(draft, action)
    steps = _chosen(draft, action)
    if draft.saga.abandoned and draft.record(steps[0], _UNDO).state in FINAL_STEP_STATES:
        raise Refused("its compensation has been abandoned, and this one does not run")
    if action.type is ActionType.RETRY_COMPENSATION:
        return _retry(draft, steps)
    return _mark(draft, steps[0])


def _chosen(draft: Draft, action: Action) -> list[int]:
    assert draft.saga is not None
    planned = [draft.plan.graph.index[entry.step] for entry in draft.saga.plan]
    if action.step is None:
        if action.type is ActionType.MARK_COMPENSATED:
            raise Refused("MarkCompensated is for one step: name it in spec.step")
        return [i for i in planned if draft.record(i, _UNDO).state is StepState.ERROR]
    i = draft.plan.graph.index[action.step]
    if i not in planned:
        raise Refused(f"{action.step} has nothing to undo")
    record = draft.record(i, _UNDO)
    if action.expected_attempt is not None and action.expected_attempt != record.attempt:
        raise Refused(
            f"it expects attempt {action.expected_attempt} of the compensation of {record.name}, which is at "
            f"{record.attempt}"
        )
    return [i]


def _retry(draft: Draft, steps: list[int]) -> str:
    for i in steps:
        record = draft.record(i, _UNDO)
        if record.state is not StepState.ERROR:
            raise Refused(f"the compensation of {record.name} is {record.state}, and only one in Error can be retried")
    if not steps:
        raise Refused("no compensation has failed")
    for i in steps:
        reopen.reset(draft, i, _UNDO)
    return f"undone again: {', '.join(draft.steps[i].name for i in steps)}"


def _mark(draft: Draft, i: int) -> str | None:
    record = draft.record(i, _UNDO)
    if record.state in LIVE_STEP_STATES:
        _stop(draft, i, record)
        return None
    if record.state not in STEP_TRANSITIONS[StepEvent.RESOLVE_MANUALLY]:
        raise Refused(f"the compensation of {record.name} is {record.state} already")
    draft.move_step(
        i,
        _UNDO,
        StepEvent.RESOLVE_MANUALLY,
        StepState.RESOLVED_MANUALLY,
        outcome=StepOutcome.RESOLVED_MANUALLY,
        finished_at=draft.now,
        next_retry_at=None,
        stop=None,
    )
    return f"{record.name} counts as undone"


def _stop(draft: Draft, i: int, record: StepRecord) -> None:
    if record.stop is None or record.stop.action is not StopAction.ACT:
        draft.change_step(i, _UNDO, stop=Stop("ActionMarkCompensated", draft.now, StopAction.ACT))


def _abandon(draft: Draft, action: Action) -> str:
    assert draft.saga is not None
    if action.step is not None:
        raise Refused("Abandon is for the whole Task: leave spec.step out")
    left = saga.not_undone(draft)
    if not left:
        raise Refused("everything is undone")
    draft.saga = replace(draft.saga, abandoned=left)
    draft.emit("CompensationAbandoned", f"not undone: {', '.join(left)}", warning=True)
    return f"not undone: {', '.join(left)}"
