"""The audit when all is over: ends, Jobs and pods of every Task, beside the comparison with the warehouse's books.

Pure: objects in, deviations out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kubesaga.api.constants import LABEL_ATTEMPT, LABEL_ROLE, LABEL_STEP, LABEL_TASK_UID
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role
from tests.chaos.comparison import Deviation
from tests.chaos.examples import LABEL, Example
from tests.chaos.people import attention

Obj = dict[str, Any]

FORESEEN = frozenset({"SHIPPER_REFUSED", "SOLD_OUT", "WEATHER_DOWN", "NO_WORDS", "BANK_BUSY"})
"""Codes of the errors that the examples themselves are about: they excuse no other end than the example's own."""
FORESEEN_TYPES = frozenset({"ResultSchemaViolation", "Rejected"})
CANCELLED = ("Cancelled", "Compensated")


def ended(task: Obj) -> bool:
    """Whether the Task is in a terminal state; one that is undone later leaves it again, and keeps its outcome."""
    return task.get("status", {}).get("state") in TERMINAL_TASK_STATES


def end_of(task: Obj) -> tuple[str, str]:
    """State and outcome."""
    return task["status"]["state"], task["status"]["outcome"]


def as_designed(task: Obj, examples: Mapping[str, Example]) -> bool:
    """Whether a Task of an example ended as its history says."""
    return end_of(task) == examples[task["metadata"]["labels"][LABEL]].end


def audit(
    tasks: Sequence[Obj], jobs: Sequence[Obj], examples: Mapping[str, Example], cancelled: Iterable[str]
) -> list[Deviation]:
    """What is wrong with the Tasks and their Jobs by themselves."""
    by_uid: dict[str, list[Obj]] = {}
    for job in jobs:
        by_uid.setdefault(job["metadata"].get("labels", {}).get(LABEL_TASK_UID, ""), []).append(job)
    return [
        *(deviation for task in tasks for deviation in _of_end(task, tasks, examples, set(cancelled))),
        *(deviation for task in tasks for deviation in _of_jobs(task, by_uid.get(task["metadata"]["uid"], []))),
    ]


def _of_end(
    task: Obj, tasks: Sequence[Obj], examples: Mapping[str, Example], cancelled: set[str]
) -> Iterator[Deviation]:
    name = task["metadata"]["name"]
    if not ended(task):
        if attention(task) is None:
            message = task.get("status", {}).get("message", "it has no status")
            yield Deviation("no end", name, f"neither ended nor waiting for a human: {message}")
        return
    if LABEL not in task["metadata"].get("labels", {}) or as_designed(task, examples):
        return
    if name in cancelled and end_of(task)[0] == "Cancelled":
        return
    if not mishaps(task, tasks):
        yield Deviation("unexplained end", name, f"{end_of(task)}: {task['status'].get('message')}")


def mishaps(task: Obj, tasks: Sequence[Obj]) -> list[str]:
    """The types of the errors, its own and of its sub-workflows, that the example does not have by itself."""
    children = [
        each for each in tasks if (each.get("status", {}).get("parent") or {}).get("uid") == task["metadata"]["uid"]
    ]
    errors = [step["error"] for step in task["status"].get("steps", ()) if step.get("error")]
    own = [e["type"] for e in errors if e.get("code") not in FORESEEN and e["type"] not in FORESEEN_TYPES]
    return [
        *(word for word in own if word != "ChildFailed"),
        *(word for child in children if "status" in child for word in mishaps(child, tasks)),
    ]


def _of_jobs(task: Obj, jobs: Sequence[Obj]) -> Iterator[Deviation]:
    """At most one Job for each attempt that is on record, under the attempt's own name, and none beside them."""
    name, expected = task["metadata"]["name"], expected_jobs(task)
    for job in jobs:
        if job["metadata"]["name"] not in expected:
            yield Deviation("Job of no attempt", name, job["metadata"]["name"])
    attempts = Counter(
        tuple(job["metadata"]["labels"][each] for each in (LABEL_STEP, LABEL_ROLE, LABEL_ATTEMPT)) for job in jobs
    )
    for attempt, count in attempts.items():
        if count > 1:
            yield Deviation("doubled Job", name, f"{attempt} has {count}")


def expected_jobs(task: Obj) -> set[str]:
    """The names of all the Jobs that the attempts in the Task's status can have had."""
    uid, name, names = task["metadata"]["uid"], task["metadata"]["name"], set()
    for step in task.get("status", {}).get("steps", ()):
        for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.get("compensation") or {})):
            for number in range(1, record.get("attempt", 0) + 1):
                names.add(attempt_name(name, uid, step["name"], role, number))
    return names
