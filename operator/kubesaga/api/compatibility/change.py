"""One change between two versions of a template, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Impact(StrEnum):
    """Whom a change concerns; callers are who creates Tasks, reads their results, or acts on their steps."""

    BREAKING = "breaking"
    """A caller that was right may be wrong now."""
    FEATURE = "feature"
    """Callers can do or get more; what they did goes on."""
    INTERNAL = "internal"
    """Callers need not know."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change at ``path`` (``inputSchema/properties/sku``, ``steps[ship].handler``): before, after, and why it
    concerns callers, if it does. None is absence."""

    path: str
    before: Any
    after: Any
    impact: Impact
    reason: str

    @property
    def kind(self) -> str:
        """added, removed or changed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"
