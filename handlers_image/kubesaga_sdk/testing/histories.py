"""What became of a Task in a form that is the same for every run: what golden files hold.

Times, names with hashes and the grouping of moves into decisions are left out, and so are the Task's moves between its
waiting states: which of two parallel steps ends first is nobody's promise. What is left is how each step and each
undoing went, and the Task's turning points. Made by ``TemplateRun.history``; the histories of Kubesaga's own examples
have the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Move = tuple[str, str | None, str]
"""An event, its step (None: the Task's own), and its role."""

TURNING_POINTS = frozenset(
    {
        "Start",
        "InvalidRequest",
        "Duplicate",
        "PermanentFailure",
        "GiveUp",
        "AllStepsDone",
        "DeadlineExceeded",
        "Cancel",
        "Resolve",
        "Reopen",
        "CompensateRequested",
        "CompensationDone",
        "Abandoned",
    }
)
ROLES = ("forward", "compensation")


def of_task(task: Mapping[str, Any], moves: Iterable[Move]) -> dict[str, Any]:
    """The history of a Task object whose moves these are."""
    status = task["status"]
    outcomes = {step["name"]: step.get("outcome") for step in status.get("steps") or ()}
    return history(status["state"], status.get("outcome"), outcomes, moves)


def history(
    state: str, outcome: str | None, outcomes: Mapping[str, str | None], moves: Iterable[Move]
) -> dict[str, Any]:
    """The Task's end, its turning points, and of every step that moved its outcome and its events."""
    listed = list(moves)
    steps: dict[str, dict[str, Any]] = {}
    for name, end in outcomes.items():
        told = {role: [event for event, step, as_ in listed if (step, as_) == (name, role)] for role in ROLES}
        if any(told.values()):
            steps[name] = {"outcome": end, **{role: events for role, events in told.items() if events}}
    return {
        "state": state,
        "outcome": outcome,
        "events": [event for event, step, _ in listed if step is None and event in TURNING_POINTS],
        "steps": steps,
    }
