"""Steps that wait for a human's word: opened without a pod, closed by an action, a timeout, or the Task's end.

An answer that is known wins over a timeout that is not on record yet: actions apply before ``time_out``.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.plan import Plan
from kubesaga.engine.policies import attempts
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.snapshot import Snapshot
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
    """Cancel what nobody needs an answer to any more."""
    for i in draft.plan.approvals:
        if is_open(draft, i) and (holding or draft.steps[i].stop):
            attempts.cancel(draft, i, _FORWARD, None, outcome_unknown=False)


def time_out(draft: Draft) -> None:
    """Act on timeouts, which a suspension defers; not before all that was asked for has been heard."""
    if draft.snapshot.suspended or draft.unheard:
        return
    for i in draft.plan.approvals:
        if is_open(draft, i):
            _time_out(draft, i)


def is_due(plan: Plan, snapshot: Snapshot, now: float) -> bool:
    """Whether a decision at ``now`` may time an approval out, so that all answers should be known to it."""
    status = snapshot.status
    if snapshot.suspended or status.suspended_since is not None or not status.steps:
        return False
    for i in plan.approvals:
        record = status.steps[i]
        due = _due(plan, i, record, status.resumed_at) if record.state in LIVE_STEP_STATES else None
        if due is not None and now >= due:
            return True
    return False


def _due(plan: Plan, i: int, record: StepRecord, resumed_at: float | None) -> float | None:
    approval = plan.steps[i].approval
    if approval is None or approval.timeout is None or record.started_at is None:
        return None
    return max(record.started_at, resumed_at or 0.0) + approval.timeout


def _time_out(draft: Draft, i: int) -> None:
    approval, record = draft.plan.steps[i].approval, draft.steps[i]
    due = _due(draft.plan, i, record, draft.resumed_at)
    if approval is None or due is None:
        return
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
