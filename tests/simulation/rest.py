"""When a run is at rest: every Task has ended, or has named for a good while the human decision that it waits for."""

from __future__ import annotations

import asyncio

from kubesaga.engine.states import TERMINAL_TASK_STATES
from tests.guarantees.rest import is_going
from tests.simulation.guards.guards import Guards, Violation
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.world import elapsed

SETTLING = 60.0
"""Seconds that an ended run goes on, for what must not happen any more."""
STANDSTILL = 600.0
"""Seconds without a change of any Task after which one that names a human decision is taken to wait for it."""
_QUIET = ("events", "leases")


class Rest:
    """Watches the Tasks."""

    def __init__(self, server: ApiServer, guards: Guards) -> None:
        self._server = server
        self._guards = guards
        self._changed_at = 0.0
        server.observers.append(self._see)

    async def reached(self, over_at: float, patience: float) -> None:
        """Return when everything is at rest. Raises Violation ``patience`` seconds after the last mishap."""
        began = max(elapsed(), over_at)
        while True:
            await asyncio.sleep(self._pause())
            if elapsed() < over_at:
                continue
            quiet = elapsed() - self._changed_at
            tasks = self._server.all("tasks")
            if all(map(_has_ended, tasks)) and quiet >= SETTLING:
                return
            if quiet >= STANDSTILL + self._guards.clock_error and all(map(self._rests, tasks)):
                return
            if elapsed() > began + patience + self._guards.clock_error:
                raise Violation("ends-or-names-a-human", _report(tasks), elapsed())

    def _rests(self, task: Obj) -> bool:
        """Ended, or waiting for a human, or for one that does: whether that is well is for the guards to say."""
        waits_for_slot = "slot" in str((task.get("status") or {}).get("message"))
        return _has_ended(task) or is_going(task) or waits_for_slot or self._guards.waits_for_human(task)

    def _pause(self) -> float:
        """The longer nothing happens, the longer until the next look."""
        return min(30.0, max(2.0, (elapsed() - self._changed_at) / 4))

    def _see(self, change: Change) -> None:
        if change.resource not in _QUIET:
            self._changed_at = elapsed()


def _has_ended(task: Obj) -> bool:
    ended = (task.get("status") or {}).get("state") in TERMINAL_TASK_STATES
    return ended and not task["metadata"].get("deletionTimestamp")


def _report(tasks: list[Obj]) -> str:
    said = []
    for task in tasks:
        status = task.get("status") or {}
        if not _has_ended(task):
            said.append(f"{task['metadata']['name']}: {status.get('state')}: {status.get('message')}")
    return "neither ended nor waiting for a human: " + "; ".join(said)
