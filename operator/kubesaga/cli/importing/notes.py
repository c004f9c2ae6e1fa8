"""What an import says about itself: every field that did not simply find its counterpart, and what became of it.

Filled by all the rules of this package, shown by `report`. Nothing may be dropped without a note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What became of a field."""

    LOST = "lost"
    """There is no counterpart: it is not in what was written."""
    KEPT = "kept"
    """There is no counterpart, but its value is kept where readers find it; nothing acts on it."""
    CHANGED = "changed"
    """It was written otherwise, or means something slightly different here."""
    ASSUMED = "assumed"
    """Nothing was said, and something had to be."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know: about which field (``steps[2].retry``), what it was, and what was done instead."""

    kind: Kind
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind:<8} {self.path}: {self.message}"


@dataclass(slots=True)
class Notes:
    """The notes on one document, in the order of its fields."""

    all: list[Note] = field(default_factory=list)

    def lost(self, path: str, message: str) -> None:
        """A field without counterpart, left out."""
        self._add(Kind.LOST, path, message)

    def kept(self, path: str, message: str) -> None:
        """A field without counterpart, kept for readers."""
        self._add(Kind.KEPT, path, message)

    def changed(self, path: str, message: str) -> None:
        """A field that is written otherwise now."""
        self._add(Kind.CHANGED, path, message)

    def assumed(self, path: str, message: str) -> None:
        """Something that the source does not say."""
        self._add(Kind.ASSUMED, path, message)

    def _add(self, kind: Kind, path: str, message: str) -> None:
        note = Note(kind, path, message)
        if note not in self.all:
            self.all.append(note)
