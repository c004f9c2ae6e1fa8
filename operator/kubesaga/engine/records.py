"""What is written down about a Task: the engine's view of ``Task.status``.

Immutable; a decision makes new records. Times are seconds since the epoch. ``kubesaga.api.status`` turns these
into the wire form and back; nothing else reads or writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    StepOutcome,
    StepState,
    StopAction,
    TaskOutcome,
    TaskState,
)


@dataclass(frozen=True, slots=True)
class StepError:
    """Why an attempt failed.

    ``types`` names the error's class and its bases. ``outcome_unknown`` says that the work may have been done all
    the same (a timeout, a lost Job, a killed process): only a failure that the program reported rules that out.
    ``retry_after`` (seconds) is what the program asked for, once.
    """

    type: str
    message: str
    code: str | None = None
    retryable: bool = True
    types: tuple[str, ...] = ()
    exit_code: int | None = None
    outcome_unknown: bool = False
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class Stop:
    """That an attempt is to be stopped: recorded before the Job is touched."""

    reason: str
    at: float
    action: StopAction


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step, or the compensation of one step.

    ``attempt`` only grows; retries are counted from ``retry_base``. ``outcome_unknown`` stays set once any attempt
    ended without saying whether its work was done.
    """

    name: str
    state: StepState = StepState.PENDING
    outcome: StepOutcome | None = None
    attempt: int = 0
    retry_base: int = 0
    job_name: str | None = None
    enqueued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    next_retry_at: float | None = None
    error: StepError | None = None
    result: Any = None
    metadata: Mapping[str, Any] | None = None
    stop: Stop | None = None
    outcome_unknown: bool = False
    compensation: StepRecord | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The decided end of a Task; once written it is never weighed again."""

    trigger: EndingTrigger
    at: float
    phase: EndingPhase
    outcome: TaskOutcome


@dataclass(frozen=True, slots=True)
class PlannedCompensation:
    """One entry of the frozen saga: undo ``step`` once the steps in ``after`` are undone."""

    step: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saga:
    """The frozen plan of compensation and what made it due."""

    trigger: EndingTrigger
    plan: tuple[PlannedCompensation, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of a state machine; ``step`` and ``role`` are None for the Task itself."""

    at: float
    event: str
    source: str
    target: str
    step: str | None = None
    role: Role | None = None
    attempt: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class PinnedTemplate:
    """The template revision that a Task runs, fixed when it starts."""

    name: str
    version: str
    revision: str


@dataclass(frozen=True, slots=True)
class Attention:
    """That a Task goes no further without a human, and what they can do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """Everything that is recorded about a Task, but for its history.

    ``reason`` says why a Pending Task waits (TemplateNotFound, ...); ``run`` counts its starts and reopenings.
    """

    state: TaskState = TaskState.PENDING
    outcome: TaskOutcome | None = None
    reason: str | None = None
    message: str = ""
    result: Any = None
    template: PinnedTemplate | None = None
    run: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    blocked_since: float | None = None
    ending: Ending | None = None
    steps: tuple[StepRecord, ...] = ()
    saga: Saga | None = None
    attention: Attention | None = None
