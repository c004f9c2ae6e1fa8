"""The five backoffs, the cap, jitter that a replay repeats."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.engine.identity import draw
from kubesaga.engine.plan import RetryPolicy
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.retry import backoff, delay, due, has_attempts_left
from kubesaga.engine.vocabulary import Backoff, Jitter, Role

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
    assert has_attempts_left(policy, StepRecord("s", attempt=2))
    assert not has_attempts_left(policy, StepRecord("s", attempt=3))
    assert has_attempts_left(policy, StepRecord("s", attempt=5, retry_base=3))
