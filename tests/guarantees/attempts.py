"""Attempts, as the objects around a Task tell of them: labels of Jobs and pods, records in a status.

Shared by all checks. Objects are JSON, as the API server hands them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import StepState, TaskState

Obj = Mapping[str, Any]

FORWARD = "forward"
COMPENSATION = "compensation"
NOTHING: Obj = {}

DONE = frozenset({StepState.COMPLETE.value, StepState.RESOLVED_MANUALLY.value})
FINAL = DONE | {StepState.ERROR.value, StepState.CANCELLED.value}
LIVE = frozenset({StepState.ENQUEUED.value, StepState.IN_PROGRESS.value})
ENDED = frozenset(
    state.value for state in (TaskState.COMPLETE, TaskState.ERROR, TaskState.CANCELLED, TaskState.RESOLVED_MANUALLY)
)


class Attempt(NamedTuple):
    """One attempt of a step, or of its compensation; ``number`` from 1."""

    step: str
    role: str
    number: int

    def __str__(self) -> str:
        return f"{name_of_program(self.step, self.role)}, attempt {self.number}"


def name_of_program(step: str, role: str) -> str:
    """How breaches name a step or its compensation."""
    return f"step {step}" if role == FORWARD else f"compensation of step {step}"


def name_of_task(task: Obj) -> str:
    """How breaches name a Task."""
    meta = task["metadata"]
    return f"Task {meta.get('namespace', 'default')}/{meta['name']}"


def status_of(task: Obj | None) -> Obj:
    """A Task's status; empty where it has none."""
    return (task or NOTHING).get("status") or NOTHING


def state_of(task: Obj | None) -> str:
    """A Task's state; Pending where nobody has looked at it."""
    return str(status_of(task).get("state") or TaskState.PENDING.value)


def has_ended(task: Obj | None) -> bool:
    """Whether a Task is in a terminal state."""
    return state_of(task) in ENDED


def record_of(task: Obj | None, step: str, role: str) -> Obj:
    """A step's record, or its compensation's; empty where there is none."""
    found = next((each for each in status_of(task).get("steps") or () if each["name"] == step), NOTHING)
    return found if role == FORWARD else found.get("compensation") or NOTHING


def records_of(task: Obj | None) -> Iterator[tuple[str, str, Obj]]:
    """Step, role and record of everything that has a record."""
    for step in status_of(task).get("steps") or ():
        yield step["name"], FORWARD, step
        if step.get("compensation"):
            yield step["name"], COMPENSATION, step["compensation"]


def state_of_record(record: Obj) -> str:
    """A record's state; Pending where it is empty."""
    return str(record.get("state") or StepState.PENDING.value)


def labels_of(obj: Obj) -> Obj:
    """metadata.labels."""
    return obj["metadata"].get("labels") or NOTHING


def attempt_of(obj: Obj) -> Attempt | None:
    """The attempt that a Job or pod is labelled with."""
    labels = labels_of(obj)
    try:
        return Attempt(labels[c.LABEL_STEP], labels[c.LABEL_ROLE], int(labels[c.LABEL_ATTEMPT]))
    except (KeyError, ValueError):
        return None


def task_uid_of(obj: Obj) -> str | None:
    """The UID of the Task that an object is labelled with."""
    return labels_of(obj).get(c.LABEL_TASK_UID)


def condition(obj: Obj, type_: str) -> Obj:
    """The condition of this type; empty where it is not there."""
    listed = status_of(obj).get("conditions") or ()
    return next((each for each in listed if each["type"] == type_), NOTHING)


def is_true(obj: Obj, type_: str) -> bool:
    """Whether the condition of this type is True."""
    return condition(obj, type_).get("status") == "True"
