"""Whether a step runs at all: ``when``, bypassSteps, expressions that cannot be evaluated; what they see."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Approval, Compensation, ExpressionError, Plan, Scope, Step, Violation
from kubesaga.engine.vocabulary import (
    FailureStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted


def never(_: Scope) -> bool:
    return False


def broken(_: Scope) -> bool:
    raise ExpressionError("when: steps.a.result.total > 5: no such key: total")


def test_a_step_whose_condition_is_false_is_skipped_and_those_after_it_run() -> None:
    steps = (Step("a"), Step("b", ("a",), when=never), Step("c", ("b",)))
    w = World(Plan(steps), scripted({})).run()
    assert w.steps_launched() == ["a", "c"]
    b = w.step("b")
    assert (b.state, b.outcome, b.attempt) == (StepState.COMPLETE, StepOutcome.SKIPPED, 0)
    assert w.status.message == "2 steps done, 1 skipped"


def test_a_task_of_which_everything_is_skipped_is_complete_at_once() -> None:
    w = World(Plan((Step("a", when=never), Step("b", ("a",), when=never))), scripted({}))
    w.pass_once()
    assert (w.status.state, w.launched) == (TaskState.COMPLETE, [])


@pytest.mark.parametrize("strategy", FailureStrategy)
def test_a_condition_that_cannot_be_evaluated_fails_the_step_with_the_expression(strategy: FailureStrategy) -> None:
    w = World(Plan((Step("a"), Step("b", ("a",), when=broken)), failure_strategy=strategy), scripted({})).run()
    assert str(w.step("b").error) == "ExpressionFailed: when: steps.a.result.total > 5: no such key: total"
    assert (w.step("b").state, w.step("b").attempt) == (StepState.ERROR, 0)
    assert w.status.state is TaskState.ERROR


@pytest.mark.parametrize("running", RunningSteps)
def test_such_a_failure_holds_back_the_others_in_the_same_pass(running: RunningSteps) -> None:
    ask = Step("ask", kind=StepKind.APPROVAL, approval=Approval())
    steps = (Step("a"), ask, Step("slow"), Step("b", ("a",), when=broken), Step("c", ("a",)))
    w = World(Plan(steps, running_steps=running), scripted({"slow": Outcome(seconds=30)}))
    w.run_until(lambda: bool(w.status.steps) and w.step("b").state is StepState.ERROR)
    assert w.step("ask").state is StepState.CANCELLED
    assert (w.step("slow").stop is not None) == (running is RunningSteps.TERMINATE)
    w.run()
    assert "c" not in w.steps_launched()


def test_the_first_steps_expression_may_fail_too() -> None:
    w = World(Plan((Step("a", when=broken),)), scripted({}))
    w.pass_once()
    assert w.task_events() == ["Start", "PermanentFailure", "GiveUp"]


def test_a_bypassed_step_is_skipped_without_asking_its_condition() -> None:
    steps = (Step("a", skippable=True, when=broken), Step("b", ("a",)))
    w = World(Plan(steps), scripted({}), bypass=frozenset({"a"})).run()
    assert (w.step("a").outcome, w.steps_launched()) == (StepOutcome.SKIPPED, ["b"])


def test_bypassing_what_is_not_there_or_not_skippable_is_an_invalid_request_that_lists_both() -> None:
    w = World(Plan((Step("a"),)), scripted({}), bypass=frozenset({"a", "ghost"})).run()
    assert w.status.outcome is TaskOutcome.INVALID_REQUEST
    assert "spec.bypassSteps: step 'a' is not skippable" in w.status.message
    assert "spec.bypassSteps: the template has no step 'ghost'" in w.status.message


def test_a_condition_sees_all_ancestors_with_their_results_the_context_and_the_task() -> None:
    seen: list[Scope] = []

    def remember(scope: Scope) -> bool:
        seen.append(scope)
        return True

    steps = (
        Step("a"),
        Step("b", ("a",), when=never),
        Step("bad", continue_on_error=True),
        Step("c", ("b",), ("bad",), when=remember),
        Step("aside"),
    )
    outcomes = {"a": Outcome({"n": 1}, metadata={"k": "v"}), "bad": fails("Declined")}
    World(Plan(steps), scripted(outcomes), {"order": 7}, about={"name": "t"}).run()
    scope = seen[0]
    assert scope["context"] == {"order": 7}
    assert scope["task"] == {"name": "t"}
    assert set(scope["steps"]) == {"a", "b", "bad"}
    assert scope["steps"]["a"] == {
        "result": {"n": 1}, "state": "Complete", "outcome": "Succeeded", "error": None, "metadata": {"k": "v"},
    }  # fmt: skip
    assert (scope["steps"]["b"]["result"], scope["steps"]["b"]["outcome"]) == (None, "Skipped")
    assert scope["steps"]["bad"]["error"] == {"type": "Declined", "code": None, "message": "it broke"}


def test_failure_spreads_by_depends_on_only() -> None:
    steps = (Step("bad"), Step("below", ("bad",)), Step("after", (), ("bad",)), Step("last", (), ("below",)))
    plan = Plan(steps, failure_strategy=FailureStrategy.CONTINUE)
    w = World(plan, scripted({"bad": fails()})).run()
    assert w.steps_launched() == ["bad", "after", "last"]
    assert w.step("below").state is StepState.PENDING


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome(), StepState.COMPLETE), (fails(), StepState.ERROR)],
)
def test_run_after_waits_for_any_end(outcome: Outcome, state: StepState) -> None:
    steps = (Step("first"), Step("second", (), ("first",)))
    plan = Plan(steps, failure_strategy=FailureStrategy.CONTINUE)
    w = World(plan, scripted({"first": outcome})).run()
    assert w.step("first").state is state
    assert w.steps_launched() == ["first", "second"]


def test_the_output_is_made_of_every_step_and_may_be_refused() -> None:
    def output(scope: Scope) -> Any:
        return {name: view["result"] for name, view in scope["steps"].items()}

    w = World(Plan((Step("a"), Step("b", ("a",))), output=output), scripted({})).run()
    assert w.status.result == {"a": {"a": 1}, "b": {"b": 1}}


def test_an_output_that_cannot_be_made_fails_the_task_although_all_steps_are_done() -> None:
    def output(_: Scope) -> Any:
        raise ExpressionError("output: steps.a.result.id: no such key: id")

    w = World(Plan((Step("a"),), output=output), scripted({})).run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.ABORTED)
    assert "no such key: id" in w.status.message
    assert w.step("a").state is StepState.COMPLETE


def test_under_compensate_a_refused_output_undoes_the_work() -> None:
    plan = Plan(
        (Step("a", compensation=Compensation()),),
        failure_strategy=FailureStrategy.COMPENSATE,
        check_output=lambda _: [Violation("/a", "must be a number")],
    )
    w = World(plan, scripted({})).run()
    assert w.steps_launched(Role.COMPENSATION) == ["a"]
    assert "must be a number" in w.status.message
