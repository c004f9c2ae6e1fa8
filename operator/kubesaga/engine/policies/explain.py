"""One sentence for ``kubectl get``: what the Task does, waits for, or came to.

It says nothing that changes by the mere passing of time, so that explaining never causes a write of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies.attempts import SLOW_START_AFTER, label
from kubesaga.engine.policies.forward import failed_steps
from kubesaga.engine.records import StepRecord
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import EndingPhase, EndingTrigger, Role, StepState, StopAction, TaskOutcome, TaskState

_MOST_NAMES = 4
_LONGEST = 1024


def explain(draft: Draft) -> None:
    """Set the Task's message."""
    if draft.attention:
        message = f"needs attention: {draft.attention.message}"
    elif draft.ended:
        message = _ended(draft)
    else:
        message = _under_way(draft)
    draft.message = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"


def _ended(draft: Draft) -> str:
    done = sum(record.state is StepState.COMPLETE for record in draft.steps)
    match draft.outcome:
        case TaskOutcome.SUCCEEDED:
            return f"all {done} steps done" if done != 1 else "its one step done"
        case TaskOutcome.PARTIALLY_SUCCEEDED:
            failed = _names(r.name for r in draft.steps if r.state is StepState.ERROR)
            return f"done, although {failed} failed, which the template allows"
        case TaskOutcome.INVALID_REQUEST:
            return next((t.message for t in reversed(draft.transitions) if t.message), draft.message)
        case TaskOutcome.COMPENSATED:
            assert draft.saga is not None
            undone = _names(entry.step for entry in draft.saga.plan)
            return f"{_cause(draft)}; undone: {undone}"
        case _:
            return _cause(draft)


def _cause(draft: Draft) -> str:
    if draft.ending and draft.ending.trigger is EndingTrigger.DEADLINE:
        timeout = draft.plan.timeout or 0.0
        return f"the Task's timeout of {timeout:g} s was exceeded"
    return "; ".join(f"{record.name} failed: {record.error}" for record in failed_steps(draft)) or "failed"


def _under_way(draft: Draft) -> str:
    if draft.ending and draft.ending.phase is EndingPhase.QUIESCING:
        return f"{_cause(draft)}; waiting for its Jobs to end"
    if draft.state is TaskState.COMPENSATING:
        return f"{_cause(draft)}; {_activity(draft, Role.COMPENSATION) or 'undoing'}"
    failed = failed_steps(draft)
    text = _activity(draft, Role.FORWARD)
    if failed:
        return f"{_cause(draft)}; {text or 'waiting to be repaired'}"
    return text or "waiting for a free slot"


def _activity(draft: Draft, role: Role) -> str:
    running, waiting, problems = [], [], []
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
            elif _starts_slowly(draft, record, seen):
                problems.append(f"waiting for the pod of {label(record, role)} to start")
            else:
                running.append(label(record, role))
        elif record.state is StepState.WAITING_FOR_RETRY:
            waiting.append(_waiting(record, role))
    parts = [*problems]
    if running:
        parts.append("running " + _names(running))
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
