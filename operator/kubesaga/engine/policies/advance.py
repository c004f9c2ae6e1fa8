"""The Task's own state machine: from what its steps did to where the Task stands.

Runs after the steps have moved, and walks every state on the way, so that the recorded history tells the whole
story.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward
from kubesaga.engine.vocabulary import StepKind, StepState, TaskEvent, TaskState

_S = TaskState


def advance(draft: Draft) -> None:
    """Move a Task in its forward part to the state that its steps put it in."""
    if draft.ending or not forward.running(draft):
        return
    target = _target(draft)
    if target is draft.state and not (draft.finished_any or draft.enqueued_any):
        return
    _leave(draft, target)
    _arrive(draft, target)


def _target(draft: Draft) -> TaskState:
    records = [draft.steps[i] for i in draft.plan.forward]
    if draft.any_live(StepKind.PROGRAM):
        return _S.STEPS_IN_PROCESS
    if any(record.state is StepState.WAITING_FOR_RETRY for record in records):
        return _S.WAITING_FOR_RETRY
    if draft.any_live(StepKind.TASK, StepKind.APPROVAL):
        return _S.WAITING_FOR_DEPENDENCIES
    waiting = any(record.state is StepState.PENDING for record in records)
    held = draft.snapshot.suspended or not draft.snapshot.slot
    if waiting and held and not forward.holding(draft) and forward.ready_steps(draft):
        return _S.WAITING_FOR_DEPENDENCIES
    if draft.error or forward.failed_steps(draft):
        return _S.BLOCKED_BY_FAILURES
    if waiting:
        return _S.WAITING_FOR_DEPENDENCIES
    return _S.COMPLETE if _has_result(draft) else _S.BLOCKED_BY_FAILURES


def _has_result(draft: Draft) -> bool:
    """Whether the Task's result can be made; an output that is refused fails the Task as a step would."""
    draft.error = ending.make_result(draft)
    return draft.error is None


def _leave(draft: Draft, target: TaskState) -> None:
    """Go to where the next state can be chosen: EvaluatingResults, or EnqueuingSteps for a due retry."""
    if draft.state is _S.STEPS_IN_PROCESS:
        event = TaskEvent.STEP_FINISHED if draft.finished_any else TaskEvent.WOKEN
        draft.move_task(event, _S.EVALUATING_RESULTS)
    elif draft.state is _S.WAITING_FOR_RETRY and target is _S.STEPS_IN_PROCESS and draft.retried_any:
        draft.move_task(TaskEvent.RETRY_DUE, _S.ENQUEUING_STEPS)
    elif draft.state in (_S.WAITING_FOR_RETRY, _S.WAITING_FOR_DEPENDENCIES, _S.BLOCKED_BY_FAILURES):
        draft.move_task(TaskEvent.WOKEN, _S.EVALUATING_RESULTS)


def _arrive(draft: Draft, target: TaskState) -> None:
    match target:
        case _S.STEPS_IN_PROCESS:
            if draft.state is not _S.ENQUEUING_STEPS and draft.enqueued_any:
                draft.move_task(TaskEvent.STEPS_READY, _S.ENQUEUING_STEPS)
            if draft.state is _S.ENQUEUING_STEPS:
                draft.move_task(TaskEvent.STEPS_ENQUEUED, target)
            else:
                draft.move_task(TaskEvent.STILL_RUNNING, target)
        case _S.WAITING_FOR_RETRY:
            draft.move_task(TaskEvent.RETRY_SCHEDULED, target)
        case _S.BLOCKED_BY_FAILURES:
            draft.blocked_since = draft.now
            draft.move_task(TaskEvent.PERMANENT_FAILURE, target)
            if draft.error:
                draft.emit("OutputFailed", str(draft.error), warning=True)
        case _S.WAITING_FOR_DEPENDENCIES:
            if draft.enqueued_any:
                draft.move_task(TaskEvent.STEPS_READY, _S.ENQUEUING_STEPS)
                draft.move_task(TaskEvent.STEPS_ENQUEUED, target)
            else:
                draft.move_task(TaskEvent.NOTHING_READY, target)
        case _S.COMPLETE:
            ending.succeed(draft)
