"""Transitions read as a trace: what started, ended, failed and was tried again."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.status import write_status
from kubesaga.engine.plan import Compensation, Plan, Step
from kubesaga.engine.states import STEP_TRANSITIONS, TASK_TRANSITIONS
from kubesaga.engine.trace import trace
from kubesaga.engine.vocabulary import FailureStrategy
from tests.engine.world import World, fails, scripted

AT = "2026-11-20T12:00:00.000000Z"


def transition(source: str, target: str, *events: str, **more: Any) -> dict[str, Any]:
    return {"at": AT, "from": source, "to": target, "events": list(events), **more}


def step(source: str, target: str, *events: str, **more: Any) -> dict[str, Any]:
    return transition(source, target, *events, step="charge", attempt=1, **more)


def told(entry: dict[str, Any]) -> tuple[str, str] | None:
    """Kind and level of the trace's entry, None where it has none."""
    found = trace([entry])
    return (found[0]["kind"], found[0]["level"]) if found else None


@pytest.mark.parametrize(
    ("entry", "kind", "level"),
    [
        (step("Pending", "Enqueued", "Enqueue"), "start", "INFO"),
        (step("Enqueued", "InProgress", "Start"), "start", "INFO"),
        (step("Enqueued", "Complete", "Start", "Succeeded", "Accept"), "end", "INFO"),
        (step("Pending", "Complete", "Skip"), "end", "INFO"),
        (step("Error", "Complete", "CompleteManually"), "end", "INFO"),
        (step("InProgress", "ResolvedManually", "ResolveManually"), "end", "INFO"),
        (step("Pending", "Cancelled", "Cancel"), "end", "INFO"),
        (step("InProgress", "WaitingForRetry", "Failed", "ScheduleRetry"), "error", "ERROR"),
        (step("InProgress", "Error", "Failed", "Fail"), "error", "ERROR"),
        (step("InProgress", "Error", "Succeeded", "Refuse", "Fail"), "error", "ERROR"),
        (step("Pending", "Error", "Fail"), "error", "ERROR"),
        (step("InProgress", "Cancelled", "Failed", "Cancel"), "error", "ERROR"),
        (step("WaitingForRetry", "Enqueued", "RetryDue", "Enqueue"), "retry", "INFO"),
        (step("Error", "Enqueued", "Reset", "Enqueue"), "retry", "INFO"),
        (step("Cancelled", "Pending", "Reopen"), "retry", "INFO"),
        (step("Complete", "Pending", "Rearm"), "retry", "INFO"),
    ],
)
def test_a_steps_move_is_one_entry_of_the_kind_that_matters_most(entry: dict[str, Any], kind: str, level: str) -> None:
    assert told(entry) == (kind, level)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (transition("Pending", "StepsInProcess", "Start", "StepsReady", "StepsEnqueued"), ("start", "INFO")),
        (transition("StepsInProcess", "Complete", "StepFinished", "AllStepsDone"), ("end", "INFO")),
        (transition("EvaluatingResults", "Cancelled", "Cancel"), ("end", "INFO")),
        (transition("Error", "ResolvedManually", "Resolve"), ("end", "INFO")),
        (transition("Pending", "Error", "Start", "InvalidRequest"), ("error", "ERROR")),
        (transition("EvaluatingResults", "BlockedByFailures", "PermanentFailure"), ("error", "ERROR")),
        (transition("BlockedByFailures", "Compensating", "GiveUp"), ("error", "ERROR")),
        (transition("StepsInProcess", "Compensating", "DeadlineExceeded"), ("error", "ERROR")),
        (transition("StepsInProcess", "Compensating", "Cancel"), ("start", "INFO")),
        (transition("Complete", "Compensating", "CompensateRequested"), ("start", "INFO")),
        (transition("Compensating", "Error", "CompensationDone"), ("error", "ERROR")),
        (transition("Error", "StepsInProcess", "Reopen", "StepsReady", "StepsEnqueued"), ("retry", "INFO")),
        (transition("StepsInProcess", "WaitingForRetry", "StepFinished", "RetryScheduled"), None),
        (transition("WaitingForRetry", "StepsInProcess", "RetryDue", "StepsEnqueued"), None),
        (transition("StepsInProcess", "StepsInProcess", "StepFinished", "StillRunning"), None),
    ],
)
def test_a_tasks_move_is_told_where_its_steps_do_not_tell_it(
    entry: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    assert told(entry) == expected


@pytest.mark.parametrize("table", [STEP_TRANSITIONS, TASK_TRANSITIONS])
def test_every_transition_of_the_tables_can_be_read(table: Any) -> None:
    more = {"step": "charge"} if table is STEP_TRANSITIONS else {}
    for event, sources in table.items():
        for source, targets in sources.items():
            for target in targets:
                assert told(transition(source, target, event, **more)) is not None or not more


def test_an_entry_says_when_of_what_and_what_happened() -> None:
    entry = step("InProgress", "WaitingForRetry", "Failed", "ScheduleRetry", message="Timeout: after 10 s")
    assert trace([entry]) == [
        {
            "timestamp": AT,
            "level": "ERROR",
            "source": "charge",
            "kind": "error",
            "message": "InProgress → WaitingForRetry (attempt 1; Failed, ScheduleRetry): Timeout: after 10 s",
        }
    ]


def test_the_source_tells_a_task_from_a_step_and_a_step_from_its_undoing() -> None:
    entries = [
        transition("Pending", "Initializing", "Start"),
        step("Pending", "Enqueued", "Enqueue"),
        step("Pending", "Enqueued", "Enqueue", role="compensation"),
    ]
    assert [entry["source"] for entry in trace(entries)] == ["Task", "charge", "charge.compensation"]


def test_a_task_from_start_to_end_is_told_in_order() -> None:
    steps = (Step("a", compensation=Compensation()), Step("b", depends_on=("a",)))
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    world = World(plan, scripted({("a", 1): fails(retryable=True), "b": fails()})).run()
    wire: dict[str, Any] = {}
    for decision in world.decisions:
        wire = write_status(decision.status, wire, decision.transitions, 1, world.now)
    kinds = [(entry["source"], entry["kind"]) for entry in trace(wire["transitions"]) if entry["source"] != "Task"]
    assert [pair for i, pair in enumerate(kinds) if i == 0 or kinds[i - 1] != pair] == [
        ("a", "start"), ("a", "error"), ("a", "retry"), ("a", "end"),
        ("b", "start"), ("b", "error"),
        ("a.compensation", "start"), ("a.compensation", "end"),
    ]  # fmt: skip
