"""The few statistics that the figures are made of. Pure; used by every figure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle. Raises ValueError without values."""
    if not values:
        raise ValueError("no values, no median")
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` per cent of all are not above (nearest rank: a value that was measured).

    `percent` is above 0 and at most 100. Raises ValueError for another, and without values.
    """
    if not values:
        raise ValueError("no values, no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is no percentage above 0")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[rank - 1]


def spread(values: Sequence[float], factor: float = 1.0) -> dict[str, float]:
    """Count, p50, p90, p99 and the largest of the values, each times `factor` (1000 for ms of s)."""
    ranks = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}
    return {
        "count": len(values),
        **{name: round(percentile(values, percent) * factor, 1) for name, percent in ranks.items()},
    }
