"""What a human may do when undoing is stuck: try again, say that it is undone, or leave the rest."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    DesiredState,
    FailureStrategy,
    Role,
    RunningSteps,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import LOST_NODE, Outcome, World, fails, scripted

A = ActionType
UNDO = Compensation(retry=RetryPolicy(max_attempts=1))


def flow(undo: Compensation = UNDO) -> Plan:
    """a → b → bad, beside c."""
    steps = (
        Step("a", compensation=undo),
        Step("b", ("a",), compensation=undo),
        Step("c", compensation=undo),
        Step("bad", ("b", "c")),
    )
    return Plan(steps, failure_strategy=FailureStrategy.COMPENSATE)


def stuck(undo: Any, plan: Plan | None = None) -> World:
    """Everything went well but for the last step; these compensations do not."""
    return World(plan or flow(), scripted({"bad": fails()}, undo)).run()


def test_what_is_stuck_is_named_with_step_error_and_remedies_while_independent_ones_go_on() -> None:
    w = stuck({"b": fails("Gone")})
    assert w.status.state is TaskState.COMPENSATING
    assert w.status.attention is not None
    assert w.status.attention.reason == "CompensationFailed"
    for word in ("b (Gone: it broke)", "RetryCompensation", "MarkCompensated", "Abandon"):
        assert word in w.status.message
    assert w.undo("c").state is StepState.COMPLETE
    assert w.undo("a").state is StepState.PENDING


@pytest.mark.parametrize("step", ["b", None])
def test_retry_compensation_tries_again_and_goes_on(step: str | None) -> None:
    w = stuck({("b", 1): fails()})
    assert w.applied(A.RETRY_COMPENSATION, step) == "undone again: b"
    w.run()
    assert (w.status.state, w.status.outcome, w.status.attention) == (TaskState.ERROR, TaskOutcome.COMPENSATED, None)
    assert sorted(w.steps_launched(Role.COMPENSATION)) == ["a", "b", "b", "c"]


def test_mark_compensated_counts_a_step_as_undone() -> None:
    w = stuck({"b": fails()})
    w.applied(A.MARK_COMPENSATED, "b")
    w.run()
    assert w.status.outcome is TaskOutcome.COMPENSATED
    assert w.undo("b").state is StepState.RESOLVED_MANUALLY
    assert sorted(w.steps_launched(Role.COMPENSATION)) == ["a", "b", "c"]


def test_a_compensation_that_has_not_begun_may_be_marked_too() -> None:
    w = stuck({"b": fails()})
    w.applied(A.MARK_COMPENSATED, "a")
    w.applied(A.MARK_COMPENSATED, "b")
    assert "a" not in w.run().steps_launched(Role.COMPENSATION)


@pytest.mark.parametrize("backoff", [Backoff.NONE, Backoff.FIXED])
def test_a_running_compensation_is_stopped_before_it_counts_as_done(backoff: Backoff) -> None:
    undo = Compensation(retry=RetryPolicy(backoff=backoff))
    w = World(flow(undo), scripted({"bad": fails()}, {"b": Outcome(seconds=500)}))
    w.run_until(lambda: "b" in w.steps_launched(Role.COMPENSATION))
    w.run_for(5)
    w.applied(A.MARK_COMPENSATED, "b")
    w.run()
    assert w.steps_launched(Role.COMPENSATION).count("b") == 1
    assert w.status.outcome is TaskOutcome.COMPENSATED


def test_a_compensation_on_a_lost_node_can_be_confirmed_as_stopped() -> None:
    w = World(flow(), scripted({"bad": fails()}, {"b": LOST_NODE}))
    w.run_until(lambda: "b" in w.steps_launched(Role.COMPENSATION))
    w.run_for(5)
    action = w.act(A.MARK_COMPENSATED, "b")
    w.run_until(lambda: w.status.attention is not None and w.status.attention.reason == "StepNotStopped")
    w.applied(A.CONFIRM_STOPPED, "b")
    w.run()
    assert w.answer(action).message == "b counts as undone"
    assert w.status.outcome is TaskOutcome.COMPENSATED


def test_abandon_leaves_the_rest_and_lists_what_was_not_undone() -> None:
    w = stuck({"b": fails()})
    assert w.applied(A.ABANDON) == "not undone: b, a"
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.COMPENSATION_FAILED)
    assert w.status.saga is not None
    assert w.status.saga.abandoned == ("b", "a")
    assert "compensation was abandoned, not undone: b, a" in w.status.message
    assert w.task_events()[-1] == "Abandoned"


def test_what_runs_when_the_rest_is_abandoned_finishes_and_counts() -> None:
    w = World(flow(), scripted({"bad": fails()}, {"b": fails(), "c": Outcome(seconds=30)}))
    w.run_until(lambda: w.status.attention is not None)
    w.applied(A.ABANDON)
    assert not w.ended
    w.run()
    assert w.undo("c").state is StepState.COMPLETE
    assert w.status.saga is not None
    assert w.status.saga.abandoned == ("b", "a")


def test_a_retry_that_waits_is_given_up_by_an_abandon() -> None:
    undo = Compensation(retry=RetryPolicy(initial_interval=900.0, max_interval=900.0))
    w = World(flow(undo), scripted({"bad": fails()}, {"b": fails(retryable=True)}))
    w.run_until(lambda: w.undo("b").state is StepState.WAITING_FOR_RETRY if w.status.saga else False)
    w.applied(A.ABANDON)
    w.run()
    assert w.undo("b").state is StepState.CANCELLED
    assert w.status.outcome is TaskOutcome.COMPENSATION_FAILED


def test_an_abandoned_task_that_was_cancelled_is_cancelled() -> None:
    w = World(flow(), scripted({"bad": Outcome(seconds=500)}, {"b": fails()})).run_until_running("bad")
    w.desired, w.cancel_mode, w.cancel_compensates = DesiredState.CANCELLED, RunningSteps.TERMINATE, True
    w.run()
    w.applied(A.ABANDON)
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.CANCELLED, TaskOutcome.COMPENSATION_FAILED)


@pytest.mark.parametrize(
    ("type_", "step", "said"),
    [
        (A.RETRY_COMPENSATION, "c", "the compensation of c is Complete, and only one in Error can be retried"),
        (A.RETRY_COMPENSATION, "bad", "bad has nothing to undo"),
        (A.MARK_COMPENSATED, None, "MarkCompensated is for one step: name it in spec.step"),
        (A.MARK_COMPENSATED, "c", "the compensation of c is Complete already"),
        (A.MARK_COMPENSATED, "bad", "bad has nothing to undo"),
        (A.ABANDON, "b", "Abandon is for the whole Task: leave spec.step out"),
        (A.RETRY, "bad", "only ConfirmStopped and the actions on compensations apply"),
        (A.RESOLVE, None, "only ConfirmStopped and the actions on compensations apply"),
    ],
)
def test_what_does_not_fit_is_rejected_and_changes_nothing(type_: ActionType, step: str | None, said: str) -> None:
    w = stuck({"b": fails()})
    before = w.status
    assert said in w.rejected(type_, step)
    assert w.status == before


def test_an_action_names_the_attempt_of_the_compensation_that_it_is_about() -> None:
    w = stuck({("b", 1): fails()})
    assert "is at 1" in w.rejected(A.RETRY_COMPENSATION, "b", expected_attempt=2)
    assert w.applied(A.RETRY_COMPENSATION, "b", expected_attempt=1)


def test_nothing_fits_once_the_rest_is_abandoned() -> None:
    w = World(flow(), scripted({"bad": fails()}, {"b": fails(), "c": Outcome(seconds=30)}))
    w.run_until(lambda: w.status.attention is not None)
    w.applied(A.ABANDON)
    assert "has been abandoned" in w.rejected(A.RETRY_COMPENSATION, "b")


def test_what_a_human_completed_is_undone_too_whoever_did_it() -> None:
    plan = flow()
    plan = Plan(plan.steps, failure_strategy=FailureStrategy.COMPENSATE, blocked_timeout=600.0)
    w = World(plan, scripted({"a": fails(), "bad": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    w.applied(A.COMPLETE, "a", result=1)
    w.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    w.applied(A.GIVE_UP)
    w.run()
    assert "a" in w.steps_launched(Role.COMPENSATION)


def test_a_compensation_that_runs_on_after_an_abandon_can_still_be_marked() -> None:
    w = World(flow(), scripted({"bad": fails()}, {"b": fails(), "c": Outcome(seconds=9_000)}))
    w.run_until(lambda: w.status.attention is not None)
    w.applied(A.ABANDON)
    assert "does not run" in w.rejected(A.MARK_COMPENSATED, "b")
    w.applied(A.MARK_COMPENSATED, "c")
    w.run()
    assert w.status.outcome is TaskOutcome.COMPENSATION_FAILED
    assert w.status.saga is not None
    assert w.status.saga.abandoned == ("b", "a")
