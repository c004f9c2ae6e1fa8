"""Which Tasks need no decision: those that have ended, or are going, and of which nobody wants anything.

Asked by ``reconcile`` before it gathers, so that a cluster full of Tasks that are done costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.runtime.actions import is_unanswered
from kubesaga.runtime.cache import Cache
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.release import is_held

Obj = Mapping[str, Any]


class Settled:
    """Looks at cached Tasks, which after their end hold little more than their outcome."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def is_settled(self, task: Obj) -> bool:
        """Whether nothing is to be decided about the Task."""
        meta = task["metadata"]
        if meta.get("deletionTimestamp"):
            return not is_held(task)  # what goes with its Task is the garbage collector's
        if (task.get("status") or {}).get("state") not in TERMINAL_TASK_STATES:
            return False
        return not self.unanswered(meta["namespace"], meta["name"]) and not self._is_commanded(task)

    def unanswered(self, namespace: str, name: str) -> bool:
        """Whether somebody waits for an answer about the Task of this name."""
        return any(map(is_unanswered, self._cache.actions_on(namespace, name).values()))

    def _is_commanded(self, task: Obj) -> bool:
        """Whether a live parent wants its ended child to run again, or to undo what it did."""
        link = (task.get("status") or {}).get("parent")
        above = parent_uid(task)
        parent = self._cache.task_by_uid(above) if above else None
        if parent is None or not link:
            return False
        steps = (parent.get("status") or {}).get("steps") or ()
        step: Obj = next((step for step in steps if step["name"] == link["step"]), {})
        wanted = step.get("state") in LIVE_STEP_STATES and "stop" not in step
        undone = "compensation" in task["status"]
        undo = (step.get("compensation") or {}).get("state") in LIVE_STEP_STATES
        return (wanted and step.get("attempt", 0) > link.get("attempt", 1)) or (undo and not undone)
