"""What is known of a Task at one moment: the input of a decision.

Made by ``kubesaga.runtime.gather`` from the API server's objects, and by ``session`` for a Task that lives in one
process; it holds facts, no conclusions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubesaga.engine.records import ParentLink, PinnedTemplate, StepError, TaskStatus
from kubesaga.engine.vocabulary import (
    ActionType,
    DeletionPolicy,
    DesiredState,
    Role,
    RunningSteps,
    TaskOutcome,
    TaskState,
)


class Phase(StrEnum):
    """How far the Job of an attempt has come."""

    ABSENT = "Absent"
    """No Job of this name is known."""
    LOST = "Lost"
    """Looked for on the API server: there is no Job, and no pod of it that could still run."""
    WAITING = "Waiting"
    """The Job exists, its program does not run yet."""
    RUNNING = "Running"
    """The program runs."""
    SUCCEEDED = "Succeeded"
    """The program ended with exit code 0 and a valid document."""
    FAILED = "Failed"
    """The attempt is over and failed; ``error`` says why."""
    FENCED = "Fenced"
    """The attempt's name is taken by a Job that is none of its program: nothing can start under it any more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen of one attempt.

    ``terminal`` means that no pod of it runs or will run. ``waiting_since`` is when its Job last became free to
    start (None while a quota system holds it). ``problem`` is why it does not start; ``hopeless`` that waiting will
    not help. ``location`` names pod and node for humans; ``gone_by`` is when that pod should have ended, where
    somebody deletes it. ``disrupted`` names the pods that Kubernetes took away (eviction, drain, preemption) and the
    Job replaced, as far as they are still seen. ``may_have_run``, of one that failed or was fenced: whether a program
    of it ran, or a pod was there of which nobody knows what it did. ``seen_at``: when it was looked at (None: now).
    """

    phase: Phase
    terminal: bool = False
    waiting_since: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    result: Any = None
    metadata: Mapping[str, Any] | None = None
    error: StepError | None = None
    stopping: bool = False
    problem: StepError | None = None
    hopeless: bool = False
    location: str | None = None
    gone_by: float | None = None
    disrupted: tuple[str, ...] = ()
    may_have_run: bool = False
    seen_at: float | None = None


ABSENT = Observation(Phase.ABSENT)


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why a Task cannot have its template now: a reason (CamelCase) and a sentence with the remedy.

    ``look_again``: after so many seconds, where a Task that has not started is woken by nobody else.
    """

    reason: str
    message: str
    look_again: float | None = None


class MissingValues(Exception):
    """The decision needs values that the status only refers to: load those of these names, and decide again."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.names = names


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands in ``Snapshot.values`` for a value that is gone or garbled: what needs it fails with this sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class Action:
    """A TaskAction that has not been answered, as it was written. ``created_at`` in whole seconds since the epoch.

    ``problems`` are sentences that say what is wrong with it, whatever the Task.
    """

    uid: str
    name: str
    type: ActionType
    created_at: float
    step: str | None = None
    result: Any = None
    has_result: bool = False
    reason: str | None = None
    requested_by: str | None = None
    task_uid: str | None = None
    expected_attempt: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent of a sub-workflow's Task, and what its record of the step says to this one.

    ``link`` is this Task's place below it (as recorded, or to be recorded at the start). ``attempt`` is the parent
    step's latest attempt, ``wanted`` that the step is under way (so that a newer attempt than was obeyed means: again).
    ``stop`` is how this Task is to be cancelled, if it is. ``undo`` says that the parent asks for compensation.
    ``ending`` that the parent is ending or has ended, ``ended`` that it has (or is gone). ``suspended``: it or one
    above it is.
    """

    link: ParentLink
    attempt: int = 0
    wanted: bool = False
    stop: RunningSteps | None = None
    undo: bool = False
    ending: bool = False
    ended: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """What is seen of a step's child Task; ``gone``: looked for on the API server, and not there.

    ``foreign``: another object has taken its name; ``fence``: it was only made to take the name. ``obeyed`` is the
    attempt of the parent's step that it last obeyed (its ``status.parent.attempt``, 1 until it is written). ``undone``:
    it has a frozen saga that is over. ``reopenable``: what ``kubesaga.engine.policies.reopen.possible`` says of it.
    ``attention``: what it needs a human for, empty when it needs none.
    """

    gone: bool = False
    foreign: bool = False
    fence: bool = False
    state: TaskState = TaskState.PENDING
    outcome: TaskOutcome | None = None
    message: str = ""
    result: Any = None
    started_at: float | None = None
    finished_at: float | None = None
    obeyed: int = 1
    undone: bool = False
    reopenable: bool = False
    attention: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds the identity that this Task claims: this Task itself, or an earlier one."""

    mine: bool
    holder: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Task with everything that bears on its next decision.

    ``forward`` and ``compensation`` map a step's index in the plan to what is seen of the latest attempt; a missing
    entry is ABSENT. ``children`` does the same for child Tasks. ``template`` is the revision to pin at the start;
    ``request_problems`` are sentences that say what is wrong with a request that has not started, whatever its
    template. ``context`` has the template's defaults merged in. ``values`` holds what ResultRefs stand for, by name, as
    far as it was asked for (MissingValues). ``about`` is the expressions' variable ``task``.

    ``slot``: the operator-wide limit lets this Task launch its first step. ``claim`` is looked up before the start of a
    Task whose template has an identity strategy, by ``claim_name``. ``finalizer``: the object carries Kubesaga's
    finalizer. ``admits_jobs`` is False in a namespace that is being deleted.
    """

    task_name: str
    task_uid: str
    context: Mapping[str, Any]
    status: TaskStatus
    template: PinnedTemplate | None = None
    template_problem: TemplateProblem | None = None
    request_problems: tuple[str, ...] = ()
    request_hash: str | None = None
    forward: Mapping[int, Observation] = field(default_factory=dict)
    compensation: Mapping[int, Observation] = field(default_factory=dict)
    children: Mapping[int, Child] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    desired: DesiredState = DesiredState.RUNNING
    cancel_mode: RunningSteps = RunningSteps.DRAIN
    cancel_compensates: bool = False
    bypass: frozenset[str] = frozenset()
    actions: tuple[Action, ...] = ()
    parent: Parent | None = None
    slot: bool = True
    claim: Claim | None = None
    claim_name: str | None = None
    deleting: bool = False
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    finalizer: bool = False
    admits_jobs: bool = True

    def observed(self, step: int, role: Role) -> Observation:
        """What is seen of the step's latest attempt in this role."""
        seen = self.forward if role is Role.FORWARD else self.compensation
        return seen.get(step, ABSENT)

    @property
    def suspended(self) -> bool:
        """Whether nothing may be launched now, by this Task's own wish or that of one above it."""
        return self.desired is DesiredState.SUSPENDED or bool(self.parent and self.parent.suspended)
