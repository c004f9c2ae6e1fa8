"""Retry rules, durations and disruptions, seen in a Task: what is counted, what is not, and when it is enough."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Plan, RetryPolicy, RetryRule, Step
from kubesaga.engine.policies.attempts import MOST_DISRUPTIONS
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import Backoff, Jitter, RuleAction, StepState, TaskOutcome, TaskState
from tests.engine.world import Outcome, World, fails, scripted


def one(script: Any, **policy: Any) -> World:
    retry = RetryPolicy(**{"backoff": Backoff.FIXED, **policy})
    return World(Plan((Step("a", retry=retry),)), script)


def rule(action: RuleAction, **names: Any) -> tuple[RetryRule, ...]:
    return (RetryRule(action, **names),)


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ({"types": ("Declined",)}, StepError("Declined", "")),
        ({"types": ("Payment",)}, StepError("Declined", "", types=("Payment", "Exception"))),
        ({"types": ("*",)}, StepError("Whatever", "")),
        ({"codes": ("E42",)}, StepError("X", "", code="E42")),
        ({"exit_codes": (42,)}, StepError("ExitCode", "", exit_code=42)),
        ({"pod_reasons": ("OOMKilled",)}, StepError("ExitCode", "", pod_reason="OOMKilled")),
    ],
)
def test_a_rule_that_says_fail_ends_the_step_at_its_first_attempt(names: Any, error: StepError) -> None:
    w = one(lambda _: Outcome(error=error), rules=rule(RuleAction.FAIL, **names)).run()
    assert w.steps_launched() == ["a"]


def test_a_rule_that_says_retry_goes_before_what_the_program_says() -> None:
    w = one(scripted({("a", 1): fails("Odd")}), rules=rule(RuleAction.RETRY, types=("Odd",))).run()
    assert (w.status.outcome, w.step("a").attempt) == (TaskOutcome.SUCCEEDED, 2)


def test_an_ignored_failure_is_retried_and_not_counted() -> None:
    outcomes: Any = {("a", n): fails("Busy", retryable=True) for n in range(1, 6)}
    w = one(scripted(outcomes), max_attempts=1, rules=rule(RuleAction.IGNORE, types=("Busy",))).run()
    assert (w.status.outcome, w.step("a").attempt, w.step("a").ignored) == (TaskOutcome.SUCCEEDED, 6, 5)


def test_what_is_ignored_does_not_use_up_the_attempts_of_what_is_not() -> None:
    outcomes: Any = {("a", 1): fails("Busy", retryable=True), ("a", 3): fails("Busy", retryable=True)}
    outcomes |= {("a", n): fails("Real", retryable=True) for n in (2, 4)}
    w = one(scripted(outcomes), max_attempts=2, rules=rule(RuleAction.IGNORE, types=("Busy",))).run()
    assert (w.status.state, w.step("a").attempt) == (TaskState.ERROR, 4)


@pytest.mark.parametrize("rules", [(), rule(RuleAction.IGNORE, types=("*",))])
def test_no_attempt_begins_after_the_longest_duration(rules: tuple[RetryRule, ...]) -> None:
    policy: Any = {"initial_interval": 10.0, "max_interval": 10.0, "max_attempts": 99, "max_duration": 35.0}
    w = one(lambda _: fails("Busy", retryable=True), rules=rules, **policy).run()
    created = [job.created_at for job in w.jobs.values()]
    assert w.status.state is TaskState.ERROR
    assert len(created) == 4
    assert max(created) <= created[0] + 35.0


def test_what_the_program_asks_to_wait_counts_into_the_longest_duration() -> None:
    error = StepError("Later", "", retry_after=100.0)
    w = one(lambda _: Outcome(error=error), max_duration=50.0).run()
    assert w.steps_launched() == ["a"]


def test_what_the_program_asks_to_wait_is_asked_once() -> None:
    outcomes: Any = {("a", 1): Outcome(error=StepError("Later", "", retry_after=60.0)), ("a", 2): fails(retryable=True)}
    w = one(scripted(outcomes)).run()
    first, second, third = [job.created_at for job in w.jobs.values()]
    assert second - first >= 60.0
    assert third - second < 10.0


def test_a_disruption_is_remembered_and_not_counted() -> None:
    w = one(scripted({"a": Outcome("ok", disruptions=3)}), max_attempts=1).run()
    assert (w.status.outcome, w.step("a").attempt) == (TaskOutcome.SUCCEEDED, 1)
    assert w.step("a").disrupted == ("pod-0", "pod-1", "pod-2")
    assert len(w.events("StepDisrupted")) == 3


def test_too_many_disruptions_are_a_failed_attempt_like_any_other() -> None:
    script = scripted({("a", 1): Outcome(disruptions=MOST_DISRUPTIONS + 5)})
    w = one(script).run()
    assert (w.status.outcome, w.step("a").attempt) == (TaskOutcome.SUCCEEDED, 2)
    assert "DisruptedTooOften" in " ".join(t.message or "" for t in w.history)
    assert w.step("a").disrupted == ()


def test_ten_are_not_too_many() -> None:
    w = one(scripted({"a": Outcome(disruptions=MOST_DISRUPTIONS)}), max_attempts=1).run()
    assert w.status.outcome is TaskOutcome.SUCCEEDED


@pytest.mark.parametrize("jitter", Jitter)
def test_a_replay_gives_the_same_due_times(jitter: Jitter) -> None:
    runs = [one(scripted({("a", 1): fails(retryable=True)}), jitter=jitter).run().history for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_step_that_failed_for_good_says_after_how_many_attempts() -> None:
    w = one(lambda _: fails("Real", retryable=True), max_attempts=2).run()
    assert w.events("StepFailed") == ["a failed for good after 2 attempts: Real: it broke"]
    assert w.step("a").state is StepState.ERROR
