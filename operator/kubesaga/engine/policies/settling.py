"""What becomes of an attempt that is over, and when the next one begins: for forward work and compensation alike.

``forward`` and ``saga`` call these for each step after ``attempts`` has brought its record up to date.
"""

from __future__ import annotations

import json

from kubesaga.engine import retry
from kubesaga.engine.draft import Draft
from kubesaga.engine.identity import attempt_name, draw
from kubesaga.engine.policies.attempts import LOST, cancel, label
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.vocabulary import Role, StepEvent, StepOutcome, StepState

# Bytes of one result document, and of all of a Task's together: they live in its status.
RESULT_LIMIT = 4096
RESULTS_LIMIT = 128 * 1024

NO_ROOM = StepError(
    "ResultTooLarge",
    f"the results of all steps together exceed {RESULTS_LIMIT} bytes; return references to data stored elsewhere",
    retryable=False,
    outcome_unknown=True,
)


def accept(draft: Draft, i: int, role: Role) -> None:
    """Take a result over: the step is Complete.

    One for which the Task's status has no room is refused. What a compensation returns is for reading only: a Task so
    large that it might not fit keeps none of it.
    """
    if draft.record(i, role).state is not StepState.ENQUEUED_FOR_ORCHESTRATION:
        return
    if role is Role.COMPENSATION:
        kept = {} if _is_small(draft) else {"result": None, "metadata": None}
        draft.move_step(i, role, StepEvent.ACCEPT, StepState.COMPLETE, outcome=StepOutcome.SUCCEEDED, **kept)
    elif not _has_room(draft, i):
        draft.move_step(
            i,
            role,
            StepEvent.REFUSE,
            StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
            error=NO_ROOM,
            result=None,
            metadata=None,
            outcome_unknown=True,
        )
    else:
        draft.move_step(i, role, StepEvent.ACCEPT, StepState.COMPLETE, outcome=StepOutcome.SUCCEEDED)


def _has_room(draft: Draft, i: int) -> bool:
    """Whether this result fits into the Task's object beside those accepted."""
    if _is_small(draft):
        return True
    if draft.results_size is None:
        draft.results_size = sum(_size(step) for step in draft.steps if step.state is StepState.COMPLETE)
    size = _size(draft.steps[i])
    if draft.results_size + size > RESULTS_LIMIT:
        return False
    draft.results_size += size
    return True


def _is_small(draft: Draft) -> bool:
    """Whether all results fit however large each of them is."""
    return len(draft.steps) * RESULT_LIMIT <= RESULTS_LIMIT


def _size(step: StepRecord) -> int:
    return len(json.dumps([step.result, step.metadata]))


def may_retry(draft: Draft, i: int, role: Role) -> bool:
    """Whether a failed attempt may be followed by another."""
    record = draft.record(i, role)
    retryable = record.error is None or record.error.retryable
    return retryable and retry.has_attempts_left(draft.retry_policy(i, role), record)


def fail_for_good(draft: Draft, i: int, role: Role) -> None:
    """A failed attempt without a next one: the step is in Error."""
    draft.move_step(i, role, StepEvent.FAIL, StepState.ERROR, outcome=StepOutcome.FAILED)
    record = draft.record(i, role)
    draft.emit(
        "StepFailed" if role is Role.FORWARD else "CompensationStepFailed",
        f"{label(record, role)} failed for good after {_count(record)}: {record.error}",
        warning=True,
    )


def schedule_retry(draft: Draft, i: int, role: Role) -> None:
    """A failed attempt with a next one: the step waits for it."""
    record = draft.record(i, role)
    policy = draft.retry_policy(i, role)
    error = record.error or LOST
    failures = record.attempt - record.retry_base
    chance = draw(draft.snapshot.task_uid, record.name, role, record.attempt)
    seconds = retry.delay(policy, failures, chance, error)
    draft.move_step(
        i,
        role,
        StepEvent.SCHEDULE_RETRY,
        StepState.WAITING_FOR_RETRY,
        next_retry_at=retry.due(draft.now, seconds),
    )
    draft.emit(
        "StepRetry" if role is Role.FORWARD else "CompensationStepRetry",
        f"{label(record, role)} failed ({failures} of {policy.max_attempts}), next attempt in {seconds:g} s: {error}",
        warning=True,
    )


def cancel_waiting(draft: Draft, i: int, role: Role) -> None:
    """Give up on a step that has failed and will not be tried again; its last error is kept."""
    cancel(draft, i, role, None, outcome_unknown=False)


def retry_if_due(draft: Draft, i: int, role: Role) -> None:
    """Make a step whose retry is due ready again, or have the Task woken when it is."""
    record = draft.record(i, role)
    if record.state is not StepState.WAITING_FOR_RETRY or record.next_retry_at is None:
        return
    if draft.now < record.next_retry_at:
        draft.wake(record.next_retry_at)
        return
    draft.move_step(i, role, StepEvent.RETRY_DUE, StepState.PENDING, next_retry_at=None)
    draft.retried_any = True


def enqueue(draft: Draft, i: int, role: Role) -> None:
    """Record the intent of the next attempt; its Job is created once that is written."""
    record = draft.record(i, role)
    number = record.attempt + 1
    snapshot = draft.snapshot
    draft.move_step(
        i,
        role,
        StepEvent.ENQUEUE,
        StepState.ENQUEUED,
        attempt=number,
        job_name=attempt_name(snapshot.task_name, snapshot.task_uid, record.name, role, number),
        enqueued_at=draft.now,
        started_at=None,
        finished_at=None,
        outcome=None,
        stop=None,
    )
    draft.launches.append(draft.attempt(i, role))
    draft.wake(draft.now + draft.start_timeout(i, role))
    draft.enqueued_any = True


def _count(record: StepRecord) -> str:
    """How messages count the attempts since the last reset."""
    attempts = record.attempt - record.retry_base
    return f"{attempts} attempt{'s' if attempts != 1 else ''}"
