"""A Task's recorded transitions as a trace: what started, ended, failed and was tried again.

In the form of TaskChain's execution context, made from ``status.transitions`` alone (Kubernetes' Events are lost within
the hour). Called for a step's input by ``kubesaga.api.contract`` and by the SDK's runners, and for the export by
``kubesaga.api.execution_context``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from kubesaga.engine.vocabulary import Role, StepEvent, StepState, TaskEvent, TaskState

Wire = dict[str, Any]

TASK_SOURCE = "Task"
"""The source of what happened to the Task itself; no step has a capital letter in its name."""


class Level(StrEnum):
    """How bad it is, in logging's words."""

    INFO = "INFO"
    ERROR = "ERROR"


class Kind(StrEnum):
    """What an entry tells of."""

    START = "start"
    END = "end"
    ERROR = "error"
    RETRY = "retry"


_GOOD_STEP = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})
_STEP_FAILURES = frozenset({StepEvent.FAILED, StepEvent.REFUSE, StepEvent.FAIL})
_STEP_REPEATS = frozenset({StepEvent.RETRY_DUE, StepEvent.RESET, StepEvent.REOPEN, StepEvent.REARM})

_GOOD_TASK = frozenset({TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY, TaskState.CANCELLED})
_TASK_FAILURES = frozenset(
    {
        TaskEvent.INVALID_REQUEST,
        TaskEvent.DUPLICATE,
        TaskEvent.PERMANENT_FAILURE,
        TaskEvent.GIVE_UP,
        TaskEvent.DEADLINE_EXCEEDED,
    }
)
_TASK_STARTS = frozenset({TaskEvent.START, TaskEvent.CANCEL, TaskEvent.COMPENSATE_REQUESTED})


def trace(transitions: Iterable[Mapping[str, Any]]) -> list[Wire]:
    """``{timestamp, level, source, kind, message}`` for each entry of a history that tells one of the four kinds.

    ``source`` is a step's name, with ``.compensation`` behind it where it was undone, or ``Task``. A Task's moves from
    one working state to another are left out: its steps' entries tell them.
    """
    entries = ((transition, _kind(transition)) for transition in transitions)
    return [_entry(transition, kind) for transition, kind in entries if kind is not None]


def _entry(transition: Mapping[str, Any], kind: Kind) -> Wire:
    return {
        "timestamp": transition["at"],
        "level": Level.ERROR if kind is Kind.ERROR else Level.INFO,
        "source": _source(transition),
        "kind": kind,
        "message": _message(transition),
    }


def _source(transition: Mapping[str, Any]) -> str:
    step = transition.get("step")
    if step is None:
        return TASK_SOURCE
    return f"{step}.compensation" if transition.get("role") == Role.COMPENSATION else str(step)


def _kind(transition: Mapping[str, Any]) -> Kind | None:
    events = frozenset(transition["events"])
    if transition.get("step") is None:
        return _task_kind(events, transition["to"])
    return _step_kind(events, transition["to"])


def _step_kind(events: frozenset[str], target: str) -> Kind:
    if target in _GOOD_STEP:
        return Kind.END
    if events & _STEP_FAILURES:
        return Kind.ERROR
    if target == StepState.CANCELLED:
        return Kind.END
    return Kind.RETRY if events & _STEP_REPEATS else Kind.START


def _task_kind(events: frozenset[str], target: str) -> Kind | None:
    if target == TaskState.ERROR or events & _TASK_FAILURES:
        return Kind.ERROR
    if target in _GOOD_TASK:
        return Kind.END
    if TaskEvent.REOPEN in events:
        return Kind.RETRY
    return Kind.START if events & _TASK_STARTS else None


def _message(transition: Mapping[str, Any]) -> str:
    """Such as ``InProgress → WaitingForRetry (attempt 1; Failed, ScheduleRetry): Timeout: after 10 s``."""
    attempt = f"attempt {transition['attempt']}; " if transition.get("attempt") else ""
    walked = f"{transition['from']} → {transition['to']} ({attempt}{', '.join(transition['events'])})"
    message = transition.get("message")
    return f"{walked}: {message}" if message else walked
