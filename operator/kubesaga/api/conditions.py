"""What a Task's state means in the conditions that Kubernetes tools read.

After kstatus: a running object is Reconciling, a failed one Stalled, a good one Ready. Finished becomes True at every
end, so that ``kubectl wait --for=condition=Finished`` never hangs. Called when a status is written; the two facts that
stand nowhere else (why a Pending Task waits, what a human has to do) are read back from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from kubesaga.api.constants import (
    FINALLY_FAILED,
    FINISHED,
    NEEDS_ATTENTION,
    READY,
    RECONCILING,
    STALE,
    STALLED,
    SUCCEEDED,
    SUSPENDED,
)
from kubesaga.api.times import rfc3339
from kubesaga.engine.records import Attention, TaskStatus
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import TaskState

_MESSAGE_LIMIT = 4096
_GOOD = frozenset({TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY})
# Where a suspended Task waits for nothing else; in other states its Jobs run on, or its failure is what counts.
_WAITING = frozenset({TaskState.WAITING_FOR_DEPENDENCIES, TaskState.WAITING_FOR_RETRY})


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
    """All of a Task's conditions, always the same types in the same order.

    The messages stand in ``status.message``; only what is not told by the state has its own.
    """
    ended = status.state in TERMINAL_TASK_STATES
    good = status.state in _GOOD
    attention = status.attention
    suspended = status.suspended_since is not None and not ended
    held = suspended and status.state in _WAITING
    reason = str(status.outcome or status.reason or status.state)
    listed = list(before)

    def made(type_: str, value: bool | None, why: str = reason, message: str = "") -> dict[str, Any]:
        return condition(type_, value, why, message, listed, generation, now)

    def flag(type_: str, value: bool, message: str) -> dict[str, Any]:
        return made(type_, value, type_ if value else f"Not{type_}", message if value else "")

    return [
        made(READY, good),
        made(SUCCEEDED, good if ended else None),
        made(FINISHED, ended),
        made(RECONCILING, not ended and attention is None, SUSPENDED if held else reason),
        made(STALLED, (ended and not good) or attention is not None),
        made(
            NEEDS_ATTENTION,
            attention is not None,
            attention.reason if attention else "NothingToDo",
            attention.message if attention else "",
        ),
        flag(SUSPENDED, suspended, "nothing is started until spec.desiredState is Running, here and in every parent"),
        flag(STALE, status.stale, _staleness(status)),
        flag(
            FINALLY_FAILED,
            status.finally_failed,
            "a step of finally failed, which leaves the outcome as it is: its error stands in status.steps",
        ),
    ]


def read_reason(listed: Iterable[Mapping[str, Any]]) -> str | None:
    """Why a Pending Task waits; None where it says nothing but that it is Pending."""
    ready = find(listed, READY)
    return None if ready is None or ready["reason"] == TaskState.PENDING else ready["reason"]


def read_attention(listed: Iterable[Mapping[str, Any]]) -> Attention | None:
    """What a human has to do, if anything."""
    found = find(listed, NEEDS_ATTENTION)
    return Attention(found["reason"], found["message"]) if found and found["status"] == "True" else None


def _staleness(status: TaskStatus) -> str:
    since = f" since {rfc3339(status.state_since)}" if status.state_since is not None else ""
    return f"{status.state}{since}, or in all, longer than the template's lifecycle allows"
