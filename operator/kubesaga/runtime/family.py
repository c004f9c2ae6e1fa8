"""Who has to look again when a Task changes: its parent, its children, and those below them.

Told of everything that the feed brings and of every own write, whose echo nobody else hears. Only what a relative
would decide upon wakes it: a parent of a hundred children is not to wake them all whenever one of them moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.conditions import read_attention
from kubesaga.api.constants import LABEL_PARENT_STEP
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.runtime.cache import Cache
from kubesaga.runtime.parents import is_suspended
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.queue import WorkQueue

Obj = Mapping[str, Any]

_Said = tuple[Any, ...]


class Family:
    """Wakes relatives. What they were last told is remembered by the child's UID."""

    def __init__(self, cache: Cache, queue: WorkQueue) -> None:
        self._cache = cache
        self._queue = queue
        self._told_parent: dict[str, _Said] = {}
        self._told_child: dict[str, _Said] = {}

    def changed(self, task: Obj) -> None:
        """A Task is not what it was."""
        uid, above = task["metadata"]["uid"], parent_uid(task)
        if above is not None and self._is_news(self._told_parent, uid, shown(task)):
            self._wake(self._cache.task_by_uid(above))
        self._tell_children(task)

    def gone(self, task: Obj) -> None:
        """A Task is no more."""
        uid, above = task["metadata"]["uid"], parent_uid(task)
        self._told_parent.pop(uid, None)
        self._told_child.pop(uid, None)
        if above is not None:
            self._wake(self._cache.task_by_uid(above))
        for child in list(self._cache.children(uid).values()):
            self._told_child.pop(child["metadata"]["uid"], None)
            self._wake(child)

    def _tell_children(self, parent: Obj) -> None:
        children = self._cache.children(parent["metadata"]["uid"])
        if not children:
            return
        suspended = is_suspended(self._cache, parent)
        steps = {step["name"]: step for step in (parent.get("status") or {}).get("steps") or ()}
        for child in list(children.values()):
            said = command(parent, steps.get(_step_of(child)) or {}, suspended=suspended)
            if self._is_news(self._told_child, child["metadata"]["uid"], said):
                self._wake(child)
                self._tell_children(child)

    def _is_news(self, told: dict[str, _Said], uid: str, said: _Said) -> bool:
        if told.get(uid) == said:
            return False
        told[uid] = said
        return True

    def _wake(self, task: Obj | None) -> None:
        if task is not None:
            self._queue.add((task["metadata"]["namespace"], task["metadata"]["name"]))


def shown(child: Obj) -> _Said:
    """What of a child its parent decides upon."""
    status = child.get("status") or {}
    attention = read_attention(status.get("conditions") or ())
    return (
        status.get("state"),
        (status.get("parent") or {}).get("attempt"),
        status.get("startedAt"),
        "compensation" in status,
        attention.message if attention else None,
    )


def command(parent: Obj, step: Obj, *, suspended: bool) -> _Said:
    """What a parent and its record of the step say to the child."""
    status = parent.get("status") or {}
    ending = status.get("ending") or {}
    return (
        suspended,
        status.get("state") in TERMINAL_TASK_STATES,
        ending.get("trigger"),
        ending.get("phase"),
        step.get("state"),
        step.get("attempt"),
        "stop" in step,
        (step.get("compensation") or {}).get("state"),
    )


def _step_of(child: Obj) -> str:
    recorded = (child.get("status") or {}).get("parent")
    if recorded:
        return str(recorded["step"])
    return str((child["metadata"].get("labels") or {}).get(LABEL_PARENT_STEP))
