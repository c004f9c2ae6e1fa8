"""The output of a decision: what to write down, and what to do once it is written.

Carried out by ``kubesaga.runtime.apply``, in this order: the status, then launches and fences, then stops, then
events.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubesaga.engine.records import TaskStatus, Transition
from kubesaga.engine.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step in a role; ``number`` starts at 1. Its Job's name is used once for ever."""

    step: str
    role: Role
    number: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a human watching the Task should notice."""

    reason: str
    note: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """``status`` is the very object of the snapshot when nothing is to be written.

    ``transitions`` are those of this decision, in order, to be added to the recorded history.
    ``wake_at`` (seconds since the epoch) is when time alone will change the decision; None = never.
    """

    status: TaskStatus
    transitions: tuple[Transition, ...] = ()
    launches: tuple[Attempt, ...] = ()
    fences: tuple[Attempt, ...] = ()
    stops: tuple[Attempt, ...] = ()
    events: tuple[Event, ...] = ()
    wake_at: float | None = None
