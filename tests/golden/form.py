"""What became of a Task, step by step, in a form that is the same for every run: what golden files hold.

The form is that of the test kit (``kubesaga_sdk.testing.histories``), in YAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kubesaga.engine.vocabulary import Role, StepEvent
from kubesaga_sdk.testing import histories

Manifest = dict[str, Any]

_OVER = frozenset(
    {
        StepEvent.ACCEPT,
        StepEvent.FAIL,
        StepEvent.SKIP,
        StepEvent.CANCEL,
        StepEvent.COMPLETE_MANUALLY,
        StepEvent.RESOLVE_MANUALLY,
    }
)


@dataclass(frozen=True)
class Move:
    """One event; ``step`` is None for the Task itself."""

    event: str
    step: str | None = None
    role: Role = Role.FORWARD


def wire_moves(task: Manifest) -> list[Move]:
    """The moves that a Task's status records."""
    return [
        Move(event, each.get("step"), Role(each.get("role", Role.FORWARD)))
        for each in task["status"]["transitions"]
        for event in each["events"]
    ]


def history(state: str, outcome: str, outcomes: Mapping[str, str | None], moves: Iterable[Move]) -> dict[str, Any]:
    """The Task's end, its turning points, and of every step that moved its outcome and its events."""
    return histories.history(state, outcome, outcomes, [(str(m.event), m.step, m.role.value) for m in moves])


def written(found: Mapping[str, Any]) -> str:
    """As a golden file."""
    return yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=110)


def assert_order(moves: Iterable[Move], template: Manifest) -> None:
    """No step started before those it waits for were over, and none was undone before those that waited for it."""
    listed = list(moves)
    for spec in template["spec"]["steps"]:
        for parent in (*spec.get("dependsOn", ()), *spec.get("runAfter", ())):
            _assert_after(listed, spec["name"], parent, Role.FORWARD)
            _assert_after(listed, parent, spec["name"], Role.COMPENSATION)


def _assert_after(moves: list[Move], later: str, earlier: str, role: Role) -> None:
    starts = [i for i, move in enumerate(moves) if move == Move(StepEvent.ENQUEUE, later, role)]
    ends = [i for i, m in enumerate(moves) if (m.step, m.role) == (earlier, role) and m.event in _OVER]
    if starts and ends:
        assert min(starts) > min(ends), f"{later} ({role}) started before {earlier} was over"
