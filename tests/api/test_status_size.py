"""The largest Tasks that the bounds allow stay far below what etcd takes for one object."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kubesaga.api.history import spill
from kubesaga.api.status import write_status
from kubesaga.engine.identity import attempt_name, result_name
from kubesaga.engine.records import (
    Ending,
    PinnedTemplate,
    PlannedCompensation,
    ResultRef,
    Saga,
    StepError,
    StepRecord,
    TaskStatus,
    Transition,
)
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    StepEvent,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)

STEPS = 500
INLINE_RESULT = "r" * 4094  # 4 KiB of JSON
INLINE_RESULTS = 32  # 128 KiB
NOW = 1_795_000_000.123456
TASK, UID = "t" * 63, "0f6b8d0e-3f6c-4b6a-9d0c-2f1f2d5c9a77"
SHA256 = "ab" * 32
NAMES = [f"step_{i:03}_" + "x" * 31 for i in range(STEPS)]


def record(i: int, role: Role, **more: Any) -> StepRecord:
    job = attempt_name(TASK, UID, NAMES[i], role, 3)
    return StepRecord(
        name=NAMES[i],
        state=StepState.COMPLETE,
        outcome=StepOutcome.SUCCEEDED,
        attempt=3,
        retry_base=1,
        job_name=job,
        first_enqueued_at=NOW + i,
        enqueued_at=NOW + i + 5,
        started_at=NOW + i + 6,
        finished_at=NOW + i + 60,
        outcome_unknown=True,
        **more,
    )


def result(i: int) -> Any:
    if i < INLINE_RESULTS:
        return INLINE_RESULT
    return ResultRef(result_name(attempt_name(TASK, UID, NAMES[i], Role.FORWARD, 3), SHA256), SHA256, 4096)


def moves(role: Role, event: StepEvent, message: str | None = None) -> list[Transition]:
    return [
        Transition(NOW + i, event, StepState.IN_PROGRESS, StepState.COMPLETE, name, role, 3, message)
        for i, name in enumerate(NAMES)
    ]


def kibibytes(status: TaskStatus, *passes: list[Transition]) -> float:
    wire: dict[str, Any] = {}
    for transitions in passes:
        base, _ = spill(wire, transitions)
        wire = write_status(status, base, transitions, 1, NOW)
    return len(json.dumps(wire, separators=(",", ":"))) / 1024


def completed() -> TaskStatus:
    return TaskStatus(
        state=TaskState.COMPLETE,
        state_since=NOW,
        outcome=TaskOutcome.SUCCEEDED,
        result=ResultRef(result_name(TASK, SHA256), SHA256, 4096 * STEPS),
        template=PinnedTemplate("n" * 63, "1.0.0", "r" * 74),
        request_hash="ab" * 32,
        run=1,
        started_at=NOW,
        run_started_at=NOW,
        finished_at=NOW,
        ending=Ending(EndingTrigger.SUCCEEDED, NOW, EndingPhase.DONE, TaskOutcome.SUCCEEDED),
        steps=tuple(record(i, Role.FORWARD, result=result(i)) for i in range(STEPS)),
    )


def compensated() -> TaskStatus:
    steps = tuple(
        record(i, Role.FORWARD, result=result(i), compensation=record(i, Role.COMPENSATION)) for i in range(STEPS)
    )
    plan = tuple(PlannedCompensation(name, (NAMES[i - 1],) if i else ()) for i, name in enumerate(NAMES))
    return TaskStatus(
        state=TaskState.ERROR, outcome=TaskOutcome.COMPENSATED, steps=steps, saga=Saga(EndingTrigger.FAILED, plan)
    )


def failed() -> TaskStatus:
    """Every step failed at length, and so did every compensation, until a human abandoned them."""
    error = StepError("x" * 60, "m" * 1000, "c" * 60, types=("x" * 60,) * 10, exit_code=137, outcome_unknown=True)

    def broken(i: int, role: Role) -> StepRecord:
        return replace(record(i, role), state=StepState.ERROR, outcome=StepOutcome.FAILED, error=error)

    status = compensated()
    assert status.saga
    return replace(
        status,
        steps=tuple(replace(broken(i, Role.FORWARD), compensation=broken(i, Role.COMPENSATION)) for i in range(STEPS)),
        saga=replace(status.saga, abandoned=tuple(NAMES)),
    )


def as_many_moves_as_there_can_be(message: str | None) -> list[list[Transition]]:
    """A history just too short to leave the status, and a decision that moves everything."""
    everything = moves(Role.FORWARD, StepEvent.FAILED, message) + moves(Role.COMPENSATION, StepEvent.FAILED, message)
    return [everything[:127], everything]


def as_many_moves_as_are_kept(message: str | None) -> list[list[Transition]]:
    return [moves(Role.FORWARD, StepEvent.FAILED, message)[:256]]


HISTORIES = [as_many_moves_as_are_kept, as_many_moves_as_there_can_be]


def test_500_steps_with_results_of_4_kib_keep_the_status_below_512_kib() -> None:
    assert kibibytes(completed(), *as_many_moves_as_are_kept("m" * 1000)) < 512


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("make", [completed, compensated, failed])
def test_500_steps_and_500_compensations_stay_below_1_mib(
    make: Callable[[], TaskStatus], history: Callable[[str], list[list[Transition]]]
) -> None:
    assert kibibytes(make(), *history("m" * 1000)) < 1024
