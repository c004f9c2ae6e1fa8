"""Moves of steps, for forged histories: what one write does to one step, or to its compensation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.simulation.plan import Obj


@dataclass(frozen=True)
class Move:
    """What one write does to one step, or its compensation: by these events to this state, with these fields."""

    step: str
    events: tuple[str, ...]
    to: str
    role: str
    fields: Obj
    silent: bool


def move(step: str, *events: str, to: str, role: str = "forward", silent: bool = False, **fields: Any) -> Move:
    """A step's move; ``silent``: the history says nothing of it. A field of None goes."""
    return Move(step, events, to, role, fields, silent)


def enqueue(step: str, number: int = 1, role: str = "forward", **fields: Any) -> Move:
    """A new attempt is recorded."""
    return move(step, "Enqueue", to="Enqueued", role=role, attempt=number, **fields)


def done(step: str, result: Any = None, role: str = "forward") -> Move:
    """An enqueued attempt is seen to have succeeded; its result names the step unless given."""
    events = ("Start", "Succeeded", "Accept")
    kept = {"step": step} if result is None else result
    return move(step, *events, to="Complete", role=role, outcome="Succeeded", result=kept)


def failed(step: str, role: str = "forward", **fields: Any) -> Move:
    """An enqueued attempt is seen to have failed for good."""
    error = {"type": "Broken", "message": "no", "retryable": False}
    return move(
        step,
        "Start",
        "Failed",
        "Fail",
        to="Error",
        role=role,
        outcome="Failed",
        **{"error": error, "stop": None, **fields},
    )
