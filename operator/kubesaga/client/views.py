"""Tasks as an application reads them: thin, frozen views of what the API server says.

``raw`` is the whole object; the properties read from it on demand and convert words and times. A Task is what it was
when it was read: read it again, or watch it, to see more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.conditions import find
from kubesaga.api.step_status import read_value
from kubesaga.client.errors import NoResult, TaskFailed
from kubesaga.client.fields import Condition, Ending, Failure, Parent, PinnedTemplate, Resource, moment
from kubesaga.engine.records import ResultRef
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import (
    DesiredState,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)

GOOD_OUTCOMES = frozenset({TaskOutcome.SUCCEEDED, TaskOutcome.PARTIALLY_SUCCEEDED, TaskOutcome.RESOLVED_MANUALLY})


@dataclass(frozen=True, slots=True)
class Step:
    """How far a step has come, or its compensation, which has the step's name."""

    name: str
    raw: Mapping[str, Any]

    @property
    def state(self) -> StepState:
        """Where it is."""
        return StepState(self.raw.get("state", StepState.PENDING))

    @property
    def outcome(self) -> StepOutcome | None:
        """How it ended; None while it has not."""
        return StepOutcome(self.raw["outcome"]) if "outcome" in self.raw else None

    @property
    def attempt(self) -> int:
        """How many attempts there were; the number only grows."""
        return int(self.raw.get("attempt", 0))

    @property
    def error(self) -> Failure | None:
        """Why the latest attempt failed."""
        return Failure.read(self.raw.get("error"))

    @property
    def result(self) -> Any:
        """What the step yielded, if it is small; see ``result_ref``."""
        return self.raw.get("result")

    @property
    def result_ref(self) -> ResultRef | None:
        """In place of ``result``: where a large one is. The client's ``result`` reads either."""
        return _reference(self.raw)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the program reported beside its result."""
        return self.raw.get("metadata") or {}

    @property
    def job_name(self) -> str | None:
        """The Job of the latest attempt."""
        return self.raw.get("jobName")

    @property
    def child_name(self) -> str | None:
        """The child Task, if the step is a sub-workflow."""
        return self.raw.get("childName")

    @property
    def final(self) -> bool:
        """Whether it is a step of ``finally``."""
        return bool(self.raw.get("final"))

    @property
    def compensation(self) -> Step | None:
        """How far its undoing has come; None where nothing is to be undone."""
        undoing = self.raw.get("compensation")
        return None if undoing is None else Step(self.name, undoing)

    @property
    def enqueued_at(self) -> datetime | None:
        """When the latest attempt was decided."""
        return moment(self.raw.get("enqueuedAt"))

    @property
    def started_at(self) -> datetime | None:
        """When its program started."""
        return moment(self.raw.get("startedAt"))

    @property
    def finished_at(self) -> datetime | None:
        """When it was over."""
        return moment(self.raw.get("finishedAt"))

    @property
    def next_retry_at(self) -> datetime | None:
        """When the next attempt is due."""
        return moment(self.raw.get("nextRetryAt"))


@dataclass(frozen=True, slots=True)
class Task(Resource):
    """A Task. ``deleted``: a watch has seen it go, and this is how it was last."""

    deleted: bool = False

    @property
    def state(self) -> TaskState:
        """Where the Task is."""
        return TaskState(self.status.get("state", TaskState.PENDING))

    @property
    def outcome(self) -> TaskOutcome | None:
        """How it ended; None while it has not."""
        return TaskOutcome(self.status["outcome"]) if "outcome" in self.status else None

    @property
    def finished(self) -> bool:
        """Whether it has ended; a TaskAction may reopen it."""
        return self.state in TERMINAL_TASK_STATES

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well: Succeeded, PartiallySucceeded or ResolvedManually."""
        return self.finished and self.outcome in GOOD_OUTCOMES

    @property
    def message(self) -> str:
        """The state in a sentence."""
        return str(self.status.get("message", ""))

    @property
    def progress(self) -> str:
        """How many of its steps are done: ``3/5``; empty before it has started."""
        return str(self.status.get("progress", ""))

    @property
    def counts(self) -> Mapping[str, int]:
        """How many steps are where: total, complete, failed, cancelled, running, waiting."""
        return self.status.get("counts") or {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its steps, those of ``finally`` too; none before it has started."""
        return tuple(Step(each["name"], each) for each in self.status.get("steps") or ())

    def step(self, name: str) -> Step | None:
        """The step of this name; None if there is none, or the Task has not started."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def result(self) -> Any:
        """What the workflow yielded, if it is small; see ``result_ref``."""
        return self.status.get("result")

    @property
    def result_ref(self) -> ResultRef | None:
        """In place of ``result``: where a large one is. The client's ``result`` reads either."""
        return _reference(self.status)

    @property
    def error(self) -> Failure | None:
        """What is wrong with the Task itself: its output cannot be made."""
        return Failure.read(self.status.get("error"))

    @property
    def template(self) -> PinnedTemplate | None:
        """The revision that it runs, once it has started."""
        return PinnedTemplate.read(self.status.get("template"), self.spec)

    @property
    def ending(self) -> Ending | None:
        """Its decided end, from the moment of the decision on."""
        return Ending.read(self.status.get("ending"))

    @property
    def parent(self) -> Parent | None:
        """Whose sub-workflow it is."""
        return Parent.read(self.status.get("parent"))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that Kubernetes tools read."""
        return tuple(Condition.read(each) for each in self.status.get("conditions") or ())

    def condition(self, type_: str) -> Condition | None:
        """One of them, such as Finished or NeedsAttention; None before the operator has written it."""
        found = find(self.status.get("conditions") or (), type_)
        return None if found is None else Condition.read(found)

    @property
    def needs_attention(self) -> Condition | None:
        """Which human decision it waits for, if any: the condition's reason and message.

        A suspension that has been taken back since is none, although the operator has not looked yet.
        """
        found = self.condition(c.NEEDS_ATTENTION)
        if found is None or not found.status:
            return None
        resumed = self.desired_state is not DesiredState.SUSPENDED and self.parent is None
        return None if found.reason == c.SUSPENDED and resumed else found

    @property
    def suspended(self) -> bool:
        """Whether nothing new is started."""
        return self.status.get("suspendedSince") is not None and not self.finished

    @property
    def stale(self) -> bool:
        """Whether it has waited longer than its template's lifecycle allows."""
        return bool(self.status.get("stale"))

    @property
    def desired_state(self) -> DesiredState:
        """What its owner wants of it."""
        return DesiredState(self.spec.get("desiredState", DesiredState.RUNNING))

    @property
    def started_at(self) -> datetime | None:
        """When it started."""
        return moment(self.status.get("startedAt"))

    @property
    def finished_at(self) -> datetime | None:
        """When it ended."""
        return moment(self.status.get("finishedAt"))

    @property
    def next_retry_at(self) -> datetime | None:
        """When the next retry of any step is due."""
        return moment(self.status.get("nextRetryAt"))

    def raise_for_outcome(self) -> Task:
        """The Task itself, if it has ended well. Raises TaskFailed, and NoResult while it has not ended."""
        if not self.finished:
            raise NoResult(f"Task {self.name} has not ended: it is {self.state}", "wait for its end")
        if not self.succeeded:
            raise TaskFailed(self)
        return self


def _reference(wire: Mapping[str, Any]) -> ResultRef | None:
    value = read_value(wire)
    return value if isinstance(value, ResultRef) else None
