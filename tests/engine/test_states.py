"""The tables against the contract: what may never happen is nowhere in them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from kubesaga.engine.states import (
    FINAL_STEP_STATES,
    LIVE_TASK_STATES,
    STEP_TRANSITIONS,
    TASK_TRANSITIONS,
    TERMINAL_TASK_STATES,
    IllegalTransition,
    check_step,
    check_task,
)
from kubesaga.engine.vocabulary import StepEvent, StepState, TaskEvent, TaskState


def test_a_task_has_taskers_twelve_states_and_compensating() -> None:
    assert len(TaskState) == 13
    assert len(TERMINAL_TASK_STATES) == 4
    assert len(LIVE_TASK_STATES) == 8


def test_a_step_has_taskers_ten_states() -> None:
    assert len(StepState) == 10


def test_every_event_of_the_vocabulary_has_a_row() -> None:
    assert set(TASK_TRANSITIONS) == set(TaskEvent)
    assert set(STEP_TRANSITIONS) == set(StepEvent)


def test_a_terminal_task_moves_only_by_reopen_resolve_or_compensate_requested() -> None:
    leaving = {event for event, rows in TASK_TRANSITIONS.items() if TERMINAL_TASK_STATES & set(rows)}
    assert leaving == {TaskEvent.REOPEN, TaskEvent.RESOLVE, TaskEvent.COMPENSATE_REQUESTED}


def test_a_completed_or_resolved_step_moves_only_when_finally_is_rearmed() -> None:
    done = {StepState.COMPLETE, StepState.RESOLVED_MANUALLY}
    assert {event for event, rows in STEP_TRANSITIONS.items() if done & set(rows)} == {StepEvent.REARM}
    assert done < FINAL_STEP_STATES


def reachable(transitions: Mapping[Any, Mapping[Any, frozenset[Any]]], start: StrEnum) -> set[Any]:
    reached: set[Any] = {start}
    while True:
        targets = {t for rows in transitions.values() for s in reached & set(rows) for t in rows[s]}
        if targets <= reached:
            return reached
        reached |= targets


def test_every_state_can_be_reached_from_pending() -> None:
    assert reachable(TASK_TRANSITIONS, TaskState.PENDING) == set(TaskState)
    assert reachable(STEP_TRANSITIONS, StepState.PENDING) == set(StepState)


def test_what_the_table_lacks_is_refused() -> None:
    with pytest.raises(IllegalTransition, match="Start does not lead from Complete to InProgress"):
        check_step(StepEvent.START, StepState.COMPLETE, StepState.IN_PROGRESS)
    with pytest.raises(IllegalTransition, match="GiveUp does not lead from Complete to Error"):
        check_task(TaskEvent.GIVE_UP, TaskState.COMPLETE, TaskState.ERROR)
