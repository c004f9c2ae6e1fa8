"""The operator-wide limit on how many Tasks run: who may launch a first step, and who is next.

``gather`` asks for a slot, ``reconcile`` gives it back where a pass made no use of it, and wakes those who wait when a
Task ends. A Task runs from its first launch to its end; sub-workflows run on their root's account, so that no parent
can wait for a slot that its own child needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DesiredState
from kubesaga.runtime.cache import Cache, Lane
from kubesaga.runtime.clocks import monotonic
from kubesaga.runtime.index import launched
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.queue import WorkQueue

Obj = Mapping[str, Any]

# One that made no use of its turn lets the others pass for so long (seconds).
PASSED_OVER_SECONDS = 30.0


class Admission:
    """``limit`` 0 = none. Slots are counted in the cache, which has every own write at once."""

    def __init__(self, cache: Cache, queue: WorkQueue, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self._cache = cache
        self._queue = queue
        self._limit = limit
        self._clock = clock
        self._reserved: set[str] = set()
        self._refused: set[str] = set()  # in passes that are under way
        self._passed_over: dict[str, float] = {}
        self._running = 0  # at the last wake

    def slot(self, task: Obj) -> bool:
        """Whether the Task may launch its first step now. A slot given is reserved until ``settle``."""
        if not self._limit or parent_uid(task) is not None or launched(task):
            return True
        if task["spec"].get("desiredState", DesiredState.RUNNING) != DesiredState.RUNNING:
            return True  # it launches nothing anyway
        uid = task["metadata"]["uid"]
        free = self._free(besides=uid)
        if free <= 0 or self._ahead(task, free) >= free:
            self._refused.add(uid)
            return False
        self._reserved.add(uid)
        return True

    def settle(self, uid: str) -> None:
        """The Task's pass is over: its slot is used, or the next one's."""
        if uid in self._refused:
            self._refused.discard(uid)
            self.wake()  # it stands in line only now, and a slot may have become free in the meantime
        if uid not in self._reserved:
            return
        self._reserved.discard(uid)
        if uid not in self._cache.lane(Lane.RUNNING):
            self._pass_over(uid)
        self.wake()

    def _pass_over(self, uid: str) -> None:
        """Let the others pass for a while; then it is looked at again, for by then nothing else may wake it."""
        self._passed_over[uid] = self._clock() + PASSED_OVER_SECONDS
        task = self._cache.task_by_uid(uid)
        if task is not None and (task.get("status") or {}).get("state") not in TERMINAL_TASK_STATES:
            self._queue.add_after((task["metadata"]["namespace"], task["metadata"]["name"]), PASSED_OVER_SECONDS)

    def look(self) -> None:
        """A Task changed, perhaps by a write whose answer was lost: wake those who are next if fewer run than did."""
        if len(self._cache.lane(Lane.RUNNING)) < self._running:
            self.wake()

    def wake(self) -> None:
        """Have those looked at who are next, as many as there are slots: one may have become free."""
        self._running = len(self._cache.lane(Lane.RUNNING))
        free = self._free() if self._limit else 0
        if free <= 0:
            return
        for task in heapq.nsmallest(free, self._standing_in_line(), key=_rank):
            self._queue.add((task["metadata"]["namespace"], task["metadata"]["name"]))

    def _free(self, besides: str | None = None) -> int:
        running = self._cache.lane(Lane.RUNNING)
        reserved = sum(uid not in running and uid != besides for uid in self._reserved)
        return self._limit - len(running) - reserved

    def _ahead(self, task: Obj, enough: int) -> int:
        mine, uid, count = _rank(task), task["metadata"]["uid"], 0
        for other in self._standing_in_line():
            if other["metadata"]["uid"] != uid and _rank(other) < mine:
                count += 1
                if count >= enough:
                    break
        return count

    def _standing_in_line(self) -> list[Obj]:
        now = self._clock()
        self._passed_over = {uid: until for uid, until in self._passed_over.items() if until > now}
        skipped = self._reserved | self._passed_over.keys()
        return [task for uid, task in self._cache.lane(Lane.WAITING).items() if uid not in skipped]


def _rank(task: Obj) -> tuple[int, str, str, str]:
    """Higher priority first, then the older, then by name."""
    meta = task["metadata"]
    return (-task["spec"].get("priority", 0), meta["creationTimestamp"], meta["namespace"], meta["name"])
