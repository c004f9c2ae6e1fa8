"""Reopening: what failed has another run, what is done stays done, and what was undone is never taken up again."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step, Violation
from kubesaga.engine.policies.reopen import possible
from kubesaga.engine.records import Ending, Saga, TaskStatus
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    DesiredState,
    EndingPhase,
    EndingTrigger,
    FailureStrategy,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

A = ActionType


def flow(**changes: Any) -> Plan:
    steps = (Step("a"), Step("b", ("a",)), Step("c", ("b",)))
    return Plan(**{"steps": steps, **changes})


@pytest.mark.parametrize(
    ("state", "outcome", "trigger", "undone", "may"),
    [
        (TaskState.ERROR, TaskOutcome.ABORTED, EndingTrigger.FAILED, False, True),
        (TaskState.ERROR, TaskOutcome.FAILED, EndingTrigger.DEADLINE, False, True),
        (TaskState.ERROR, TaskOutcome.COMPENSATED, EndingTrigger.FAILED, True, False),
        (TaskState.ERROR, TaskOutcome.COMPENSATION_FAILED, EndingTrigger.FAILED, True, False),
        (TaskState.ERROR, TaskOutcome.DUPLICATE, None, False, False),
        (TaskState.ERROR, TaskOutcome.INVALID_REQUEST, None, False, False),
        (TaskState.CANCELLED, TaskOutcome.CANCELLED, EndingTrigger.PARENT, False, True),
        (TaskState.CANCELLED, TaskOutcome.CANCELLED, EndingTrigger.PARENT, True, False),
        (TaskState.CANCELLED, TaskOutcome.CANCELLED, EndingTrigger.CANCELLED, False, False),
        (TaskState.CANCELLED, TaskOutcome.CANCELLED, EndingTrigger.DELETED, False, False),
        (TaskState.COMPLETE, TaskOutcome.SUCCEEDED, EndingTrigger.SUCCEEDED, False, False),
        (TaskState.RESOLVED_MANUALLY, TaskOutcome.RESOLVED_MANUALLY, EndingTrigger.RESOLVED, False, False),
    ],
)
def test_which_ends_can_be_taken_up_again(
    state: TaskState, outcome: TaskOutcome, trigger: EndingTrigger | None, undone: bool, may: bool
) -> None:
    end = Ending(trigger, 0.0, EndingPhase.DONE, outcome) if trigger else None
    saga = Saga(EndingTrigger.FAILED, ()) if undone else None
    assert possible(TaskStatus(state, outcome=outcome, ending=end, saga=saga)) is may


def test_a_new_run_counts_and_its_deadline_starts_anew() -> None:
    w = World(flow(timeout=20.0), scripted({("b", 1): fails(seconds=15)})).run()
    w.tick(100)
    w.applied(A.RETRY)
    reopened = w.status.run_started_at
    w.run()
    assert (w.status.run, w.status.outcome) == (2, TaskOutcome.SUCCEEDED)
    assert reopened is not None
    assert w.status.started_at is not None
    assert reopened > w.status.started_at + 100


def test_attempts_go_on_being_numbered_and_retries_start_anew() -> None:
    plan = flow(steps=(Step("a", retry=RetryPolicy(max_attempts=2, backoff=Backoff.NONE)),))
    w = World(plan, scripted({("a", n): fails(retryable=True) for n in (1, 2, 3)})).run()
    w.applied(A.RETRY)
    w.run()
    assert [attempt.number for attempt in w.launched] == [1, 2, 3, 4]
    assert w.step("a").retry_base == 2


def test_what_a_deadline_cancelled_and_what_was_never_reached_have_their_turn() -> None:
    w = World(flow(timeout=10.0), scripted({("b", 1): Outcome(seconds=500)})).run()
    assert (w.step("b").state, w.step("c").state) == (StepState.CANCELLED, StepState.PENDING)
    w.applied(A.RETRY)
    assert w.run().steps_launched() == ["a", "b", "b", "c"]


@pytest.mark.parametrize("type_", [A.RETRY, A.COMPLETE, A.RESOLVE])
def test_a_compensated_task_is_never_taken_up_again(type_: ActionType) -> None:
    steps = (Step("a", compensation=Compensation()), Step("b", ("a",)))
    w = World(flow(steps=steps, failure_strategy=FailureStrategy.COMPENSATE), scripted({"b": fails()})).run()
    assert "outcome Compensated: it cannot be taken up again" in w.rejected(type_, "b")


def test_a_task_under_compensate_that_had_nothing_to_undo_can_be_taken_up_again() -> None:
    w = World(flow(failure_strategy=FailureStrategy.COMPENSATE), scripted({("b", 1): fails()})).run()
    w.applied(A.RETRY)
    assert w.run().status.outcome is TaskOutcome.SUCCEEDED


def test_a_task_cancelled_by_its_user_is_not_taken_up_again() -> None:
    w = World(flow(), scripted({"a": Outcome(seconds=30)})).run_until_running("a")
    w.desired = DesiredState.CANCELLED
    w.run()
    assert "cannot be taken up again" in w.rejected(A.RETRY)


def test_a_reopened_task_whose_user_wants_it_cancelled_ends_in_the_same_pass() -> None:
    w = World(flow(), scripted({"b": fails()})).run()
    w.desired = DesiredState.CANCELLED
    w.applied(A.RETRY)
    assert w.task_events()[-2:] == ["Reopen", "Cancel"]
    assert w.steps_launched() == ["a", "b"]


def test_a_task_whose_output_was_refused_is_reopened_to_make_it_again() -> None:
    answers = iter([[Violation("/id", "is missing")], []])
    w = World(flow(check_output=lambda _: next(answers)), scripted({})).run()
    assert w.status.state is TaskState.ERROR
    w.applied(A.RETRY)
    assert w.run().status.outcome is TaskOutcome.SUCCEEDED
    assert w.steps_launched() == ["a", "b", "c"]
