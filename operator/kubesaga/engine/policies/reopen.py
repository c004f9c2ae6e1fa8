"""Taking a Task that has ended up again, and giving steps that failed or were cancelled another chance.

Used by ``actions`` (a human's) and ``parent`` (a newer attempt of the parent's step). What is complete stays complete:
no step that is done runs again.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.records import TaskStatus
from kubesaga.engine.states import FINAL_STEP_STATES
from kubesaga.engine.vocabulary import EndingTrigger, Role, StepEvent, StepState, TaskEvent, TaskOutcome, TaskState

_FORWARD = Role.FORWARD
_FOR_EVER = frozenset(
    {TaskOutcome.COMPENSATED, TaskOutcome.COMPENSATION_FAILED, TaskOutcome.DUPLICATE, TaskOutcome.INVALID_REQUEST}
)


def possible(status: TaskStatus) -> bool:
    """Whether a Task that has ended can be taken up again: failed, or cancelled by its parent, and nothing undone."""
    if status.saga is not None or status.outcome in _FOR_EVER:
        return False
    if status.state is TaskState.ERROR:
        return True
    by_parent = status.ending is not None and status.ending.trigger is EndingTrigger.PARENT
    return status.state is TaskState.CANCELLED and by_parent


def task(draft: Draft, why: str) -> None:
    """Reopen the Task: its deadline starts anew, its ``finally`` steps will run again."""
    draft.move_task(TaskEvent.REOPEN, TaskState.EVALUATING_RESULTS, why)
    draft.run += 1
    draft.reopened = True
    draft.ending = None
    draft.outcome = None
    draft.finished_at = None
    draft.blocked_since = None
    draft.error = None
    draft.result = None
    draft.finally_failed = False
    draft.run_started_at = draft.now
    for i in draft.plan.finals:
        if draft.steps[i].state in FINAL_STEP_STATES:
            _fresh(draft, i, StepEvent.REARM)
    cancelled_steps(draft)
    draft.emit("Reopened", f"run {draft.run}, {why}")


def cancelled_steps(draft: Draft) -> None:
    """Those that were cancelled because another failed wait for their turn again."""
    for i in draft.plan.forward:
        if draft.steps[i].state is StepState.CANCELLED:
            _fresh(draft, i, StepEvent.REOPEN)


def failed_steps(draft: Draft) -> list[str]:
    """Reset every step whose failure fails the Task; return their names."""
    found = [
        i
        for i in draft.plan.forward
        if draft.steps[i].state is StepState.ERROR and not draft.plan.steps[i].continue_on_error
    ]
    for i in found:
        reset(draft, i, _FORWARD)
    return [draft.steps[i].name for i in found]


def reset(draft: Draft, i: int, role: Role) -> None:
    """A step that failed for good becomes ready again; its attempts go on being numbered, its retries start anew."""
    _fresh(draft, i, StepEvent.RESET, role)


def _fresh(draft: Draft, i: int, event: StepEvent, role: Role = _FORWARD) -> None:
    draft.move_step(
        i,
        role,
        event,
        StepState.PENDING,
        retry_base=draft.record(i, role).attempt,
        ignored=0,
        outcome=None,
        result=None,
        metadata=None,
        stop=None,
        next_retry_at=None,
        first_enqueued_at=None,
        finished_at=None,
    )
