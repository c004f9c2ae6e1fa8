"""What is known of a Task at one moment: the input of a decision.

Made by ``kubesaga.runtime.gather`` from the API server's objects; it holds facts, no conclusions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubesaga.engine.records import PinnedTemplate, StepError, TaskStatus
from kubesaga.engine.vocabulary import Role


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
    not help. ``location`` names pod and node for humans.
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


ABSENT = Observation(Phase.ABSENT)


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why a Task cannot have its template now: a reason (CamelCase) and a sentence with the remedy."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Task with everything that bears on its next decision.

    ``forward`` and ``compensation`` map a step's index in the plan to what is seen of the latest attempt; a missing
    entry is ABSENT. ``template`` is the revision to pin at the start; ``request_problems`` are sentences that say what
    is wrong with a request that has not started, whatever its template.
    """

    task_name: str
    task_uid: str
    context: Mapping[str, Any]
    status: TaskStatus
    template: PinnedTemplate | None = None
    template_problem: TemplateProblem | None = None
    request_problems: tuple[str, ...] = ()
    forward: Mapping[int, Observation] = field(default_factory=dict)
    compensation: Mapping[int, Observation] = field(default_factory=dict)
    deleting: bool = False

    def observed(self, step: int, role: Role) -> Observation:
        """What is seen of the step's latest attempt in this role."""
        seen = self.forward if role is Role.FORWARD else self.compensation
        return seen.get(step, ABSENT)
