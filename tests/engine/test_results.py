"""Results of every size: inline while there is room, by reference beyond, refused where the work cannot be used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from kubesaga.engine.acceptance import METADATA_LIMIT, RESULT_LIMIT
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, RetryRule, Scope, Step, Violation
from kubesaga.engine.policies.results import INLINE_LIMIT, INLINE_TOTAL
from kubesaga.engine.records import ResultRef
from kubesaga.engine.snapshot import Lost
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    CompensationWhen,
    DesiredState,
    FailureStrategy,
    Jitter,
    Role,
    RuleAction,
    RunningSteps,
    StepEvent,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted


def one(result: Any, metadata: Any = None, **changes: Any) -> World:
    steps = (Step("a", **changes), Step("b", ("a",)))
    return World(Plan(steps), scripted({"a": Outcome(result, metadata=metadata)})).run()


def text(size: int) -> str:
    """A string whose JSON has so many bytes."""
    return "x" * (size - 2)


@pytest.mark.parametrize(("size", "inline"), [(INLINE_LIMIT, True), (INLINE_LIMIT + 1, False), (RESULT_LIMIT, False)])
def test_a_result_is_kept_in_the_status_up_to_four_kib_and_referred_to_beyond(size: int, inline: bool) -> None:
    w = one(text(size))
    kept = w.step("a").result
    assert (kept == text(size)) is inline
    if not inline:
        assert isinstance(kept, ResultRef)
        assert w.store[kept.name] == text(size)
        assert kept.size == size
        assert kept.sha256 == hashlib.sha256(json.dumps(text(size)).encode()).hexdigest()


def test_a_referred_result_is_stored_before_the_status_names_it() -> None:
    w = one(text(9_000))
    named = next(d for d in w.decisions if d.status.steps and isinstance(d.status.steps[0].result, ResultRef))
    assert [blob.ref for blob in named.blobs] == [named.status.steps[0].result]
    assert all(not d.blobs for d in w.decisions if d is not named)


def test_a_result_that_nobody_may_have_is_refused_and_says_where_to_put_it() -> None:
    w = one(text(RESULT_LIMIT + 1))
    error = w.step("a").error
    assert error is not None
    assert (error.type, error.retryable, error.outcome_unknown) == ("ResultTooLarge", False, True)
    assert "store the data elsewhere and return a reference" in error.message
    assert w.steps_launched() == ["a"]


def test_metadata_that_is_too_large_is_refused_too() -> None:
    w = one(1, {"k": text(METADATA_LIMIT)})
    assert w.step("a").error.type == "ResultTooLarge"  # type: ignore[union-attr]


def test_what_does_not_fit_into_the_task_together_is_referred_to() -> None:
    w = World(Plan(tuple(Step(f"s{i}") for i in range(60))), lambda _: Outcome(text(4_000))).run()
    inline = [r.result for r in w.status.steps if not isinstance(r.result, ResultRef)]
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    assert 0 < len(inline) < 60
    assert sum(len(json.dumps(value)) for value in inline) <= INLINE_TOTAL
    assert [w.store[r.result.name] for r in w.status.steps if isinstance(r.result, ResultRef)] == [text(4_000)] * (
        60 - len(inline)
    )


def test_five_hundred_results_of_four_kib_leave_the_status_within_its_budget() -> None:
    w = World(Plan(tuple(Step(f"s{i}") for i in range(500))), lambda _: Outcome(text(4_096), seconds=1.0))
    w.run()
    kept = [r.result for r in w.status.steps if not isinstance(r.result, ResultRef)]
    assert sum(len(json.dumps(value)) for value in kept) <= INLINE_TOTAL
    assert isinstance(w.status.result, (ResultRef, dict))
    assert len(json.dumps(w.status.result if not isinstance(w.status.result, ResultRef) else "")) <= INLINE_LIMIT


def test_a_result_that_breaks_its_schema_is_refused_and_counts_as_done() -> None:
    undo = Compensation(CompensationWhen.SUCCEEDED)
    plan = Plan(
        (Step("a", check_result=lambda _: [Violation("/id", "is missing")], compensation=undo),),
        failure_strategy=FailureStrategy.COMPENSATE,
    )
    w = World(plan, scripted({})).run()
    assert w.step("a").error.type == "ResultSchemaViolation"  # type: ignore[union-attr]
    assert w.step_events("a") == ["Enqueue", "Start", "Succeeded", "Refuse", "Fail"]
    assert w.steps_launched(Role.COMPENSATION) == ["a"]


def refusing(*, retried: bool = True, **changes: Any) -> World:
    """A step whose first result is refused; with the retry rule, another attempt follows at once."""
    rules = (RetryRule(RuleAction.RETRY, types=("ResultSchemaViolation", "ResultTooLarge")),) if retried else ()
    retry = RetryPolicy(backoff=Backoff.NONE, jitter=Jitter.NONE, rules=rules)
    check = {"check_result": lambda r: [] if r == {"a": 2} else [Violation("/id", "is missing")], **changes}
    first = Outcome(text(RESULT_LIMIT + 1) if check["check_result"] is None else 1, seconds=5.0)
    return World(Plan((Step("a", retry=retry, **check),)), scripted({("a", 1): first}))


@pytest.mark.parametrize("check", [{}, {"check_result": None}])
def test_an_attempt_whose_result_is_refused_fails_once_its_job_is_over(check: dict[str, Any]) -> None:
    w = refusing(**check).run()
    assert (w.status.outcome, w.step("a").attempt) == (TaskOutcome.SUCCEEDED, 2)
    assert list(w.beside.values()) == [frozenset(), frozenset()]
    first = w.jobs[w.launched[0]]
    failed = next(t.at for t in w.history if t.event in (StepEvent.FAILED, StepEvent.REFUSE))
    assert first.observe(failed).terminal


def test_a_human_who_retries_a_refused_result_at_once_starts_nothing_beside_its_job() -> None:
    w = refusing(retried=False)
    w.plan = replace(w.plan, blocked_timeout=60.0)
    w.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    w.applied(ActionType.RETRY, "a")
    w.run()
    assert (w.status.outcome, list(w.beside.values())) == (TaskOutcome.SUCCEEDED, [frozenset(), frozenset()])


def test_a_result_that_will_be_refused_can_be_stopped_and_confirmed_as_what_runs() -> None:
    w = refusing()
    w.run_until_running("a")
    w.jobs[w.launched[0]].outcome = replace(w.jobs[w.launched[0]].outcome, never_over=True)
    w.run_for(20.0)
    assert w.step("a").state is StepState.IN_PROGRESS
    w.desired, w.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    w.run_until(lambda: w.status.attention is not None)
    assert w.jobs[w.launched[0]].stopped_at is not None
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    w.applied(ActionType.CONFIRM_STOPPED, "a")
    w.run()
    assert (w.status.outcome, w.step("a").state) == (TaskOutcome.CANCELLED, StepState.CANCELLED)


def test_an_expression_gets_the_value_that_a_reference_stands_for_loaded_once() -> None:
    seen: list[Scope] = []

    def remember(scope: Scope) -> bool:
        seen.append(scope)
        return True

    steps = (Step("a"), Step("b", ("a",)), Step("c", ("b",), when=remember))
    w = World(Plan(steps), scripted({"a": Outcome(text(9_000)), "b": Outcome(text(9_001))})).run()
    assert seen[0]["steps"]["a"]["result"] == text(9_000)
    assert seen[0]["steps"]["b"]["result"] == text(9_001)
    assert [len(names) for names in w.loads] == [1]  # b's is at hand in the pass that stores it


def test_a_value_that_is_lost_fails_what_needs_it_and_says_so() -> None:
    plan = Plan((Step("a"), Step("b", ("a",)), Step("c", ("b",), when=lambda s: bool(s["steps"]["a"]["result"]))))
    w = World(plan, scripted({"a": Outcome(text(9_000)), "b": Outcome(seconds=9)}))
    w.run_until(lambda: "b" in w.steps_launched())
    for name in w.store:
        w.store[name] = Lost(f"ConfigMap {name} is gone")
    w.run()
    assert w.step("c").error.type == "ExpressionFailed"  # type: ignore[union-attr]
    assert "is gone" in w.status.message


def test_the_sinks_results_by_name_are_the_tasks_result() -> None:
    steps = (Step("a"), Step("b", ("a",)), Step("c", ("a",)), Step("d", (), ("b",)))
    assert set(World(Plan(steps), scripted({})).run().status.result) == {"c", "d"}


def test_a_large_result_of_the_task_is_referred_to_with_the_values_in_it() -> None:
    w = World(Plan((Step("a"),)), scripted({"a": Outcome(text(9_000))})).run()
    assert isinstance(w.status.result, ResultRef)
    assert w.store[w.status.result.name] == {"a": text(9_000)}


def test_sinks_too_large_together_stay_references() -> None:
    steps = tuple(Step(f"s{i}") for i in range(3))
    w = World(Plan(steps), lambda _: Outcome(text(200_000))).run()
    refs = [record.result for record in w.status.steps]
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    result = w.store[w.status.result.name] if isinstance(w.status.result, ResultRef) else w.status.result
    assert [result[f"s{i}"]["resultRef"]["name"] for i in range(3)] == [ref.name for ref in refs]


def test_an_output_that_is_too_large_says_to_return_references() -> None:
    w = World(Plan((Step("a"),), output=lambda _: text(RESULT_LIMIT + 1)), scripted({})).run()
    assert (w.status.state, w.status.error.type) == (TaskState.ERROR, "OutputTooLarge")  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [None, 0, "", "ünïcödé ☃", [], {"a": [1, {"b": None}]}, True, 1.5])
def test_any_json_value_comes_through_as_it_is(value: Any) -> None:
    w = World(Plan((Step("a"),)), lambda _: Outcome(value)).run()
    assert w.step("a").result == value
    assert w.status.result == {"a": value}


def test_a_large_result_given_by_hand_is_stored_like_any_other() -> None:
    plan = Plan((Step("a"), Step("b", ("a",))), blocked_timeout=600.0)
    w = World(plan, scripted({"a": Outcome(seconds=500)})).run_until_running("a")
    w.applied(ActionType.COMPLETE, "a", result=text(9_000))
    ref = w.step("a").result
    assert isinstance(ref, ResultRef)
    assert w.store[ref.name] == text(9_000)


def test_a_result_by_hand_that_is_too_large_is_rejected() -> None:
    w = World(Plan((Step("a"),)), scripted({"a": Outcome(seconds=500)})).run_until_running("a")
    assert "store the data elsewhere" in w.rejected(ActionType.COMPLETE, "a", result=text(RESULT_LIMIT + 1))


def test_what_a_compensation_returns_is_kept_only_while_it_is_small() -> None:
    undo = Compensation()
    plan = Plan((Step("a", compensation=undo), Step("b", ("a",))), failure_strategy=FailureStrategy.COMPENSATE)
    for size, kept in ((100, True), (9_000, False)):
        script = scripted({"b": fails()}, undo={"a": Outcome(text(size))})
        w = World(plan, script).run()
        assert (w.undo("a").result is not None) is kept
        assert w.undo("a").state is StepState.COMPLETE
