"""The five backoffs, the cap, jitter that a replay repeats."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.engine.identity import draw
from kubesaga.engine.plan import RetryPolicy, RetryRule
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.retry import backoff, choose, counted, delay, due, is_allowed
from kubesaga.engine.vocabulary import Backoff, Jitter, Role, RuleAction

ERROR = StepError("X", "")


def series(kind: Backoff, **changes: float) -> Iterable[float]:
    policy = RetryPolicy(backoff=kind, initial_interval=2.0, max_interval=1_000.0, **changes)  # type: ignore[arg-type]
    return [backoff(policy, n) for n in range(1, 7)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Backoff.NONE, [0, 0, 0, 0, 0, 0]),
        (Backoff.FIXED, [2, 2, 2, 2, 2, 2]),
        (Backoff.LINEAR, [2, 4, 6, 8, 10, 12]),
        (Backoff.EXPONENTIAL, [2, 4, 8, 16, 32, 64]),
        (Backoff.FIBONACCI, [2, 2, 4, 6, 10, 16]),
    ],
)
def test_each_backoff_grows_as_its_name_says(kind: Backoff, expected: list[float]) -> None:
    assert series(kind) == expected


def test_the_factor_is_that_of_the_exponential_backoff() -> None:
    assert series(Backoff.EXPONENTIAL, factor=3.0) == [2, 6, 18, 54, 162, 486]


@given(st.sampled_from(Backoff), st.integers(1, 100_000))
def test_no_delay_is_longer_than_the_cap_however_many_failures(kind: Backoff, failures: int) -> None:
    assert 0 <= backoff(RetryPolicy(backoff=kind), failures) <= 30.0


@given(st.floats(0, 1, exclude_max=True))
def test_full_jitter_takes_all_of_the_delay_and_equal_jitter_its_second_half(chance: float) -> None:
    full = RetryPolicy(backoff=Backoff.FIXED, initial_interval=8.0, jitter=Jitter.FULL)
    equal = RetryPolicy(backoff=Backoff.FIXED, initial_interval=8.0, jitter=Jitter.EQUAL)
    assert 0 <= delay(full, 1, chance, ERROR) <= 8
    assert 4 <= delay(equal, 1, chance, ERROR) <= 8


def test_what_the_program_asked_for_is_neither_capped_nor_jittered() -> None:
    policy = RetryPolicy(max_interval=1.0, jitter=Jitter.FULL)
    assert delay(policy, 1, 0.0, StepError("X", "", retry_after=99.5)) == 99.5


def test_the_random_number_is_the_same_at_every_replay_and_differs_between_attempts() -> None:
    numbers = [draw("uid", "step", Role.FORWARD, attempt) for attempt in range(200)]
    assert numbers == [draw("uid", "step", Role.FORWARD, attempt) for attempt in range(200)]
    assert len(set(numbers)) == 200
    assert all(0 <= number < 1 for number in numbers)
    assert 0.35 < sum(numbers) / 200 < 0.65


@given(st.floats(0, 4e9), st.floats(0, 1e6))
def test_a_due_time_is_never_before_its_delay_is_over(now: float, seconds: float) -> None:
    assert due(now, seconds) >= now + seconds
    assert due(now, seconds) - (now + seconds) < 0.0011


def test_attempts_are_counted_since_the_last_reset() -> None:
    policy = RetryPolicy(max_attempts=3)
    assert is_allowed(policy, StepRecord("s", attempt=2), ERROR, 0.0)
    assert not is_allowed(policy, StepRecord("s", attempt=3), ERROR, 0.0)
    assert is_allowed(policy, StepRecord("s", attempt=5, retry_base=3), ERROR, 0.0)


@pytest.mark.parametrize(
    ("rule", "error", "matched"),
    [
        (RetryRule(RuleAction.FAIL, exit_codes=(3, 4)), StepError("ExitCode", "", exit_code=4), True),
        (RetryRule(RuleAction.FAIL, exit_codes=(3, 4)), StepError("ExitCode", "", exit_code=5), False),
        (RetryRule(RuleAction.FAIL, exit_codes=(3, 4)), StepError("Timeout", ""), False),
        (RetryRule(RuleAction.FAIL, types=("CardDeclined",)), StepError("CardDeclined", ""), True),
        (RetryRule(RuleAction.FAIL, types=("Payment",)), StepError("CardDeclined", "", types=("Payment",)), True),
        (RetryRule(RuleAction.FAIL, types=("*",)), StepError("Anything", ""), True),
        (RetryRule(RuleAction.FAIL, codes=("E42",)), StepError("X", "", code="E42"), True),
        (RetryRule(RuleAction.FAIL, codes=("E42",)), StepError("X", ""), False),
        (RetryRule(RuleAction.FAIL, pod_reasons=("OOMKilled",)), StepError("X", "", pod_reason="OOMKilled"), True),
        (RetryRule(RuleAction.FAIL, pod_reasons=("OOMKilled",)), StepError("X", "", pod_reason="Evicted"), False),
    ],
)
def test_a_rule_matches_by_any_of_its_lists(rule: RetryRule, error: StepError, matched: bool) -> None:
    assert choose(RetryPolicy(rules=(rule,)), error) is (RuleAction.FAIL if matched else RuleAction.RETRY)


def test_the_first_rule_that_matches_decides_even_against_what_the_program_says() -> None:
    rules = (RetryRule(RuleAction.RETRY, codes=("BUSY",)), RetryRule(RuleAction.FAIL, types=("*",)))
    policy = RetryPolicy(rules=rules)
    assert choose(policy, StepError("X", "", code="BUSY", retryable=False)) is RuleAction.RETRY
    assert choose(policy, StepError("X", "", retryable=True)) is RuleAction.FAIL


def test_an_ignored_failure_is_tried_again_and_not_counted() -> None:
    policy = RetryPolicy(max_attempts=1, rules=(RetryRule(RuleAction.IGNORE, types=("Busy",)),))
    record = StepRecord("s", attempt=4, ignored=3)
    assert counted(record) == 1
    assert is_allowed(policy, record, StepError("Busy", ""), 0.0)
    assert not is_allowed(policy, record, StepError("Broken", ""), 0.0)


def test_no_attempt_begins_after_the_longest_duration_not_even_an_ignored_one() -> None:
    policy = RetryPolicy(max_attempts=9, max_duration=60.0, rules=(RetryRule(RuleAction.IGNORE, types=("Busy",)),))
    record = StepRecord("s", attempt=1, first_enqueued_at=100.0)
    for error in (StepError("X", ""), StepError("Busy", "")):
        assert is_allowed(policy, record, error, 160.0)
        assert not is_allowed(policy, record, error, 160.1)
