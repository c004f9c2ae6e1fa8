"""What is written down about a Task: the engine's view of ``Task.status``.

Immutable; a decision makes new records. Times are seconds since the epoch. ``kubesaga.api.status`` turns these
into the wire form and back; nothing else reads or writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.vocabulary import (
    ActionType,
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
    ``retry_after`` (seconds) is what the program asked for, once. ``pod_reason`` is Kubernetes' word for how the pod or
    its container ended (Evicted, OOMKilled, DeadlineExceeded), which retry rules may name.
    """

    type: str
    message: str
    code: str | None = None
    retryable: bool = True
    types: tuple[str, ...] = ()
    exit_code: int | None = None
    outcome_unknown: bool = False
    retry_after: float | None = None
    pod_reason: str | None = None

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class ResultRef:
    """A value too large for the status: the ConfigMap that holds it, its SHA-256 (hex) and size in bytes of JSON."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Stop:
    """That an attempt is to be stopped: recorded before the Job is touched."""

    reason: str
    at: float
    action: StopAction


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step, or the compensation of one step.

    ``attempt`` only grows; retries are counted from ``retry_base``, without those ``ignored`` by a rule, and
    ``first_enqueued_at`` is when that count began. ``result`` is a JSON value or a ResultRef. ``outcome_unknown`` stays
    set once any attempt ended without saying whether its work was done. ``disrupted`` names the pods of this attempt
    that Kubernetes took away and its Job replaced. ``confirmed_stopped``: a human's word that nothing of this attempt
    runs any more. ``child_name`` is the step's child Task, once and for ever.
    """

    name: str
    state: StepState = StepState.PENDING
    outcome: StepOutcome | None = None
    attempt: int = 0
    retry_base: int = 0
    ignored: int = 0
    job_name: str | None = None
    child_name: str | None = None
    first_enqueued_at: float | None = None
    enqueued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    next_retry_at: float | None = None
    error: StepError | None = None
    result: Any = None
    metadata: Mapping[str, Any] | None = None
    stop: Stop | None = None
    outcome_unknown: bool = False
    disrupted: tuple[str, ...] = ()
    confirmed_stopped: bool = False
    compensation: StepRecord | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The decided end of a Task; once written it is never weighed again. ``compensate``: what was done is undone."""

    trigger: EndingTrigger
    at: float
    phase: EndingPhase
    outcome: TaskOutcome
    compensate: bool = False


@dataclass(frozen=True, slots=True)
class PlannedCompensation:
    """One entry of the frozen saga: undo ``step`` once the steps in ``after`` are undone."""

    step: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saga:
    """The frozen plan of compensation and what made it due. An empty plan: there was nothing to undo.

    ``abandoned`` names the steps that a human left as they are.
    """

    trigger: EndingTrigger
    plan: tuple[PlannedCompensation, ...]
    abandoned: tuple[str, ...] = ()


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
class ActionRecord:
    """A TaskAction that was applied, written together with its effect so that it is never applied again."""

    uid: str
    name: str
    type: ActionType
    at: float
    step: str | None = None
    requested_by: str | None = None
    reason: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ParentLink:
    """Whose sub-workflow a Task is, written when it starts.

    ``root_key`` is the root Task's idempotencyKey, else its UID; ``path`` the names of the steps from the root down to
    this Task; ``templates`` the ``domain/name`` of each Task above it, the root first. ``attempt`` is the parent step's
    attempt that this Task last obeyed.
    """

    name: str
    uid: str
    step: str
    root_key: str
    path: tuple[str, ...]
    templates: tuple[str, ...]
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Attention:
    """That a Task goes no further without a human, and what they can do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """Everything that is recorded about a Task, but for its history.

    ``reason`` says why a Pending Task waits (TemplateNotFound, ...); ``run`` counts its starts and reopenings, and
    ``run_started_at`` is when the latest of them was. ``result`` is a JSON value or a ResultRef. ``error`` is a failure
    of the Task itself (its output). ``request_hash`` is that of the immutable request. ``actions`` is a ring.
    """

    state: TaskState = TaskState.PENDING
    state_since: float | None = None
    outcome: TaskOutcome | None = None
    reason: str | None = None
    message: str = ""
    result: Any = None
    error: StepError | None = None
    template: PinnedTemplate | None = None
    request_hash: str | None = None
    parent: ParentLink | None = None
    run: int = 0
    started_at: float | None = None
    run_started_at: float | None = None
    finished_at: float | None = None
    blocked_since: float | None = None
    suspended_since: float | None = None
    resumed_at: float | None = None
    stale: bool = False
    finally_failed: bool = False
    ending: Ending | None = None
    steps: tuple[StepRecord, ...] = ()
    saga: Saga | None = None
    actions: tuple[ActionRecord, ...] = ()
    attention: Attention | None = None
