"""What a run has come to see of the state machines: counted, so that a sowing that goes barren is noticed.

``simulation`` makes one for each run; the test of the seeds asks that everything reachable was seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from kubesaga.api import constants as c
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Change

OPERATOR = "operator-"
_OF_LEADERS = (c.TASK_PLURAL, "jobs")


class Sightings:
    """``seen`` counts words as ``Task event Cancel``, ``step state Error``, ``outcome Compensated``.

    ``is_leader(user)`` tells whether this operator holds the Lease.
    """

    def __init__(self, server: ApiServer, is_leader: Callable[[str], bool]) -> None:
        self.seen: Counter[str] = Counter()
        self._is_leader = is_leader
        server.observers.append(self._see)

    def _see(self, change: Change) -> None:
        if change.resource in _OF_LEADERS and change.user.startswith(OPERATOR) and not self._is_leader(change.user):
            self.seen[f"{change.resource} {change.type} by a leader of the past"] += 1
        if change.resource == c.TASK_PLURAL and change.type != "DELETED":
            before = (change.before or {}).get("status") or {}
            after = change.after.get("status") or {}
            if after is not before:
                self._see_status(before, after)
        elif change.resource == c.ACTION_PLURAL:
            status = change.after.get("status") or {}
            if status.get("phase") and not ((change.before or {}).get("status") or {}).get("phase"):
                self.seen[f"action {change.after['spec']['type']} {status['phase']}"] += 1

    def _see_status(self, before: Obj, after: Obj) -> None:
        if after.get("state") != before.get("state"):
            self.seen[f"Task state {after['state']}"] += 1
        if after.get("outcome") and after.get("outcome") != before.get("outcome"):
            self.seen[f"Task outcome {after['outcome']}"] += 1
        if (after.get("ending") or {}).get("trigger") != (before.get("ending") or {}).get("trigger"):
            self.seen[f"Task ending {(after.get('ending') or {}).get('trigger')}"] += 1
        self._see_reasons(before, after)
        self._see_moves(before.get("transitions") or [], after.get("transitions") or [])

    def _see_reasons(self, before: Obj, after: Obj) -> None:
        known = {each["type"]: each for each in before.get("conditions") or ()}
        for condition in after.get("conditions") or ():
            last = known.get(condition["type"], {})
            if condition["status"] == "True" and condition["reason"] != last.get("reason"):
                self.seen[f"{condition['type']} {condition['reason']}"] += 1

    def _see_moves(self, before: list[Obj], after: list[Obj]) -> None:
        for move in after[len(before) :]:
            who = "Task" if "step" not in move else "undoing" if move.get("role") == "compensation" else "step"
            if who != "Task":
                self.seen[f"{who} state {move['to']}"] += 1
            for event in move["events"]:
                self.seen[f"{who} event {event}"] += 1
