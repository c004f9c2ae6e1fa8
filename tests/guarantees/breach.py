"""A guarantee that does not hold: what the checks find, and what a simulated run ends with."""

from __future__ import annotations

from dataclasses import dataclass

from tests.guarantees.identifiers import Guarantee


@dataclass(frozen=True, slots=True)
class Breach:
    """``where`` names the objects (Task, step, attempt), ``what`` says what was seen, with both values."""

    guarantee: Guarantee
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.guarantee}: {self.where}: {self.what}"


class Violation(AssertionError):
    """A breach at a moment: ``at`` in virtual seconds."""

    def __init__(self, guarantee: str, message: str, at: float, cause: BaseException | None = None) -> None:
        super().__init__(f"{guarantee} at {at:.3f}: {message}")
        self.guarantee = str(guarantee)
        self.message = message
        self.at = at
        self.__cause__ = cause

    def __reduce__(self) -> tuple[object, ...]:
        """It crosses from one process of a sweep to another, without its cause."""
        return type(self), (self.guarantee, self.message, self.at)

    @classmethod
    def of(cls, breach: Breach, at: float) -> Violation:
        """The first breach that somebody found."""
        return cls(breach.guarantee, f"{breach.where}: {breach.what}", at)
