"""Durations: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.durations import DURATION_PATTERN, MAX_LENGTH, MIN_LENGTH, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("2h3m4s5ms", 7384.005),
        ("90m", 5400),
        ("007s", 7),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "5 m", "1.5s", "-1s", "30m1h", "1s1s", "1d", "5M", "30s\n", "٣s"])
def test_what_is_no_duration_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="write whole numbers with units"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5400, "1h30m"), (0.5, "500ms"), (60.5, "1m500ms"), (86_400, "24h"), (0.0004, "0s")],
)
def test_a_duration_is_written_in_its_shortest_form(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_negative_duration_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        format_duration(-1)


@given(st.integers(min_value=0, max_value=10_000 * 3_600_000))
def test_what_is_written_is_read_back_and_admitted_by_the_schema(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert parse_duration(text) == milliseconds / 1000
    assert re.fullmatch(DURATION_PATTERN, text)
    assert MIN_LENGTH <= len(text) <= MAX_LENGTH
