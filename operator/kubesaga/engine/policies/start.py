"""From a request to a running Task: the template is pinned and the input checked, before anything else happens."""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.records import StepRecord
from kubesaga.engine.vocabulary import TaskEvent, TaskOutcome, TaskState


def start(draft: Draft) -> None:
    """Take a Pending Task to Initializing, and a request that breaks the input schema on to Error."""
    if draft.state is not TaskState.PENDING:
        return
    draft.template = draft.snapshot.template
    draft.run = 1
    draft.started_at = draft.now
    draft.steps = [StepRecord(step.name) for step in draft.plan.steps]
    draft.move_task(TaskEvent.START, TaskState.INITIALIZING)
    problems = _problems(draft)
    if problems:
        draft.outcome = TaskOutcome.INVALID_REQUEST
        draft.finished_at = draft.now
        message = f"{problems}. Create a new Task with a corrected request."
        draft.move_task(TaskEvent.INVALID_REQUEST, TaskState.ERROR, message)
        draft.emit("InvalidRequest", message, warning=True)
    else:
        count = len(draft.steps)
        draft.emit("TaskStarted", f"started with {count} step{'s' if count != 1 else ''}")


def _problems(draft: Draft) -> str:
    """Everything that is wrong with the request, in one sentence; empty if nothing is."""
    snapshot = draft.snapshot
    parts = list(snapshot.request_problems)
    violations = draft.plan.check_input(snapshot.context)
    if violations:
        listed = "; ".join(f"{violation.pointer or '/'}: {violation.message}" for violation in violations)
        parts.append(f"spec.context breaks the template's inputSchema: {listed}")
    return "; ".join(parts)
