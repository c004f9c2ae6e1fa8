"""How durations and moments are written."""

from __future__ import annotations

import pytest

from kubesaga.cli.views.times import ago, span, stamp


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (-1.0, "0.0s"),
        (0.04, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (192, "3m12s"),
        (3600, "1h"),
        (7500, "2h5m"),
        (86400, "1d"),
        (273600, "3d4h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_a_moment_is_past_or_ahead() -> None:
    assert (ago(10.0, 100.0), ago(100.0, 10.0), ago(10.0, 10.5), ago(None, 0.0)) == (
        "1m30s ago",
        "in 1m30s",
        "just now",
        "",
    )
    assert stamp(0.0) == "1970-01-01 00:00:00 UTC"
