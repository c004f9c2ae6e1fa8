"""Identity on a real API server: the same request made many times at once runs once, whoever serves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.operator_process import IDENTITY, OperatorProcess
from tests.cluster.tasks import AT_ONCE, TASK, report, sh

RACERS = 100
ROUNDS = 5
"""Of racers, until both operators have done something: one may be held up for as long as the other needs for all."""


def _outcomes(found: dict[str, Manifest]) -> Counter[str]:
    return Counter(task["status"]["outcome"] for task in found.values())


@pytest.fixture
def led_twice(namespace: Kubectl, tmp_path: Path) -> Iterator[Kubectl]:
    """A namespace that two operators serve, each of which believes that it leads alone."""
    second = OperatorProcess(namespace, tmp_path / "log")
    second.start()
    try:
        second.wait_leading()
        yield namespace
    finally:
        second.close()


def test_of_a_hundred_tasks_with_one_context_one_runs_even_where_two_operators_lead(led_twice: Kubectl) -> None:
    context = {"order": 1, "lines": [{"sku": "a"}]}
    led_twice.create(tasks.template("once", sh("work", "true"), identityStrategy="Strict"))
    for number in range(ROUNDS):
        names = [f"racer-{number}-{racer}" for racer in range(RACERS)]
        led_twice.create(*(tasks.task(name, of="once", context=context) for name in names))
        found = tasks.all_finished(led_twice)
        if len(_who_worked(led_twice.get_all("events"))) > 1:
            break
    assert _outcomes(found) == {"Succeeded": 1, "Duplicate": len(found) - 1}
    winner = next(name for name, task in found.items() if task["status"]["outcome"] == "Succeeded")
    losers = [task for task in found.values() if task["status"]["outcome"] == "Duplicate"]
    assert all(f"by Task {winner}:" in task["status"]["message"] for task in losers)
    assert len(led_twice.get_all("jobs")) == 1
    # Events are written behind the Tasks' status.
    events = led_twice.until_listed("events", "", lambda seen: len(_who_worked(seen)) >= 2, "of two operators")
    assert IDENTITY in _who_worked(events)


def test_where_two_operators_lead_no_attempt_has_two_jobs(led_twice: Kubectl) -> None:
    undo = {"container": {"command": ["true"]}}
    second_time = f"[ $KUBESAGA_ATTEMPT = 2 ] || exit 1; {report({'result': 'done'})}"
    sources = [sh(f"source_{number}", second_time, retry=AT_ONCE, compensation=undo) for number in range(4)]
    last = sh("last", "exit 65", dependsOn=[each["name"] for each in sources])
    found = tasks.run_all(led_twice, *tasks.workflow("undone", *sources, last, failureStrategy="Compensate"))
    assert tasks.end_of(found["undone"]) == ("Error", "Compensated")
    assert [each["attempt"] for each in found["undone"]["status"]["steps"]] == [2, 2, 2, 2, 1]
    tasks.assert_nothing_ran_twice(led_twice, found["undone"])


def _who_worked(events: list[Manifest]) -> set[str]:
    """The operators that have told of a Task's start or end."""
    return {each["reportingInstance"] for each in events if each["involvedObject"]["kind"] == "Task"}


def test_what_the_caller_calls_the_same_runs_once_whatever_else_differs(namespace: Kubectl) -> None:
    steps = tasks.template("once", sh("work", "true"), identityStrategy="CallerProvided")
    named = [tasks.task(f"t{n}", of="once", context={"n": n}, idempotencyKey="order-1") for n in range(3)]
    found = tasks.run_all(
        namespace,
        steps,
        *named,
        tasks.task("other", of="once", idempotencyKey="order-2"),
        tasks.task("nameless", of="once"),
    )
    assert _outcomes(found) == {"Succeeded": 2, "Duplicate": 2, "InvalidRequest": 1}
    assert "idempotencyKey is required" in found["nameless"]["status"]["message"]


def test_without_an_identity_strategy_every_task_is_unique(namespace: Kubectl) -> None:
    same = [tasks.task(f"t{n}", of="many", context={"order": 1}) for n in range(2)]
    found = tasks.run_all(namespace, tasks.template("many", sh("work", "true")), *same)
    assert _outcomes(found) == {"Succeeded": 2}


def test_an_identity_is_free_again_once_its_task_is_deleted(namespace: Kubectl) -> None:
    steps = tasks.template("once", sh("work", "true"), identityStrategy="Strict")
    tasks.run_all(namespace, steps, tasks.task("first", of="once"))
    namespace.run("delete", TASK, "first", "--wait=true")
    namespace.apply(tasks.task("second", of="once"))
    found = namespace.until(TASK, "second", tasks.ended, "at its end")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
