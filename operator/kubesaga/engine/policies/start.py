"""From a request to a running Task: the template is pinned, the request checked, its identity claimed."""

from __future__ import annotations

from kubesaga.engine.acceptance import listed
from kubesaga.engine.draft import Draft
from kubesaga.engine.records import Ending
from kubesaga.engine.vocabulary import (
    DesiredState,
    EndingPhase,
    EndingTrigger,
    IdentityStrategy,
    RunningSteps,
    TaskEvent,
    TaskOutcome,
    TaskState,
)


def start(draft: Draft) -> None:
    """Take a Pending Task to Initializing, and one that is no valid request, or the second of its kind, on to Error."""
    if draft.state is not TaskState.PENDING:
        return
    if _cancelled(draft):
        cancel_before_start(draft)
        return
    problems = _problems(draft)
    unclaimed = draft.plan.identity is not IdentityStrategy.ALWAYS_UNIQUE and draft.snapshot.claim is None
    if unclaimed and not problems:
        draft.claim = True
        return
    _begin(draft)
    claim = draft.snapshot.claim
    if problems:
        message = f"{problems}. Create a new Task with a corrected request."
        _refuse(draft, TaskEvent.INVALID_REQUEST, TaskOutcome.INVALID_REQUEST, message)
    elif claim is not None and not claim.mine:
        message = f"the same request was made before, by Task {claim.holder}: look there for what became of it"
        _refuse(draft, TaskEvent.DUPLICATE, TaskOutcome.DUPLICATE, message)
    else:
        count = len(draft.plan.forward)
        draft.emit("TaskStarted", f"started with {count} step{'s' if count != 1 else ''}")


def cancel_before_start(draft: Draft) -> None:
    """Nothing was done, so nothing has to end."""
    draft.ending = Ending(EndingTrigger.CANCELLED, draft.now, EndingPhase.DONE, TaskOutcome.CANCELLED)
    draft.outcome = TaskOutcome.CANCELLED
    draft.finished_at = draft.now
    draft.move_task(TaskEvent.CANCEL, TaskState.CANCELLED)
    draft.emit("TaskCancelled", "cancelled before it started")


def _cancelled(draft: Draft) -> bool:
    parent = draft.snapshot.parent
    return draft.snapshot.desired is DesiredState.CANCELLED or bool(parent and parent.stop is RunningSteps.TERMINATE)


def _begin(draft: Draft) -> None:
    draft.template = draft.snapshot.template
    draft.request_hash = draft.snapshot.request_hash
    draft.parent = draft.snapshot.parent.link if draft.snapshot.parent else None
    draft.run = 1
    draft.started_at = draft.run_started_at = draft.now
    draft.steps = list(draft.plan.untouched)
    draft.move_task(TaskEvent.START, TaskState.INITIALIZING)


def _refuse(draft: Draft, event: TaskEvent, outcome: TaskOutcome, message: str) -> None:
    draft.outcome = outcome
    draft.finished_at = draft.now
    draft.move_task(event, TaskState.ERROR, message)
    draft.emit(str(outcome), message, warning=True)


def _problems(draft: Draft) -> str:
    """Everything that is wrong with the request, in one sentence; empty if nothing is."""
    snapshot, plan = draft.snapshot, draft.plan
    parts = list(snapshot.request_problems)
    violations = plan.check_input(snapshot.context)
    if violations:
        parts.append(f"spec.context breaks the template's inputSchema: {listed(violations)}")
    if plan.identity is IdentityStrategy.CALLER_PROVIDED and snapshot.claim_name is None:
        parts.append("spec.idempotencyKey is required: the template's identityStrategy is CallerProvided")
    steps = {plan.steps[i].name: plan.steps[i] for i in plan.forward}
    for name in sorted(snapshot.bypass):
        if name not in steps:
            parts.append(f"spec.bypassSteps: the template has no step {name!r}")
        elif not steps[name].skippable:
            parts.append(f"spec.bypassSteps: step {name!r} is not skippable")
    return "; ".join(parts)
