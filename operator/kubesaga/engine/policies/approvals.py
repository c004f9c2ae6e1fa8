"""Steps that wait for a human's word: opened without a pod, closed by an action, a timeout, or the Task's end."""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import attempts
from kubesaga.engine.records import StepError
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import OnTimeout, Role, StepEvent, StepKind, StepOutcome, StepState

_FORWARD = Role.FORWARD
TIMEOUT = "ApprovalTimeout"


def open_(draft: Draft, i: int) -> None:
    """Nothing has to start: the approval is open as soon as that is written."""
    draft.move_step(i, _FORWARD, StepEvent.START, StepState.IN_PROGRESS, started_at=draft.now)
    name = draft.steps[i].name
    draft.emit("ApprovalRequested", f"{name} waits for a TaskAction Approve or Reject")
    approval = draft.plan.steps[i].approval
    if approval is not None and approval.timeout is not None:
        draft.wake(draft.now + approval.timeout)  # no news of its own write will come


def is_open(draft: Draft, i: int) -> bool:
    """Whether the step is an approval that waits for an answer."""
    return draft.plan.steps[i].kind is StepKind.APPROVAL and draft.steps[i].state in LIVE_STEP_STATES


def check(draft: Draft, *, holding: bool) -> None:
    """Cancel what nobody needs an answer to any more; act on timeouts, which a suspension defers."""
    for i in draft.plan.approvals:
        if not is_open(draft, i):
            continue
        if holding or draft.steps[i].stop:
            attempts.cancel(draft, i, _FORWARD, None, outcome_unknown=False)
        elif not draft.snapshot.suspended:
            _time_out(draft, i)


def _time_out(draft: Draft, i: int) -> None:
    approval, record = draft.plan.steps[i].approval, draft.steps[i]
    if approval is None or approval.timeout is None:
        return
    due = max(record.started_at or draft.now, draft.resumed_at or 0.0) + approval.timeout
    if draft.now < due:
        draft.wake(due)
        return
    said = f"nobody answered within {approval.timeout:g} s"
    match approval.on_timeout:
        case OnTimeout.APPROVE:
            approve(draft, i, {"approved": True, "by": None, "reason": said})
        case OnTimeout.FAIL:
            refuse(draft, i, StepError(TIMEOUT, said, retryable=False))
        case OnTimeout.SKIP:
            refuse(draft, i, StepError(TIMEOUT, said, retryable=False))
            draft.move_step(
                i, _FORWARD, StepEvent.SKIP, StepState.COMPLETE, said, outcome=StepOutcome.SKIPPED, error=None
            )
    draft.emit(TIMEOUT, f"{record.name}: {said} ({approval.on_timeout})", warning=True)


def approve(draft: Draft, i: int, result: object) -> None:
    """The answer is yes; accepting it is left to settling."""
    draft.move_step(
        i,
        _FORWARD,
        StepEvent.SUCCEEDED,
        StepState.ENQUEUED_FOR_ORCHESTRATION,
        result=result,
        finished_at=draft.now,
        error=None,
        stop=None,
    )
    draft.finished_any = True


def refuse(draft: Draft, i: int, error: StepError) -> None:
    """The answer is no, or there is none: failed for good."""
    close(draft, i, error)
    draft.move_step(i, _FORWARD, StepEvent.FAIL, StepState.ERROR, outcome=StepOutcome.FAILED)


def close(draft: Draft, i: int, error: StepError) -> None:
    """Nobody's answer is waited for any more; what becomes of the step is for the caller to say."""
    draft.move_step(
        i,
        _FORWARD,
        StepEvent.FAILED,
        StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
        error=error,
        finished_at=draft.now,
        stop=None,
    )
    draft.finished_any = True
