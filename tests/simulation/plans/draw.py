"""Where a plan's parts get their luck from: a generator of their own each, so that none disturbs another's.

Used by ``sowing`` and what it consists of, and by ``people``.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw(Random):
    """A generator of one seed and one part: ``Draw.of(17, "people")``."""

    @classmethod
    def of(cls, seed: int, part: str) -> Draw:
        """The same for ever, in every process."""
        return cls(f"{seed}/{part}")

    def happens(self, share: float) -> bool:
        """True in this share of cases."""
        return self.random() < share

    def among(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by its weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def moment(self, span: float) -> float:
        """A time within a span, now and then far beyond it; to the hundredth, so that plans can be read."""
        stretch = 5.0 if self.happens(0.07) else 1.0
        return round(self.uniform(0.0, span * stretch), 2)
