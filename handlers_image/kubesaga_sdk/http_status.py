"""What an HTTP status says about another attempt, and when it asks for one.

Asked by the classifier (urllib's own errors) and by `api` (answers to a handler's requests), so that both judge alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from email.message import Message

RETRYABLE = frozenset({408, 423, 425, 429})
"""Statuses below 500 that mean "not now"."""
PERMANENT_SERVER = frozenset({501, 505})
"""Statuses from 500 up that will not change by asking again."""


class Headers(dict[str, str]):
    """Headers by their names, however these are written."""

    def __init__(self, given: Mapping[str, str] | Message) -> None:
        super().__init__((name.title(), value) for name, value in given.items())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.title())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.title())

    def get(self, name: str, default: Any = None) -> Any:
        """The header, or the default."""
        return super().get(name.title(), default)


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in RETRYABLE or (status >= 500 and status not in PERMANENT_SERVER)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the time that `Retry-After` names, at least 0; None without the header, or where it is neither.

    The header is a number of seconds or a date. A date counts from the answer's own `Date`, so that a clock that is
    wrong on either side does no harm, and else from now.
    """
    text = headers.get("Retry-After")
    return None if text is None else seconds(text, headers.get("Date"))


def seconds(value: object, answered_at: str | None = None) -> float | None:
    """A delay in seconds, from a number or its text, or from an HTTP date; None for what is none of them."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    except ValueError:
        return _until(str(value), answered_at)
    return number if 0 <= number < float("inf") else None


def _until(date: str, answered_at: str | None) -> float | None:
    then = _parsed(date)
    if then is None:
        return None
    now = _parsed(answered_at) if answered_at else None
    if now is None:
        import time

        now = time.time()
    return max(0.0, then - now)


def _parsed(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
