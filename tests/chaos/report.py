"""The document that a run prints: what was done to the cluster, what became of the Tasks, and what deviates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubesaga.api.constants import LABEL_TASK_UID
from tests.chaos.audit import as_designed, ended, mishaps
from tests.chaos.books import Books
from tests.chaos.comparison import Deviation
from tests.chaos.effects import places
from tests.chaos.examples import LABEL, Example
from tests.guarantees.afterwards import doubled

Obj = dict[str, Any]
Document = dict[str, Any]


def of_tasks(tasks: Sequence[Obj], examples: Mapping[str, Example], cancelled: set[str]) -> Document:
    """How the Tasks ended."""
    roots = [task for task in tasks if LABEL in (task["metadata"].get("labels") or {})]
    over = [task for task in roots if ended(task)]
    otherwise = [task for task in over if not as_designed(task, examples)]
    by_mishap = [task for task in otherwise if task["metadata"]["name"] not in cancelled]
    return {
        "submitted": len(roots),
        "subWorkflows": len(tasks) - len(roots),
        "ended": len(over),
        "asDesigned": len(over) - len(otherwise),
        "otherwiseByCancellation": len(otherwise) - len(by_mishap),
        "otherwiseByMishap": len(by_mishap),
        "byEnd": _counted(f"{task['status']['state']}/{task['status']['outcome']}" for task in over),
        "mishaps": _counted(word for task in by_mishap for word in mishaps(task, tasks)),
    }


def of_attempts(tasks: Sequence[Obj], pods: Iterable[Obj]) -> Document:
    """How many attempts there were, and how many of them were not the first of their step or compensation."""
    records = [each for task in tasks for step in task.get("status", {}).get("steps", ()) for each in _both(step)]
    numbers = [record["attempt"] for record in records if record.get("attempt")]
    started = {pod["metadata"]["uid"]: pod for pod in pods if LABEL_TASK_UID in (pod["metadata"].get("labels") or {})}
    return {
        "all": sum(numbers),
        "repeated": sum(number - 1 for number in numbers),
        "pods": len(started),
        "doubledByKubernetes": len(doubled(started.values())),
    }


def of_books(tasks: Sequence[Obj], books: Books) -> Document:
    """What the warehouse was asked for, and what stands in its ledger."""
    undoable = {place.undone_key for place in places(tasks)}
    return {
        "requests": len(books.requests),
        "replayed": sum(1 for request in books.requests if request["replayed"]),
        "entries": len(books.ledger),
        "effects": sum(1 for entry in books.ledger if entry["idempotencyKey"] not in undoable),
        "undone": sum(1 for entry in books.ledger if entry["idempotencyKey"] in undoable),
        "stepsCompared": sum(1 for _ in places(tasks)),
    }


def of_deviations(deviations: Iterable[Deviation]) -> list[Document]:
    """As JSON."""
    return [{"kind": each.kind, "where": each.where, "what": each.what} for each in deviations]


def is_suspicious(document: Document) -> bool:
    """Whether somebody will want to know how it came about: something deviates, or a Task has not ended."""
    return bool(document["deviations"]) or document["tasks"]["ended"] < document["tasks"]["submitted"]


def _both(step: Obj) -> list[Obj]:
    return [step, step.get("compensation") or {}]


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())
