"""Cancelling, suspending and deleting real Tasks at every moment of their lives.

All Tasks of this file start side by side, once; each test acts on its own. Those that are held for their moment are
acted on, and let go, by the fixture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubesaga.api.constants import FINALIZER, LABEL_TASK_UID
from kubesaga.engine.vocabulary import Role
from tests.cluster import tasks
from tests.cluster.actions import act
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, until_seen, until_step
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, sleep

UNDO = {"container": {"command": ["true"]}}
HELD_UNDO = {"container": {"command": ["sh", "-c", held()]}}
OWN_FINALIZER = "kubesaga.dev/test"


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    done = sh("done", "true", compensation=UNDO)
    slow = sh("slow", held(report({"result": "drained"})), dependsOn=["done"], compensation=UNDO)
    endless = sh("endless", sleep(3600), dependsOn=["done"], compensation=UNDO)
    retries = {"maxAttempts": 5, "backoff": "Fixed", "initialInterval": "10m", "maxInterval": "10m"}
    waits = sh("waits", "exit 1", dependsOn=["done"], compensation=UNDO, retry=retries)
    undoing = [
        sh("done", "true", compensation=HELD_UNDO),
        sh("fails", "exit 65", dependsOn=["done"]),
    ]
    return [
        *tasks.workflow("drain", done, slow, sh("after", "true", dependsOn=["slow"])),
        *tasks.workflow("terminate", done, endless),
        *tasks.workflow("terminate-undo", done, endless),
        *tasks.workflow("drain-then-terminate", done, endless),
        *tasks.workflow("while-waiting", done, waits),
        *tasks.workflow("while-waiting-undo", done, waits),
        *tasks.workflow("while-undoing", *undoing, failureStrategy="Compensate"),
        *tasks.workflow(
            "held-undoing",
            sh("first", "true", compensation=UNDO),
            sh("second", "true", dependsOn=["first"], compensation=HELD_UNDO),
            sh("fails", "exit 65", dependsOn=["second"]),
            failureStrategy="Compensate",
        ),
        *tasks.workflow("held", sh("first", held()), sh("second", "true", dependsOn=["first"])),
        *tasks.workflow("ending", sh("slow", sleep(3600))),
        *tasks.workflow("suspended-cancel", done, endless),
        *tasks.workflow("deleted", done, endless, failureStrategy="Compensate"),
        *tasks.workflow("deleted-foreground", done, endless, failureStrategy="Compensate"),
        *tasks.workflow("deleted-plainly", done, endless),
        tasks.task("never-started", of="not-there"),
    ]


@pytest.fixture(scope="module", autouse=True)
def doomed(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace that is being deleted with a Task in it that would compensate, while the others are acted on."""
    with fresh_namespace(operator) as own:
        steps = (
            sh("done", "true", compensation=UNDO),
            sh("endless", sleep(3600), dependsOn=["done"], compensation=UNDO),
        )
        own.apply(*tasks.workflow("caught", *steps, failureStrategy="Compensate"))
        until_step(own, "caught", "endless", "InProgress")
        own.delete("namespace", own.namespace)
        yield own


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started, and the fleeting moments have been used."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        until_step(own, "held", "first", "InProgress")
        _suspend(own, "held")
        let_go(own, "held", "first")
        _until_compensating(own, "while-undoing")
        _cancel(own, "while-undoing", mode="Terminate")
        until_seen(own, TASK, "while-undoing")
        let_go(own, "while-undoing", "done", Role.COMPENSATION)
        _until_compensating(own, "held-undoing")
        _suspend(own, "held-undoing")
        let_go(own, "held-undoing", "second", Role.COMPENSATION)
        for name in ("drain", "ending"):
            until_step(own, name, "slow", "InProgress")
            _cancel(own, name)
            _until_ending(own, name)
        let_go(own, "drain", "slow")
        yield own


def _patch(kubectl: Kubectl, name: str, **spec: Any) -> None:
    kubectl.run("patch", TASK, name, "--type=merge", "-p", json.dumps({"spec": spec}))


def _cancel(kubectl: Kubectl, name: str, **cancellation: Any) -> None:
    _patch(kubectl, name, desiredState="Cancelled", cancellation=cancellation)


def _suspend(kubectl: Kubectl, name: str) -> None:
    _patch(kubectl, name, desiredState="Suspended")
    kubectl.until(TASK, name, lambda t: tasks.condition(t, "Suspended").get("status") == "True", "suspended")


def _until_ending(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, lambda t: "ending" in t.get("status", {}), "ending")


def _until_compensating(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, lambda t: t.get("status", {}).get("state") == "Compensating", "Compensating")


def _until_ended(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, tasks.ended, "at its end")


def _set_finalizers(kubectl: Kubectl, name: str, finalizers: list[str]) -> None:
    kubectl.run("patch", TASK, name, "--type=merge", "-p", json.dumps({"metadata": {"finalizers": finalizers}}))


def _running_pods(kubectl: Kubectl, task: Manifest) -> list[str]:
    pods = kubectl.get_all("pods", f"{LABEL_TASK_UID}={task['metadata']['uid']}")
    return [tasks.name_of(pod) for pod in pods if pod["status"]["phase"] not in ("Succeeded", "Failed")]


def test_an_action_on_a_task_that_is_ending_is_rejected(kubectl: Kubectl) -> None:
    phase, message = act(kubectl, "ending", "Complete", "slow")
    assert phase == "Rejected"
    assert "is ending" in message


def test_a_drained_task_lets_what_runs_finish_and_starts_nothing_more(kubectl: Kubectl) -> None:
    found = _until_ended(kubectl, "drain")
    assert tasks.end_of(found) == ("Cancelled", "Cancelled")
    assert tasks.states(found) == {"done": "Complete", "slow": "Complete", "after": "Cancelled"}
    assert tasks.step(found, "slow")["result"] == "drained"
    assert "compensation" not in found["status"]
    assert _running_pods(kubectl, found) == []


def test_a_terminated_task_stops_what_runs(kubectl: Kubectl) -> None:
    until_step(kubectl, "terminate", "endless", "InProgress")
    _cancel(kubectl, "terminate", mode="Terminate")
    found = _until_ended(kubectl, "terminate")
    assert tasks.end_of(found) == ("Cancelled", "Cancelled")
    assert tasks.states(found)["endless"] == "Cancelled"
    assert _running_pods(kubectl, found) == []


def test_a_task_cancelled_with_compensation_is_undone_and_then_cancelled(kubectl: Kubectl) -> None:
    until_step(kubectl, "terminate-undo", "endless", "InProgress")
    _cancel(kubectl, "terminate-undo", mode="Terminate", compensate=True)
    found = _until_ended(kubectl, "terminate-undo")
    assert tasks.end_of(found) == ("Cancelled", "Compensated")
    undone = {step["name"]: step["compensation"]["state"] for step in found["status"]["steps"]}
    assert undone == {"done": "Complete", "endless": "Complete"}


def test_after_a_cancel_only_drain_may_turn_into_terminate(kubectl: Kubectl) -> None:
    until_step(kubectl, "drain-then-terminate", "endless", "InProgress")
    _cancel(kubectl, "drain-then-terminate", mode="Drain")
    back = json.dumps({"spec": {"desiredState": "Running"}})
    assert "desiredState" in kubectl.refused("patch", TASK, "drain-then-terminate", "--type=merge", "-p", back)
    _cancel(kubectl, "drain-then-terminate", mode="Terminate")
    found = _until_ended(kubectl, "drain-then-terminate")
    assert tasks.end_of(found) == ("Cancelled", "Cancelled")
    again = json.dumps({"spec": {"cancellation": {"mode": "Drain"}}})
    assert "Terminate" in kubectl.refused("patch", TASK, "drain-then-terminate", "--type=merge", "-p", again)


@pytest.mark.parametrize(("name", "compensate"), [("while-waiting", False), ("while-waiting-undo", True)])
def test_a_task_that_waits_for_a_retry_is_cancelled_at_once(kubectl: Kubectl, name: str, compensate: bool) -> None:
    until_step(kubectl, name, "waits", "WaitingForRetry")
    _cancel(kubectl, name, compensate=compensate)
    found = _until_ended(kubectl, name)
    assert tasks.end_of(found) == ("Cancelled", "Compensated" if compensate else "Cancelled")
    assert (tasks.states(found)["waits"], tasks.step(found, "waits")["attempt"]) == ("Cancelled", 1)


def test_a_cancel_never_interrupts_a_compensation(kubectl: Kubectl) -> None:
    found = _until_ended(kubectl, "while-undoing")
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.step(found, "done")["compensation"]["attempt"] == 1


def test_a_suspended_task_starts_nothing_until_it_is_resumed(kubectl: Kubectl) -> None:
    found = until_step(kubectl, "held", "first", "Complete")
    assert tasks.step(found, "second")["state"] == "Pending"
    found = kubectl.until(TASK, "held", lambda t: t["status"]["state"] == "WaitingForDependencies", "waiting")
    assert tasks.condition(found, "Suspended")["status"] == "True"
    assert len(tasks.jobs_of(kubectl, found)) == 1
    _patch(kubectl, "held", desiredState="Running")
    found = _until_ended(kubectl, "held")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.condition(found, "Suspended")["status"] == "False"


def test_a_suspended_compensation_needs_a_human_and_goes_on_once_it_is_resumed(kubectl: Kubectl) -> None:
    def held(task: Manifest) -> bool:
        reason = tasks.condition(task, "NeedsAttention").get("reason")
        return reason == "Suspended" and tasks.step(task, "second")["compensation"]["state"] == "Complete"

    found = kubectl.until(TASK, "held-undoing", held, "held while undoing")
    assert tasks.step(found, "first")["compensation"]["state"] == "Pending"
    assert "resume the Task" in found["status"]["message"]
    _patch(kubectl, "held-undoing", desiredState="Running")
    found = _until_ended(kubectl, "held-undoing")
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.step(found, "second")["compensation"]["attempt"] == 1
    assert tasks.condition(found, "NeedsAttention")["status"] == "False"


def test_a_suspended_task_can_be_cancelled(kubectl: Kubectl) -> None:
    until_step(kubectl, "suspended-cancel", "endless", "InProgress")
    _suspend(kubectl, "suspended-cancel")
    _cancel(kubectl, "suspended-cancel", mode="Terminate")
    assert tasks.end_of(_until_ended(kubectl, "suspended-cancel")) == ("Cancelled", "Cancelled")


def test_a_task_without_template_is_cancelled_before_it_starts(kubectl: Kubectl) -> None:
    _cancel(kubectl, "never-started")
    found = _until_ended(kubectl, "never-started")
    assert tasks.end_of(found) == ("Cancelled", "Cancelled")
    assert tasks.jobs_of(kubectl, found) == []


@pytest.mark.parametrize(("name", "cascade"), [("deleted", "background"), ("deleted-foreground", "foreground")])
def test_a_live_task_that_compensates_is_undone_before_it_is_gone(kubectl: Kubectl, name: str, cascade: str) -> None:
    found = until_step(kubectl, name, "endless", "InProgress")
    assert FINALIZER in found["metadata"]["finalizers"]
    uid = found["metadata"]["uid"]
    # With one of the test's own it can still be seen after the operator and Kubernetes have let it go.
    _set_finalizers(kubectl, name, [*found["metadata"]["finalizers"], OWN_FINALIZER])
    kubectl.delete(TASK, name, f"--cascade={cascade}")
    undone = kubectl.until(TASK, name, lambda t: t["metadata"]["finalizers"] == [OWN_FINALIZER], "let go")
    assert tasks.end_of(undone) == ("Cancelled", "Compensated")
    _set_finalizers(kubectl, name, [])
    kubectl.run("wait", "--for=delete", TASK, name, f"--timeout={PATIENCE:g}s")
    kubectl.until_listed("jobs", f"{LABEL_TASK_UID}={uid}", lambda jobs: not jobs, "gone")


def test_a_live_task_that_does_not_compensate_goes_at_once_with_its_jobs(kubectl: Kubectl) -> None:
    found = until_step(kubectl, "deleted-plainly", "endless", "InProgress")
    assert "finalizers" not in found["metadata"]
    kubectl.delete(TASK, "deleted-plainly")
    kubectl.until_listed("jobs", f"{LABEL_TASK_UID}={found['metadata']['uid']}", lambda jobs: not jobs, "gone")
    assert kubectl.find(TASK, "deleted-plainly") is None


def test_a_deleted_namespace_never_hangs_on_a_task_that_would_compensate(doomed: Kubectl) -> None:
    doomed.run("wait", "namespace", doomed.namespace, "--for=delete", f"--timeout={PATIENCE:g}s")
