"""What a user of the local engine is to hear about: what is wrong, where, and what to do. The CLI prints it."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What kind of error it is, so that a command can choose its exit code."""

    INPUT = "input"
    NOT_FOUND = "not found"
    REFUSED = "refused"


class LocalError(Exception):
    """An error with a remedy."""

    def __init__(self, message: str, hint: str | None = None, fault: Fault = Fault.INPUT) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fault = fault
