"""Times and durations as a page says them."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def span(seconds: float | None) -> str:
    """A duration in at most two units: ``0.4s``, ``42s``, ``3m12s``, ``2h5m``, ``3d4h``; empty for None."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, unit: int, name: str, smaller: int, smaller_name: str) -> str:
    count, rest = divmod(whole, unit)
    lesser = rest // smaller
    return f"{count}{name}{lesser}{smaller_name}" if lesser else f"{count}{name}"


def stamp(at: float | None) -> str:
    """A moment in UTC to the second: ``2026-01-02 03:04:05 UTC``; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(at: float | None, now: float) -> str:
    """How long a moment is past: ``3m12s ago``; ahead: ``in 20s``; within a second ``just now``; empty for None."""
    if at is None:
        return ""
    if abs(at - now) < 1:
        return "just now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"
