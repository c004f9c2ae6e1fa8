"""What becomes of an attempt that is over, and when the next one begins: for forward work and compensation alike.

``forward`` and ``saga`` call these for each step after ``attempts`` has brought its record up to date.
"""

from __future__ import annotations

from kubesaga.engine import acceptance, retry
from kubesaga.engine.draft import Draft
from kubesaga.engine.identity import attempt_name, child_name, draw
from kubesaga.engine.policies import approvals, results
from kubesaga.engine.policies.attempts import LOST, cancel, label
from kubesaga.engine.records import StepRecord
from kubesaga.engine.snapshot import Phase
from kubesaga.engine.vocabulary import Role, RuleAction, StepEvent, StepKind, StepOutcome, StepState

_NO_CHILD = (Phase.ABSENT, Phase.FENCED)


def accept(draft: Draft, i: int, role: Role) -> None:
    """Take a result over: the step is Complete, unless its resultSchema refuses what it returned."""
    if draft.record(i, role).state is not StepState.ENQUEUED_FOR_ORCHESTRATION:
        return
    if role is Role.COMPENSATION:
        kept = results.kept_if_small(draft, i)
        draft.move_step(i, role, StepEvent.ACCEPT, StepState.COMPLETE, outcome=StepOutcome.SUCCEEDED, **kept)
        return
    record = draft.record(i, role)
    problem = acceptance.refusal(draft.plan.steps[i], record.result, record.metadata)
    if problem:
        draft.move_step(
            i,
            role,
            StepEvent.REFUSE,
            StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
            error=problem,
            result=None,
            metadata=None,
            outcome_unknown=True,
        )
    else:
        stored = results.stored(draft, i, record.result)
        metadata = results.kept_metadata(draft, record.metadata)
        draft.move_step(
            i,
            role,
            StepEvent.ACCEPT,
            StepState.COMPLETE,
            outcome=StepOutcome.SUCCEEDED,
            result=stored,
            metadata=metadata,
        )


def may_retry(draft: Draft, i: int, role: Role) -> bool:
    """Whether a failed attempt may be followed by another."""
    record = draft.record(i, role)
    return retry.is_allowed(draft.retry_policy(i, role), record, record.error or LOST, _next_at(draft, i, role))


def _next_at(draft: Draft, i: int, role: Role) -> float:
    """When the next attempt would begin."""
    record = draft.record(i, role)
    chance = draw(draft.snapshot.task_uid, record.name, role, record.attempt)
    failures = max(1, record.attempt - record.retry_base)
    return retry.due(draft.now, retry.delay(draft.retry_policy(i, role), failures, chance, record.error or LOST))


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
    ignored = retry.choose(policy, error) is RuleAction.IGNORE
    at = _next_at(draft, i, role)
    draft.move_step(
        i,
        role,
        StepEvent.SCHEDULE_RETRY,
        StepState.WAITING_FOR_RETRY,
        next_retry_at=at,
        ignored=record.ignored + ignored,
    )
    count = "not counted" if ignored else f"{retry.counted(record)} of {policy.max_attempts}"
    draft.emit(
        "StepRetry" if role is Role.FORWARD else "CompensationStepRetry",
        f"{label(record, role)} failed ({count}), next attempt in {at - draft.now:.3g} s: {error}",
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
    """Record the intent of the next attempt; its Job, or its child Task, is created once that is written."""
    record = draft.record(i, role)
    number = record.attempt + 1
    kind = draft.kind(i, role)
    snapshot = draft.snapshot
    name, uid = snapshot.task_name, snapshot.task_uid
    draft.move_step(
        i,
        role,
        StepEvent.ENQUEUE,
        StepState.ENQUEUED,
        attempt=number,
        job_name=attempt_name(name, uid, record.name, role, number) if kind is StepKind.PROGRAM else None,
        enqueued_at=draft.now,
        first_enqueued_at=record.first_enqueued_at or draft.now,
        started_at=None,
        finished_at=None,
        outcome=None,
        stop=None,
        disrupted=(),
        confirmed_stopped=False,
    )
    draft.enqueued_any = True
    if kind is StepKind.APPROVAL:
        approvals.open_(draft, i)
        return
    if kind is StepKind.TASK and role is Role.FORWARD:
        draft.change_step(i, role, child_name=child_name(name, uid, record.name))
    # A child that is there already reads in this record that it is wanted again; a fence makes room for the real one.
    if kind is StepKind.PROGRAM or (role is Role.FORWARD and draft.observed(i, role).phase in _NO_CHILD):
        draft.launches.append(draft.attempt(i, role))
    if kind is StepKind.PROGRAM or role is Role.FORWARD:
        draft.wake(draft.now + draft.start_timeout(i, role))
    if kind is StepKind.TASK and (number > 1 or role is Role.COMPENSATION):
        draft.wake(draft.now)  # a child that has nothing more to do brings no news that would wake anybody


def _count(record: StepRecord) -> str:
    """How messages count the attempts since the last reset."""
    attempts = record.attempt - record.retry_base
    return f"{attempts} attempt{'s' if attempts != 1 else ''}"
