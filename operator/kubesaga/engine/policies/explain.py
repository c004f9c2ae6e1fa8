"""One sentence for ``kubectl get``: what the Task does, waits for, or came to.

It says nothing that changes by the mere passing of time, so that explaining never causes a write of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import forward
from kubesaga.engine.policies.attempts import SLOW_START_AFTER, label
from kubesaga.engine.records import PlannedCompensation, StepRecord
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    ActionType,
    EndingPhase,
    EndingTrigger,
    Role,
    StepKind,
    StepOutcome,
    StepState,
    StopAction,
    TaskOutcome,
)

_MOST_NAMES = 4
_LONGEST = 1024


def explain(draft: Draft) -> None:
    """Set the Task's message."""
    if draft.attention:
        draft.attention = replace(draft.attention, message=draft.attention.message[:_LONGEST])
        message = f"needs attention: {draft.attention.message}"
    elif draft.ended:
        message = _ended(draft) + _failed_in_finally(draft)
    else:
        message = _under_way(draft)
    draft.message = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"


def _failed_in_finally(draft: Draft) -> str:
    if not draft.finally_failed:
        return ""
    failed = _names(draft.steps[i].name for i in draft.plan.finals if draft.steps[i].state is StepState.ERROR)
    return f"; failed in finally: {failed}"


def _ended(draft: Draft) -> str:
    if not draft.run:
        return "cancelled before it started"
    match draft.outcome:
        case TaskOutcome.SUCCEEDED:
            return _done(draft)
        case TaskOutcome.PARTIALLY_SUCCEEDED:
            failed = _names(draft.steps[i].name for i in draft.plan.forward if draft.steps[i].state is StepState.ERROR)
            return f"done, although {failed} failed, which the template allows"
        case TaskOutcome.INVALID_REQUEST | TaskOutcome.DUPLICATE:
            return next((t.message for t in reversed(draft.transitions) if t.message), draft.message)
        case TaskOutcome.RESOLVED_MANUALLY:
            return _resolved(draft)
        case TaskOutcome.COMPENSATED:
            return f"{_cause(draft)}; undone: {_names(entry.step for entry in _planned(draft))}"
        case TaskOutcome.COMPENSATION_FAILED:
            left = _names(draft.saga.abandoned) if draft.saga else ""
            return f"{_cause(draft)}; compensation was abandoned, not undone: {left}"
        case _:
            return _cause(draft)


def _done(draft: Draft) -> str:
    records = [draft.steps[i] for i in draft.plan.forward]
    skipped = sum(record.outcome is StepOutcome.SKIPPED for record in records)
    done = sum(record.state in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY) for record in records) - skipped
    text = f"all {done} steps done" if done != 1 else "its one step done"
    if skipped:
        text = f"{done} steps done, {skipped} skipped"
    return text


def _resolved(draft: Draft) -> str:
    by = next(
        (record for record in reversed(draft.actions) if record.type is ActionType.RESOLVE and not record.step), None
    )
    if by is None:
        return "resolved by a human"
    return f"resolved by {by.requested_by or 'a human'}" + (f": {by.reason}" if by.reason else "")


def _planned(draft: Draft) -> tuple[PlannedCompensation, ...]:
    return draft.saga.plan if draft.saga else ()


def _cause(draft: Draft) -> str:
    trigger = draft.ending.trigger if draft.ending else None
    match trigger:
        case EndingTrigger.DEADLINE:
            return f"the Task's timeout of {draft.plan.timeout or 0.0:g} s was exceeded"
        case EndingTrigger.STALE:
            return "the Task waited longer than its template's lifecycle allows"
        case EndingTrigger.CANCELLED:
            return "cancelled by its user"
        case EndingTrigger.PARENT:
            return f"cancelled by its parent Task {draft.parent.name if draft.parent else ''}".rstrip()
        case EndingTrigger.DELETED:
            return "deleted by its user"
        case EndingTrigger.REQUESTED:
            return f"its parent Task {draft.parent.name if draft.parent else ''} has it undone".replace("  ", " ")
        case EndingTrigger.RESOLVED:
            return "being resolved by a human"
    if draft.error:
        return f"its result could not be made: {draft.error}"
    return "; ".join(f"{record.name} failed: {record.error}" for record in forward.failed_steps(draft)) or "failed"


def _under_way(draft: Draft) -> str:
    if draft.ending:
        return _ending(draft)
    text = _activity(draft, Role.FORWARD)
    if draft.error or forward.failed_steps(draft):
        return f"{_cause(draft)}; {text or 'waiting to be repaired by a TaskAction'}"
    if draft.snapshot.suspended:
        return f"suspended; {text}" if text else "suspended: nothing new is started until it is resumed"
    if not draft.snapshot.slot and not text:
        return "waiting for a slot: as many Tasks run as the operator allows"
    return text or "waiting for a free slot"


def _ending(draft: Draft) -> str:
    assert draft.ending is not None
    match draft.ending.phase:
        case EndingPhase.QUIESCING:
            return f"{_cause(draft)}; waiting for its Jobs to end"
        case EndingPhase.COMPENSATING:
            return f"{_cause(draft)}; {_activity(draft, Role.COMPENSATION) or 'undoing'}"
    cause = "steps done" if draft.ending.trigger is EndingTrigger.SUCCEEDED else _cause(draft)
    return f"{cause}; finally: {_activity(draft, Role.FORWARD) or 'ending'}"


def _activity(draft: Draft, role: Role) -> str:
    running, waiting, problems, answers = [], [], [], []
    for i, step in enumerate(draft.steps):
        record = step if role is Role.FORWARD else step.compensation
        if record is None:
            continue
        if record.state in LIVE_STEP_STATES:
            seen = draft.observed(i, role)
            if record.stop:
                why = record.error if record.stop.action is StopAction.FAIL else None
                problems.append(f"stopping {label(record, role)} ({why or record.stop.reason})")
            elif seen.problem and seen.phase is not Phase.RUNNING and record.state is StepState.ENQUEUED:
                problems.append(f"{label(record, role)} cannot start: {seen.problem}")
            elif draft.kind(i, role) is StepKind.PROGRAM and _starts_slowly(draft, record, seen):
                problems.append(f"waiting for the pod of {label(record, role)} to start")
            elif draft.kind(i, role) is StepKind.APPROVAL:
                answers.append(f"waiting for the approval {record.name}")
            elif draft.kind(i, role) is StepKind.TASK:
                answers.append(f"waiting for child Task {draft.steps[i].child_name}")
            else:
                running.append(label(record, role))
        elif record.state is StepState.WAITING_FOR_RETRY:
            waiting.append(_waiting(record, role))
    parts = [*problems]
    if running:
        parts.append("running " + _names(running))
    parts += answers[:_MOST_NAMES]
    parts += waiting[:_MOST_NAMES]
    return "; ".join(parts)


def _starts_slowly(draft: Draft, record: StepRecord, seen: Observation) -> bool:
    """Whether an attempt has been waiting so long that a human wants to know; a quick start needs no write."""
    since = max(record.enqueued_at or draft.now, seen.waiting_since or 0.0)
    return seen.phase is Phase.WAITING and draft.now >= since + SLOW_START_AFTER


def _waiting(record: StepRecord, role: Role) -> str:
    at = datetime.fromtimestamp(record.next_retry_at or 0, UTC)
    return f"retrying {label(record, role)} at {at:%H:%M:%S} UTC after {record.error}"


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST_NAMES
    return ", ".join(listed[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
