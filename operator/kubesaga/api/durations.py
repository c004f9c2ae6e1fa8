"""Durations as users write them: ``30s``, ``5m``, ``1h30m``, ``500ms``.

Whole numbers of hours, minutes, seconds and milliseconds, in this order, each at most once. The pattern is
both the schema's and the parser's, so what the API server admits is what the operator can read. (durationpy,
which the Kubernetes client brings along, also reads days, months and fractions, which the pattern would have
to refuse again.)
"""

from __future__ import annotations

import re
from functools import lru_cache

DURATION_PATTERN = "^([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?([0-9]{1,9}ms)?$"
MIN_LENGTH = 2
MAX_LENGTH = 32
REMEDY = "write whole numbers with units from large to small, such as 30s, 5m, 1h30m or 500ms"

_PATTERN = re.compile(DURATION_PATTERN)
_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> float:
    """Seconds, exact to the millisecond. Raises ValueError with the remedy for what is not a duration."""
    match = _PATTERN.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"{text[:MAX_LENGTH]!r} is not a duration: {REMEDY}")
    milliseconds = 0
    for group, (unit, size) in zip(match.groups(), _UNITS, strict=True):
        if group:
            milliseconds += int(group.removesuffix(unit)) * size
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """The shortest way to write a duration, rounded to the millisecond: 5400 is ``1h30m``, 0 is ``0s``."""
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative: {seconds}")
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
