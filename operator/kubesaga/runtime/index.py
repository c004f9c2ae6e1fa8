"""Groups of cached objects, so that nobody has to look through all of them.

Kept by ``cache``: the Jobs of a Task, the children of a Task, the actions on a Task, and the Tasks that the
operator-wide limit counts or holds back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DesiredState, TaskState
from kubesaga.runtime.projection import Obj, parent_uid

_NOTHING: Mapping[str, Obj] = MappingProxyType({})


class Index:
    """Objects by the group that ``group`` tells (None = none) and, within it, by what ``member`` tells."""

    def __init__(self, group: Callable[[Obj], str | None], member: Callable[[Obj], str]) -> None:
        self._group = group
        self._member = member
        self._groups: dict[str, dict[str, Obj]] = {}

    def get(self, group: str) -> Mapping[str, Obj]:
        """The members of a group; the mapping changes with the cache."""
        return self._groups.get(group, _NOTHING)

    def put(self, replaced: Obj | None, obj: Obj) -> None:
        """Take in an object, in the place of what was known of it before."""
        if replaced is not None:
            self.drop(replaced)
        group = self._group(obj)
        if group is not None:
            self._groups.setdefault(group, {})[self._member(obj)] = obj

    def drop(self, obj: Obj) -> None:
        """Take an object out."""
        group = self._group(obj)
        members = self._groups.get(group) if group is not None else None
        if group is None or members is None:
            return
        members.pop(self._member(obj), None)
        if not members:
            del self._groups[group]

    def drop_group(self, group: str) -> None:
        """Forget a group."""
        self._groups.pop(group, None)


class Lane(StrEnum):
    """Where a Task stands before an operator-wide limit on how many run."""

    WAITING = "Waiting"
    RUNNING = "Running"


def lane(task: Obj) -> Lane | None:
    """RUNNING once a step was ever launched, WAITING before that; None for what the limit does not concern.

    A sub-workflow runs on its root's account. A Task that waits for its template, is suspended, is being cancelled or
    deleted stands in nobody's way.
    """
    status = task.get("status") or {}
    state = status.get("state", TaskState.PENDING)
    if state == TaskState.PENDING or state in TERMINAL_TASK_STATES or parent_uid(task) is not None:
        return None
    if launched(task):
        return Lane.RUNNING
    held = task["spec"].get("desiredState", DesiredState.RUNNING) != DesiredState.RUNNING
    if held or status.get("ending") or task["metadata"].get("deletionTimestamp"):
        return None
    return Lane.WAITING


def launched(task: Mapping[str, Any]) -> bool:
    """Whether any step of the Task was ever launched."""
    return any(step.get("attempt") for step in (task.get("status") or {}).get("steps") or ())
