"""Both state machines as tables: which event may move what from where to where.

The only place that says so. ``Draft`` checks each transition against them while it decides, the property tests
walk them, and the docs' diagrams are drawn from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from kubesaga.engine.vocabulary import StepEvent, StepState, TaskEvent, TaskState


class IllegalTransition(AssertionError):
    """A policy asked for a transition that the tables do not have: a bug in the engine, never a user's fault."""


_Event = TypeVar("_Event", bound=StrEnum)
_State = TypeVar("_State", bound=StrEnum)


def _rows(*rows: tuple[_Event, Iterable[_State], Iterable[_State]]) -> dict[_Event, dict[_State, frozenset[_State]]]:
    table: dict[_Event, dict[_State, frozenset[_State]]] = {}
    for event, sources, targets in rows:
        for source in sources:
            before = table.setdefault(event, {}).get(source, frozenset())
            table[event][source] = before | frozenset(targets)
    return table


_T = TaskState
TERMINAL_TASK_STATES = frozenset({_T.COMPLETE, _T.ERROR, _T.CANCELLED, _T.RESOLVED_MANUALLY})
LIVE_TASK_STATES = frozenset(TaskState) - TERMINAL_TASK_STATES - {_T.COMPENSATING}
_EVALUATING = (_T.INITIALIZING, _T.EVALUATING_RESULTS)

TASK_TRANSITIONS: Mapping[TaskEvent, Mapping[TaskState, frozenset[TaskState]]] = _rows(
    (TaskEvent.START, [_T.PENDING], [_T.INITIALIZING]),
    (TaskEvent.INVALID_REQUEST, [_T.INITIALIZING], [_T.ERROR]),
    (TaskEvent.DUPLICATE, [_T.INITIALIZING], [_T.ERROR]),
    (TaskEvent.STEPS_READY, _EVALUATING, [_T.ENQUEUING_STEPS]),
    (TaskEvent.STEPS_ENQUEUED, [_T.ENQUEUING_STEPS], [_T.STEPS_IN_PROCESS, _T.WAITING_FOR_DEPENDENCIES]),
    (TaskEvent.STEP_FINISHED, [_T.STEPS_IN_PROCESS], [_T.EVALUATING_RESULTS]),
    (TaskEvent.STILL_RUNNING, [_T.EVALUATING_RESULTS], [_T.STEPS_IN_PROCESS]),
    (
        TaskEvent.WOKEN,
        [_T.STEPS_IN_PROCESS, _T.WAITING_FOR_DEPENDENCIES, _T.WAITING_FOR_RETRY, _T.BLOCKED_BY_FAILURES],
        [_T.EVALUATING_RESULTS],
    ),
    (TaskEvent.NOTHING_READY, _EVALUATING, [_T.WAITING_FOR_DEPENDENCIES]),
    (TaskEvent.RETRY_SCHEDULED, [_T.EVALUATING_RESULTS], [_T.WAITING_FOR_RETRY]),
    (TaskEvent.RETRY_DUE, [_T.WAITING_FOR_RETRY], [_T.ENQUEUING_STEPS]),
    (TaskEvent.PERMANENT_FAILURE, _EVALUATING, [_T.BLOCKED_BY_FAILURES]),
    (TaskEvent.GIVE_UP, [_T.BLOCKED_BY_FAILURES], [_T.ERROR, _T.COMPENSATING]),
    (TaskEvent.ALL_STEPS_DONE, _EVALUATING, [_T.COMPLETE]),
    (TaskEvent.DEADLINE_EXCEEDED, LIVE_TASK_STATES, [_T.ERROR, _T.COMPENSATING]),
    (TaskEvent.CANCEL, LIVE_TASK_STATES, [_T.CANCELLED, _T.COMPENSATING]),
    (TaskEvent.RESOLVE, [*LIVE_TASK_STATES, _T.ERROR], [_T.RESOLVED_MANUALLY]),
    (TaskEvent.REOPEN, [_T.ERROR, _T.CANCELLED], [_T.EVALUATING_RESULTS]),
    (TaskEvent.COMPENSATE_REQUESTED, TERMINAL_TASK_STATES, [_T.COMPENSATING]),
    (TaskEvent.COMPENSATION_DONE, [_T.COMPENSATING], [_T.ERROR, _T.CANCELLED]),
    (TaskEvent.ABANDONED, [_T.COMPENSATING], [_T.ERROR, _T.CANCELLED]),
)

_S = StepState
LIVE_STEP_STATES = frozenset({_S.ENQUEUED, _S.IN_PROGRESS})
FINAL_STEP_STATES = frozenset({_S.COMPLETE, _S.ERROR, _S.CANCELLED, _S.RESOLVED_MANUALLY})
_ALL = frozenset(StepState)

STEP_TRANSITIONS: Mapping[StepEvent, Mapping[StepState, frozenset[StepState]]] = _rows(
    (StepEvent.ENQUEUE, [_S.PENDING], [_S.ENQUEUED]),
    (StepEvent.START, [_S.ENQUEUED], [_S.IN_PROGRESS]),
    (StepEvent.SUCCEEDED, [_S.IN_PROGRESS], [_S.ENQUEUED_FOR_ORCHESTRATION]),
    (StepEvent.FAILED, LIVE_STEP_STATES, [_S.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION]),
    (StepEvent.ACCEPT, [_S.ENQUEUED_FOR_ORCHESTRATION], [_S.COMPLETE]),
    (StepEvent.REFUSE, [_S.ENQUEUED_FOR_ORCHESTRATION], [_S.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION]),
    (StepEvent.SCHEDULE_RETRY, [_S.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION], [_S.WAITING_FOR_RETRY]),
    (StepEvent.RETRY_DUE, [_S.WAITING_FOR_RETRY], [_S.PENDING]),
    (
        StepEvent.FAIL,
        [_S.PENDING, _S.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION, _S.WAITING_FOR_RETRY],
        [_S.ERROR],
    ),
    (StepEvent.SKIP, [_S.PENDING, _S.WAITING_FOR_RETRY, _S.ERROR], [_S.COMPLETE]),
    (StepEvent.RESET, [_S.ERROR], [_S.PENDING]),
    (StepEvent.REOPEN, [_S.CANCELLED], [_S.PENDING]),
    (StepEvent.REARM, FINAL_STEP_STATES, [_S.PENDING]),
    (StepEvent.CANCEL, _ALL - {_S.COMPLETE, _S.RESOLVED_MANUALLY, _S.CANCELLED}, [_S.CANCELLED]),
    (
        StepEvent.COMPLETE_MANUALLY,
        _ALL - {_S.COMPLETE, _S.CANCELLED, _S.RESOLVED_MANUALLY},
        [_S.COMPLETE],
    ),
    (
        StepEvent.RESOLVE_MANUALLY,
        _ALL - {_S.COMPLETE, _S.CANCELLED, _S.RESOLVED_MANUALLY},
        [_S.RESOLVED_MANUALLY],
    ),
)


def check_task(event: TaskEvent, source: TaskState, target: TaskState) -> None:
    """Raise IllegalTransition unless the table has it."""
    if target not in TASK_TRANSITIONS[event].get(source, ()):
        raise IllegalTransition(f"Task: {event} does not lead from {source} to {target}")


def check_step(event: StepEvent, source: StepState, target: StepState) -> None:
    """Raise IllegalTransition unless the table has it."""
    if target not in STEP_TRANSITIONS[event].get(source, ()):
        raise IllegalTransition(f"step: {event} does not lead from {source} to {target}")
