"""The output of a decision: what to write down, and what to do once it is written.

Carried out by ``kubesaga.runtime.apply``, in this order: the finalizer, the blobs, the status, then events, the
actions' verdicts, launches and fences, stops, and the release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubesaga.engine.records import ResultRef, TaskStatus, Transition
from kubesaga.engine.vocabulary import ActionPhase, Role


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step in a role; ``number`` starts at 1. Its Job's name is used once for ever."""

    step: str
    role: Role
    number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a TaskAction, for its own status."""

    uid: str
    name: str
    phase: ActionPhase
    message: str


@dataclass(frozen=True, slots=True)
class Blob:
    """A value that the status refers to: to be stored before the status is written. ``text`` is its JSON."""

    ref: ResultRef
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a human watching the Task should notice."""

    reason: str
    note: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """``status`` is the very object of the snapshot when nothing is to be written.

    ``transitions`` are those of this decision, in order, to be added to the recorded history. ``launches`` and
    ``fences`` of a step of kind Task are child Tasks, of any other Jobs. ``claim``: take the identity named by the
    snapshot's ``claim_name``, then decide again. ``finalizer``: it must be there before anything else is done.
    ``release``: what depends on the Task is to be deleted, and then the finalizer.
    ``wake_at`` (seconds since the epoch) is when time alone will change the decision; None = never.
    """

    status: TaskStatus
    transitions: tuple[Transition, ...] = ()
    launches: tuple[Attempt, ...] = ()
    fences: tuple[Attempt, ...] = ()
    stops: tuple[Attempt, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    blobs: tuple[Blob, ...] = ()
    claim: bool = False
    finalizer: bool = False
    release: bool = False
    events: tuple[Event, ...] = ()
    wake_at: float | None = None
