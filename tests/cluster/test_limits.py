"""The operator-wide limit on running Tasks: who waits, who is next, and who never waits.

An operator that lets one Task run is brought up for this file. Its one place is taken while the others gather behind
it; then it is freed, and they run to their ends one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.cluster import tasks
from tests.cluster.actions import act
from tests.cluster.installation import suspended
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.tasks import TASK, sh

pytestmark = pytest.mark.alone

# By priority, then by age; the names say nothing.
IN_THEIR_ORDER = ["b-urgent-parent", "z-older", "a-younger", "c-last"]


@dataclass(frozen=True)
class Queue:
    """The namespace, the Tasks while they waited, and after their ends."""

    kubectl: Kubectl
    waiting: dict[str, Manifest]
    ends: dict[str, Manifest]


@pytest.fixture(scope="module")
def queue(operator: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """All Tasks but the one that is suspended at their ends."""
    with suspended(operator), fresh_namespace(operator) as kubectl:
        process = OperatorProcess(kubectl, tmp_path_factory.mktemp("operator") / "log", max_running_tasks=1)
        process.start()
        try:
            yield _seen_through(kubectl)
        finally:
            process.close()


def _seen_through(kubectl: Kubectl) -> Queue:
    parent = {"name": "sub", "task": {"templateRef": {"name": "work"}}}
    kubectl.apply(
        tasks.template("holds", {"name": "sign", "approval": {}}),
        tasks.template("work", sh("work", "true")),
        tasks.template("parent", parent),
        tasks.task("holds"),
    )
    kubectl.until(TASK, "holds", lambda t: tasks.step(t, "sign").get("state") == "InProgress", "waiting for approval")
    kubectl.apply(
        tasks.task("asleep", of="work", priority=1000, desiredState="Suspended"),
        tasks.task("c-last", of="work", priority=-1),
        tasks.task("z-older", of="work"),
    )
    time.sleep(1.1)  # an object's age is told in whole seconds
    kubectl.apply(tasks.task("a-younger", of="work"), tasks.task("b-urgent-parent", of="parent", priority=7))
    waiting = {name: kubectl.until(TASK, name, _waits, "waiting for a slot") for name in IN_THEIR_ORDER}
    assert act(kubectl, "holds", "Approve", "sign")[0] == "Applied"
    ends = {name: kubectl.until(TASK, name, tasks.ended, "at its end") for name in ("holds", *IN_THEIR_ORDER)}
    return Queue(kubectl, waiting, ends)


def _waits(task: Manifest) -> bool:
    return "waiting for a slot" in task.get("status", {}).get("message", "")


def _launched_at(task: Manifest) -> str:
    (step,) = task["status"]["steps"]
    return str(step["enqueuedAt"])


def test_a_task_above_the_limit_waits_and_says_so(queue: Queue) -> None:
    for found in queue.waiting.values():
        assert found["status"]["state"] == "WaitingForDependencies"
        assert "as many Tasks run as the operator allows" in found["status"]["message"]
        assert set(tasks.states(found).values()) == {"Pending"}


def test_those_that_wait_start_by_priority_and_then_by_age(queue: Queue) -> None:
    waited = [queue.ends[name] for name in IN_THEIR_ORDER]
    assert {tasks.end_of(found) for found in waited} == {("Complete", "Succeeded")}
    assert sorted(IN_THEIR_ORDER, key=lambda name: _launched_at(queue.ends[name])) == IN_THEIR_ORDER


def test_each_starts_once_another_has_ended(queue: Queue) -> None:
    one_by_one = ["holds", *IN_THEIR_ORDER]
    for before, after in pairwise(one_by_one):
        assert queue.ends[before]["status"]["finishedAt"] <= _launched_at(queue.ends[after])


def test_the_child_of_a_running_task_never_waits(queue: Queue) -> None:
    parent = queue.ends["b-urgent-parent"]
    child = queue.kubectl.get(TASK, tasks.step(parent, "sub")["childName"])
    assert tasks.end_of(child) == ("Complete", "Succeeded")
    assert child["status"]["finishedAt"] <= _launched_at(queue.ends["z-older"])


def test_a_suspended_task_stands_in_nobodys_way(queue: Queue) -> None:
    asleep = queue.kubectl.get(TASK, "asleep")
    assert tasks.states(asleep) == {"work": "Pending"}
    queue.kubectl.run("patch", TASK, "asleep", "--type=merge", "-p", '{"spec": {"desiredState": "Running"}}')
    found = queue.kubectl.until(TASK, "asleep", tasks.ended, "at its end")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
