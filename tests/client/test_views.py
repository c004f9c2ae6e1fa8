"""Views: a status as Python reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kubesaga.client import (
    Action,
    ActionPhase,
    ActionType,
    NoResult,
    ResultRef,
    StepOutcome,
    StepState,
    Task,
    TaskOutcome,
    TaskState,
)
from kubesaga.engine.vocabulary import EndingPhase, EndingTrigger

AT = "2026-01-01T00:00:05.250000Z"
MOMENT = datetime(2026, 1, 1, 0, 0, 5, 250000, UTC)
STATUS: dict[str, Any] = {
    "state": "Compensating",
    "message": "undoing 2 steps",
    "progress": "1/2",
    "counts": {"total": 2, "complete": 1},
    "template": {"name": "fulfil", "version": "1.2.0", "revision": "fulfil-1"},
    "parent": {
        "name": "above",
        "uid": "u0",
        "step": "below",
        "rootKey": "k",
        "path": [],
        "templates": [],
        "attempt": 1,
    },
    "startedAt": AT,
    "nextRetryAt": AT,
    "stale": True,
    "suspendedSince": AT,
    "ending": {"trigger": "Failed", "at": AT, "phase": "Compensating", "outcome": "Compensated", "compensate": True},
    "steps": [
        {
            "name": "pay",
            "state": "Complete",
            "outcome": "Succeeded",
            "attempt": 2,
            "jobName": "j2",
            "startedAt": AT,
            "resultRef": {"name": "large", "sha256": "ab", "size": 9000},
            "metadata": {"ms": 3},
            "compensation": {
                "state": "WaitingForRetry",
                "attempt": 1,
                "nextRetryAt": AT,
                "error": {"type": "Timeout", "message": "too slow", "retryable": True, "outcomeUnknown": True},
            },
        },
        {"name": "ship", "state": "Error", "outcome": "Failed", "error": {"type": "E", "message": "m", "code": "C"}},
        {"name": "tell", "final": True},
    ],
    "conditions": [
        {"type": "Succeeded", "status": "Unknown", "reason": "Compensating", "lastTransitionTime": AT},
        {"type": "NeedsAttention", "status": "False", "reason": "NothingToDo", "lastTransitionTime": AT},
    ],
}
META = {"name": "a", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z"}


def task(**status: Any) -> Task:
    """A Task with this status beside the usual."""
    spec = {"templateRef": {"domain": "orders", "name": "fulfil"}, "desiredState": "Suspended"}
    return Task({"metadata": META, "spec": spec, "status": {**STATUS, **status}})


def test_a_task_tells_how_it_stands() -> None:
    seen = task()
    assert (seen.state, seen.outcome, seen.finished, seen.succeeded) == (TaskState.COMPENSATING, None, False, False)
    assert (str(seen.template), seen.progress, seen.counts["total"]) == ("orders/fulfil@1.2.0", "1/2", 2)
    assert (seen.started_at, seen.next_retry_at, seen.finished_at) == (MOMENT, MOMENT, None)
    assert (seen.stale, seen.suspended, seen.desired_state) == (True, True, "Suspended")
    assert seen.parent is not None
    assert (seen.parent.name, seen.parent.step) == ("above", "below")
    ending = seen.ending
    assert ending is not None
    assert (ending.trigger, ending.phase, ending.at) == (EndingTrigger.FAILED, EndingPhase.COMPENSATING, MOMENT)
    assert (ending.outcome, ending.compensate) == (TaskOutcome.COMPENSATED, True)
    assert [each.status for each in seen.conditions] == [None, False]
    assert seen.needs_attention is None
    assert seen.created_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_step_and_its_compensation_tell_how_they_stand() -> None:
    pay, ship, tell = task().steps
    assert (pay.state, pay.outcome, pay.attempt, pay.job_name) == (StepState.COMPLETE, StepOutcome.SUCCEEDED, 2, "j2")
    assert (pay.result, pay.result_ref, pay.metadata) == (None, ResultRef("large", "ab", 9000), {"ms": 3})
    undoing = pay.compensation
    assert undoing is not None
    assert (undoing.name, undoing.state, undoing.next_retry_at) == ("pay", StepState.WAITING_FOR_RETRY, MOMENT)
    assert undoing.error is not None
    assert (str(undoing.error), undoing.error.outcome_unknown) == ("Timeout: too slow", True)
    assert ship.error is not None
    assert (ship.error.code, ship.error.retryable, ship.compensation) == ("C", True, None)
    assert (tell.final, tell.state, tell.attempt) == (True, StepState.PENDING, 0)
    assert task().step("none") is None


def test_a_task_that_nobody_has_looked_at_is_pending() -> None:
    seen = Task({"metadata": META, "spec": {"templateRef": {"name": "fulfil"}}})
    assert (seen.state, seen.steps, seen.template, seen.ending, seen.conditions) == (
        TaskState.PENDING,
        (),
        None,
        None,
        (),
    )
    with pytest.raises(NoResult, match="Task a has not ended: it is Pending"):
        seen.raise_for_outcome()


@pytest.mark.parametrize(
    ("state", "outcome", "good"),
    [
        ("Complete", "Succeeded", True),
        ("Complete", "PartiallySucceeded", True),
        ("ResolvedManually", "ResolvedManually", True),
        ("Error", "Failed", False),
        ("Error", "Compensated", False),
        ("Cancelled", "Cancelled", False),
        ("Error", "Duplicate", False),
    ],
)
def test_an_end_is_good_or_not(state: str, outcome: str, good: bool) -> None:
    seen = task(state=state, outcome=outcome)
    assert (seen.finished, seen.succeeded) == (True, good)


def test_an_action_tells_what_was_asked_and_what_became_of_it() -> None:
    spec = {"taskRef": {"name": "a"}, "type": "Skip", "step": "pay", "requestedBy": "alice", "reason": "late"}
    asked = Action({"metadata": META, "spec": spec})
    assert (asked.type, asked.task, asked.step, asked.requested_by) == (ActionType.SKIP, "a", "pay", "alice")
    assert (asked.phase, asked.message, asked.reason) == (None, "", "late")
    done = Action({"metadata": META, "spec": spec, "status": {"phase": "Applied", "message": "skipped"}})
    assert (done.phase, done.message) == (ActionPhase.APPLIED, "skipped")
