"""One difference between two JSON Schemas. Found by ``schemas`` and ``keywords``, judged by ``changes``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Effect(Enum):
    """What a difference does to the set of values that are accepted."""

    NARROWED = auto()
    """Some values are refused now."""
    WIDENED = auto()
    """Some values are accepted now that were refused."""
    ADDED = auto()
    """A property is described that may be left out."""
    DROPPED = auto()
    """A property that was described is refused now."""
    UNDECIDED = auto()
    """Perhaps narrowed, perhaps widened."""
    NONE = auto()
    """The same values are accepted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, at a JSON pointer into the schema."""

    pointer: str
    before: Any
    after: Any
    effect: Effect
    message: str
