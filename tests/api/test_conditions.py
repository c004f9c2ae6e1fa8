"""What the conditions say in each situation, as Kubernetes tools read them."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.conditions import conditions, find
from kubesaga.engine.records import Attention, TaskStatus
from kubesaga.engine.vocabulary import TaskOutcome, TaskState

NOW = 1_795_000_000.0
RUNNING = {"Ready": "False", "Succeeded": "Unknown", "Finished": "False", "Reconciling": "True", "Stalled": "False"}
GOOD = {"Ready": "True", "Succeeded": "True", "Finished": "True", "Reconciling": "False", "Stalled": "False"}
FAILED = {"Ready": "False", "Succeeded": "False", "Finished": "True", "Reconciling": "False", "Stalled": "True"}
STUCK = {"Ready": "False", "Succeeded": "Unknown", "Finished": "False", "Reconciling": "False", "Stalled": "True"}


def made(status: TaskStatus, before: list[dict[str, Any]] | None = None, now: float = NOW) -> list[dict[str, Any]]:
    return conditions(status, before or [], generation=3, now=now)


def words(status: TaskStatus) -> dict[str, str]:
    return {each["type"]: each["status"] for each in made(status)}


@pytest.mark.parametrize("state", TaskState)
def test_every_state_reads_as_kstatus_has_it(state: TaskState) -> None:
    ended = {
        TaskState.COMPLETE: GOOD, TaskState.RESOLVED_MANUALLY: GOOD,
        TaskState.ERROR: FAILED, TaskState.CANCELLED: FAILED,
    }  # fmt: skip
    rest = {"Suspended": "False", "NeedsAttention": "False", "Stale": "False", "FinallyFailed": "False"}
    assert words(TaskStatus(state)) == ended.get(state, RUNNING) | rest


def test_what_needs_a_human_is_stalled_and_says_what_to_do() -> None:
    status = TaskStatus(TaskState.COMPENSATING, attention=Attention("CompensationFailed", "RetryCompensation it"))
    assert STUCK.items() <= words(status).items()
    found = find(made(status), "NeedsAttention")
    assert found is not None
    assert (found["status"], found["reason"], found["message"]) == (
        "True", "CompensationFailed", "RetryCompensation it",
    )  # fmt: skip


def test_a_pending_task_says_why_it_waits() -> None:
    status = TaskStatus(TaskState.PENDING, reason="TemplateNotFound")
    assert {each["type"]: each["reason"] for each in made(status)}["Ready"] == "TemplateNotFound"
    assert {each["type"]: each["reason"] for each in made(status)}["Reconciling"] == "TemplateNotFound"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (TaskState.WAITING_FOR_DEPENDENCIES, "Suspended"),
        (TaskState.WAITING_FOR_RETRY, "Suspended"),
        (TaskState.STEPS_IN_PROCESS, "StepsInProcess"),
        (TaskState.BLOCKED_BY_FAILURES, "BlockedByFailures"),
        (TaskState.COMPENSATING, "Compensating"),
    ],
)
def test_a_suspended_task_reconciles_since_it_is_suspended_once_it_only_waits(state: TaskState, reason: str) -> None:
    found = {each["type"]: each for each in made(TaskStatus(state, suspended_since=NOW))}
    assert (found["Reconciling"]["status"], found["Reconciling"]["reason"]) == ("True", reason)
    assert (found["Suspended"]["status"], found["Suspended"]["reason"]) == ("True", "Suspended")
    assert "spec.desiredState" in found["Suspended"]["message"]


def test_what_has_ended_is_not_suspended() -> None:
    assert words(TaskStatus(TaskState.COMPLETE, suspended_since=NOW))["Suspended"] == "False"


def test_a_stale_task_says_in_which_state_it_has_waited_since_when() -> None:
    status = TaskStatus(TaskState.WAITING_FOR_RETRY, state_since=NOW, stale=True)
    found = find(made(status), "Stale")
    assert found is not None
    assert (found["status"], found["reason"]) == ("True", "Stale")
    assert found["message"].startswith("WaitingForRetry since 2026-11-18T")


def test_a_failed_finally_leaves_a_success_a_success() -> None:
    status = TaskStatus(TaskState.COMPLETE, outcome=TaskOutcome.SUCCEEDED, finally_failed=True)
    assert words(status) == {
        **GOOD, "Suspended": "False", "NeedsAttention": "False", "Stale": "False", "FinallyFailed": "True",
    }  # fmt: skip


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = made(TaskStatus(TaskState.INITIALIZING))
    later = made(TaskStatus(TaskState.STEPS_IN_PROCESS), first, NOW + 60)
    ended = made(TaskStatus(TaskState.COMPLETE), later, NOW + 120)
    stamps = [{each["type"]: each["lastTransitionTime"] for each in listed} for listed in (first, later, ended)]
    assert stamps[0] == stamps[1]
    moved = {type_ for type_ in stamps[0] if stamps[0][type_] != stamps[2][type_]}
    assert moved == {"Ready", "Succeeded", "Finished", "Reconciling"}


def test_conditions_always_stand_in_the_same_order() -> None:
    orders = {tuple(each["type"] for each in made(TaskStatus(state))) for state in TaskState}
    assert len(orders) == 1
