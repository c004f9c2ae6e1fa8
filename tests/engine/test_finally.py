"""``finally``: last, whatever the outcome, if anything was ever begun; its failure is told, not the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Compensation, ExpressionError, Plan, RetryPolicy, Scope, Step
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    DesiredState,
    FailureStrategy,
    Role,
    RunningSteps,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import LOST_NODE, Outcome, World, fails, scripted

UNDO = Compensation()


def plan(*finals: Step, **changes: Any) -> Plan:
    finals = finals or (Step("bye", final=True),)
    steps = (Step("a", compensation=UNDO), Step("b", ("a",), compensation=UNDO), *finals)
    return Plan(**{"steps": steps, **changes})


@pytest.mark.parametrize("strategy", FailureStrategy)
@pytest.mark.parametrize("outcomes", [{}, {"b": fails()}])
def test_they_run_after_everything_else(strategy: FailureStrategy, outcomes: dict[str, Outcome]) -> None:
    w = World(plan(failure_strategy=strategy), scripted(outcomes)).run()
    bye = w.jobs[Attempt("bye", Role.FORWARD, 1)].created_at
    assert w.launched[-1].step == "bye"
    assert all(job.created_at + 1.5 <= bye for job in w.jobs.values() if job.attempt.step != "bye")
    assert w.history[-1].target in (TaskState.COMPLETE, TaskState.ERROR)


def test_they_run_after_a_cancel_a_deadline_and_a_resolve() -> None:
    for change in ("cancel", "deadline", "resolve"):
        w = World(plan(timeout=15.0 if change == "deadline" else None), scripted({"b": Outcome(seconds=100)}))
        w.run_until_running("b")
        if change == "cancel":
            w.desired, w.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
        if change == "resolve":
            w.plan = plan(running_steps=RunningSteps.TERMINATE)
            w.applied(ActionType.RESOLVE)
        w.run()
        assert w.steps_launched()[-1] == "bye"
        assert w.step("b").state is StepState.CANCELLED


def test_they_do_not_run_if_nothing_was_ever_begun() -> None:
    w = World(plan(), scripted({}), slot=False).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    w.desired = DesiredState.CANCELLED
    w.run()
    assert w.launched == []
    assert w.status.state is TaskState.CANCELLED


def test_they_see_the_outcome_and_every_steps_result() -> None:
    seen: list[Scope] = []

    def remember(scope: Scope) -> bool:
        seen.append(scope)
        return False

    finals = (Step("bye", final=True), Step("log", ("bye",), final=True, when=remember))
    w = World(plan(*finals), scripted({"b": fails()})).run()
    assert seen[0]["task"]["outcome"] == "Aborted"
    assert set(seen[0]["steps"]) == {"a", "b", "bye"}
    assert w.step("log").outcome is StepOutcome.SKIPPED


def test_their_failure_is_a_condition_of_its_own_and_holds_up_none_of_the_others() -> None:
    finals = (Step("bye", final=True), Step("log", ("bye",), final=True))
    w = World(plan(*finals), scripted({"bye": fails()})).run()
    assert w.steps_launched() == ["a", "b", "bye", "log"]
    assert (w.status.state, w.status.outcome, w.status.finally_failed) == (
        TaskState.COMPLETE, TaskOutcome.SUCCEEDED, True,
    )  # fmt: skip
    assert w.status.message == "all 2 steps done; failed in finally: bye"
    assert len(w.events("FinallyFailed")) == 1


def test_an_expression_that_cannot_be_evaluated_is_such_a_failure() -> None:
    def broken(_: Scope) -> bool:
        raise ExpressionError("no such key")

    w = World(plan(Step("bye", final=True, when=broken)), scripted({})).run()
    assert (w.status.outcome, w.status.finally_failed) == (TaskOutcome.SUCCEEDED, True)


def test_they_are_retried_by_their_own_policy() -> None:
    final = Step("bye", final=True, retry=RetryPolicy(backoff=Backoff.NONE))
    w = World(plan(final), scripted({("bye", 1): fails(retryable=True)})).run()
    assert w.steps_launched() == ["a", "b", "bye", "bye"]
    assert not w.status.finally_failed


def test_their_results_are_no_part_of_the_tasks() -> None:
    assert World(plan(), scripted({})).run().status.result == {"b": {"b": 1}}


@pytest.mark.parametrize("ended_badly", [False, True])
def test_a_reopened_task_runs_them_again(ended_badly: bool) -> None:
    outcomes: dict[Any, Outcome] = {("b", 1): fails()}
    if ended_badly:
        outcomes["bye", 1] = fails()
    w = World(plan(), scripted(outcomes)).run()
    assert w.status.finally_failed is ended_badly
    w.applied(ActionType.RETRY)
    w.run()
    assert w.steps_launched() == ["a", "b", "bye", "b", "bye"]
    assert "Rearm" in w.step_events("bye")
    assert (w.status.outcome, w.status.finally_failed) == (TaskOutcome.SUCCEEDED, False)
    assert (w.step("bye").attempt, w.step("bye").retry_base) == (2, 1)


@pytest.mark.parametrize("type_", [ActionType.COMPLETE, ActionType.SKIP, ActionType.RETRY, ActionType.FAIL])
def test_no_action_fits_them(type_: ActionType) -> None:
    w = World(plan(blocked_timeout=900.0), scripted({"b": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert "a step of finally runs to its own end" in w.rejected(type_, "bye")


def test_a_pod_of_theirs_that_is_never_seen_to_end_is_named() -> None:
    w = World(plan(), scripted({"b": fails(), "bye": Outcome("ok", seconds=2)}))
    w.run_until(lambda: w.step("bye").state is StepState.COMPLETE if w.status.steps else False)
    w.jobs[Attempt("bye", Role.FORWARD, 1)].outcome = LOST_NODE
    w.run()
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    w.applied(ActionType.CONFIRM_STOPPED, "bye")
    assert w.run().status.state is TaskState.ERROR


def test_a_task_that_succeeded_does_not_wait_for_their_last_pods() -> None:
    w = World(plan(), scripted({"bye": Outcome("ok", seconds=2)})).run()
    assert not w.jobs[Attempt("bye", Role.FORWARD, 1)].observe(w.now).terminal


def test_a_new_run_forgets_what_they_returned_in_the_one_before() -> None:
    w = World(plan(), scripted({("b", 1): fails(), ("bye", 2): fails()})).run()
    assert w.step("bye").result == {"bye": 1}
    w.applied(ActionType.RETRY)
    w.run()
    assert (w.step("bye").state, w.step("bye").result) == (StepState.ERROR, None)
