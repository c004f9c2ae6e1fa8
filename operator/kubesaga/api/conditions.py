"""What a Task's state means in the conditions that Kubernetes tools read.

After kstatus: a running object is Reconciling, a failed one Stalled, a good one Ready. Finished becomes True at every
end, so that ``kubectl wait --for=condition=Finished`` never hangs. Called when a status is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from kubesaga.api.constants import FINISHED, NEEDS_ATTENTION, READY, RECONCILING, STALLED, SUCCEEDED
from kubesaga.engine.records import TaskStatus
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import TaskState

_MESSAGE_LIMIT = 1024


def find(listed: Iterable[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """The condition of this type, if it is there."""
    return next((condition for condition in listed if condition["type"] == type_), None)


def condition(
    type_: str,
    status: bool | None,
    reason: str,
    message: str,
    before: Iterable[Mapping[str, Any]],
    generation: int,
    now: float,
) -> dict[str, Any]:
    """One condition; it keeps its lastTransitionTime while its status stays. ``status`` None = Unknown."""
    word = "Unknown" if status is None else str(status)
    last = find(before, type_)
    changed = last is None or last["status"] != word
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": type_,
        "status": word,
        "reason": reason,
        "message": message[:_MESSAGE_LIMIT],
        "observedGeneration": generation,
        "lastTransitionTime": stamp if changed or last is None else last["lastTransitionTime"],
    }


def conditions(
    status: TaskStatus, before: Iterable[Mapping[str, Any]], generation: int, now: float
) -> list[dict[str, Any]]:
    """All of a Task's conditions. The messages stand in ``status.message``; only what needs a human repeats its own."""
    ended = status.state in TERMINAL_TASK_STATES
    good = status.state in (TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY)
    attention = status.attention
    reason = str(status.outcome or status.reason or status.state)
    listed = list(before)

    def made(type_: str, value: bool | None, why: str = reason, message: str = "") -> dict[str, Any]:
        return condition(type_, value, why, message, listed, generation, now)

    return [
        made(READY, good),
        made(SUCCEEDED, good if ended else None),
        made(FINISHED, ended),
        made(RECONCILING, not ended and attention is None),
        made(STALLED, (ended and not good) or attention is not None),
        made(
            NEEDS_ATTENTION,
            attention is not None,
            attention.reason if attention else "NothingToDo",
            attention.message if attention else "",
        ),
    ]
