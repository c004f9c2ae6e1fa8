"""What a Task waits for and what happens next, read off its status and its template.

The first half of ``explain``: facts with moments. What a human can do about them is in ``remedies``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubesaga.api.durations import format_duration, parse_duration
from kubesaga.cli.views import staleness
from kubesaga.cli.views.story import Story
from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.records import StepRecord
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    FailureStrategy,
    OnTimeout,
    Role,
    StaleAction,
    StepKind,
    StepState,
    TaskState,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is waited for, or that will happen, and since or from when; None = no moment is known."""

    what: str
    at: float | None = None


_ON_TIMEOUT = {
    OnTimeout.FAIL: "it fails",
    OnTimeout.APPROVE: "it counts as approved",
    OnTimeout.SKIP: "it is skipped",
}
_AFTER_GIVING_UP = {
    FailureStrategy.ABORT: "the Task ends Aborted",
    FailureStrategy.CONTINUE: "the Task ends Failed",
    FailureStrategy.COMPENSATE: "what was done is undone",
}


def waits(story: Story) -> list[Fact]:
    """What the Task waits for, each with its beginning; empty once it has ended."""
    status = story.status
    if story.ended:
        return []
    if not story.seen:
        return [Fact("an operator that takes it up: none has looked at it yet", story.created_at)]
    if status.state is TaskState.PENDING:
        return [Fact(status.message or "its start", status.state_since or story.created_at)]
    found = [Fact("being resumed: nothing new is started", status.suspended_since)] if status.suspended_since else []
    for role, record in story.records():
        fact = _of_record(story, role, record)
        if fact is not None:
            found.append(fact)
    if status.state is TaskState.BLOCKED_BY_FAILURES:
        found.append(Fact(f"a repair by a TaskAction: {failures(story)}", status.blocked_since))
    return found or [Fact(status.message, status.state_since)]


def _of_record(story: Story, role: Role, record: StepRecord) -> Fact | None:
    name = label(record, role)
    if record.state is StepState.WAITING_FOR_RETRY:
        return Fact(f"the next attempt of {name} after {record.error}", record.finished_at)
    if role is Role.COMPENSATION and record.state is StepState.ERROR and story.status.ending is not None:
        return Fact(f"a human: {name} failed for good: {record.error}", record.finished_at)
    if record.state not in LIVE_STEP_STATES:
        return None
    if record.stop is not None:
        return Fact(f"{name} to stop ({record.stop.reason})", record.stop.at)
    kind = kind_of(story, record)
    if role is Role.FORWARD and kind is StepKind.APPROVAL:
        return Fact(f"a human's answer to the approval {record.name}", record.started_at)
    if role is Role.FORWARD and kind is StepKind.TASK:
        return Fact(f"the child Task {record.child_name} of step {record.name}", record.enqueued_at)
    if record.state is StepState.ENQUEUED:
        return Fact(f"the pod of {name} to start", record.enqueued_at)
    return Fact(f"{name}, which runs (attempt {record.attempt})", record.started_at)


def label(record: StepRecord, role: Role) -> str:
    """The step by its name, or its undoing."""
    return record.name if role is Role.FORWARD else f"the undoing of {record.name}"


def kind_of(story: Story, record: StepRecord) -> StepKind:
    """What the step is; without the template, what its record betrays: only programs have Jobs."""
    planned = planned_step(story, record.name)
    if planned is not None:
        return planned.kind
    if record.child_name is not None:
        return StepKind.TASK
    return StepKind.PROGRAM if record.job_name or record.attempt == 0 else StepKind.APPROVAL


def planned_step(story: Story, name: str) -> Step | None:
    """The step as the template has it."""
    steps = story.plan.steps if story.plan else ()
    return next((step for step in steps if step.name == name), None)


def failed(story: Story) -> list[StepRecord]:
    """The steps whose failure holds the Task back."""
    tolerated = {step.name for step in story.plan.steps if step.continue_on_error} if story.plan else set()
    return [step for step in story.forward if step.state is StepState.ERROR and step.name not in tolerated]


def failures(story: Story) -> str:
    """What holds the Task back, in a sentence."""
    if story.status.error is not None:
        return f"its result could not be made: {story.status.error}"
    return "; ".join(f"{step.name} failed: {step.error}" for step in failed(story)) or "it failed"


def expected(story: Story) -> list[Fact]:
    """What happens next by itself and when, the nearest first; what has no moment comes last."""
    facts = [*_of_steps(story), *_of_task(story)] if story.seen else []
    return sorted(facts, key=lambda fact: (fact.at is None, fact.at or 0.0))


def _of_steps(story: Story) -> Iterator[Fact]:
    for role, record in story.records():
        planned = planned_step(story, record.name)
        if record.state is StepState.WAITING_FOR_RETRY and story.status.suspended_since is None:
            yield Fact(f"{label(record, role)} is tried again (attempt {record.attempt + 1})", record.next_retry_at)
        elif record.state not in LIVE_STEP_STATES or record.stop is not None or planned is None:
            continue
        elif role is Role.COMPENSATION:
            if planned.compensation is not None and planned.compensation.kind is StepKind.PROGRAM:
                yield from _of_program(story, record, role, planned.compensation.start_timeout)
        elif planned.kind is StepKind.APPROVAL:
            yield from _of_approval(story, record, planned)
        elif planned.kind is StepKind.PROGRAM:
            yield from _of_program(story, record, role, planned.start_timeout)


def _of_approval(story: Story, record: StepRecord, planned: Step) -> Iterator[Fact]:
    approval = planned.approval
    if approval is None or approval.timeout is None or record.started_at is None:
        return
    if story.status.suspended_since is not None:
        return  # a suspension defers it
    due = max(record.started_at, story.status.resumed_at or 0.0) + approval.timeout
    yield Fact(f"without an answer to {record.name} {_ON_TIMEOUT[approval.on_timeout]}", due)


def _of_program(story: Story, record: StepRecord, role: Role, start_timeout: float) -> Iterator[Fact]:
    what, limit = label(record, role), story.timeouts.get((record.name, role))
    if record.state is StepState.ENQUEUED and record.enqueued_at is not None:
        due = record.enqueued_at + start_timeout
        yield Fact(f"if {what} does not run by then, its attempt fails (startTimeout)", due)
    elif record.started_at is not None and limit is not None:
        yield Fact(f"if {what} still runs, its attempt is stopped (timeout)", record.started_at + limit)


def _of_task(story: Story) -> Iterator[Fact]:
    status, plan = story.status, story.plan
    if story.ended:
        yield from _after_the_end(story)
        return
    due = status.run_started_at + plan.timeout if plan and plan.timeout and status.run_started_at else None
    if status.ending is not None:
        yield Fact(_of_ending(story))
        if due is not None and status.ending.phase is EndingPhase.QUIESCING:
            yield Fact("the Task's timeout is over, and what still runs is stopped", due)
        return
    if plan is None:
        return
    yield from _after_failures(story, plan)
    compensates = plan.failure_strategy is FailureStrategy.COMPENSATE
    ends = "what was done is undone" if compensates else "it ends Failed"
    if due is not None and plan.timeout is not None:
        yield Fact(f"the Task's timeout of {format_duration(plan.timeout)} is over, and {ends}", due)
    yield from _staleness(story, plan, ends)


def _after_failures(story: Story, plan: Plan) -> Iterator[Fact]:
    """What comes of the steps that have failed: at once, or when nothing else goes on any more."""
    gives_up = _AFTER_GIVING_UP[plan.failure_strategy]
    if story.status.state is TaskState.BLOCKED_BY_FAILURES:
        due = blocked_until(story)
        if due is not None:
            yield Fact(f"unless it is repaired, {gives_up}", due)
    elif failed(story):
        time = f" within {format_duration(plan.blocked_timeout)}" if plan.blocked_timeout else ""
        yield Fact(f"once nothing of it goes on any more: unless it is repaired{time}, {gives_up}")


def blocked_until(story: Story) -> float | None:
    """Until when a BlockedByFailures Task can be repaired; None if a suspension defers it, or that is not known."""
    status = story.status
    if status.blocked_since is None or status.suspended_since is not None or story.plan is None:
        return None
    return max(status.blocked_since, status.resumed_at or 0.0) + story.plan.blocked_timeout


def _after_the_end(story: Story) -> Iterator[Fact]:
    ttl, finished = story.spec.get("ttlAfterFinished"), story.status.finished_at
    if ttl is not None and finished is not None and story.status.parent is None:
        yield Fact("the Task is deleted (ttlAfterFinished)", finished + parse_duration(ttl))


def _of_ending(story: Story) -> str:
    ending = story.status.ending
    assert ending is not None
    match ending.phase:
        case EndingPhase.QUIESCING if ending.compensate:
            return "once nothing of it runs any more, what was done is undone"
        case EndingPhase.QUIESCING:
            return f"once nothing of it runs any more, it ends {ending.outcome}"
        case EndingPhase.COMPENSATING:
            left = [entry.step for entry in (story.status.saga.plan if story.status.saga else ())]
            undone = [step.name for step in story.forward if step.compensation and _is_undone(step.compensation)]
            return f"still to be undone: {', '.join(name for name in left if name not in undone) or 'nothing'}"
    return f"once its last steps are over, it ends {ending.outcome}"


def _is_undone(compensation: StepRecord) -> bool:
    return compensation.state in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY)


def _staleness(story: Story, plan: Plan, ends: str) -> Iterator[Fact]:
    status, limits = story.status, plan.lifecycle
    if status.stale or status.suspended_since is not None:
        return
    dues = [limit.due for limit in staleness.limits(story)]
    if dues:
        fails = f", and {ends}" if limits.action is StaleAction.FAIL else ""
        yield Fact(f"the Task counts as stale{fails} (lifecycle)", min(dues))
