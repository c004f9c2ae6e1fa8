"""Sub-workflows: child Tasks of real Tasks, from their context to their undoing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubesaga.api.constants import LABEL_PARENT_UID
from tests.cluster import tasks
from tests.cluster.actions import act
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, sleep

UNDO = {"container": {"command": ["true"]}}


def child(name: str, of: str, **step: Any) -> Manifest:
    """A step that is a sub-workflow."""
    mapping = {key: step.pop(key) for key in ("context", "contextFrom") if key in step}
    return {"name": name, "task": {"templateRef": {"name": of}, **mapping}, **step}


def workflows() -> list[Manifest]:
    """The sub-workflows' templates, and each parent with its Task."""
    doubled = "steps.work.result.amount * 2"
    return [
        tasks.template(
            "doubles",
            sh("work", report({"result": {"amount": 21}})),
            inputSchema={"type": "object", "required": ["amount", "currency"]},
            output="{'doubled': steps.work.result.amount * 2, 'currency': context.currency}",
            outputSchema={"type": "object", "required": ["doubled"]},
        ),
        tasks.template(
            "fails-once", sh("ok", "true"), sh("work", "[ $KUBESAGA_ATTEMPT -ge 2 ] || exit 65", dependsOn=["ok"])
        ),
        tasks.template("endless", sh("ok", "true", compensation=UNDO), sh("work", sleep(3600), dependsOn=["ok"])),
        tasks.template("undoable", sh("work", "true", compensation=UNDO)),
        tasks.template("recursive-a", child("down", "recursive-b")),
        tasks.template("recursive-b", child("down", "recursive-a")),
        tasks.template("bad-output", sh("work", "true"), output=doubled),
        *tasks.workflow(
            "maps",
            sh("before", report({"result": {"amount": 7}})),
            child(
                "sub",
                "doubles",
                dependsOn=["before"],
                context={"currency": "EUR"},
                contextFrom={"amount": "steps.before.result.amount"},
            ),
            output="steps.sub.result",
        ),
        *tasks.workflow("again", child("sub", "fails-once", retry={"maxAttempts": 2, "backoff": "None"})),
        *tasks.workflow("by-hand", child("sub", "fails-once"), blockedTimeout="1h"),
        *tasks.workflow("cancelled", child("sub", "endless")),
        *tasks.workflow(
            "undone",
            child("sub", "undoable"),
            sh("fails", "exit 65", dependsOn=["sub"]),
            failureStrategy="Compensate",
        ),
        *tasks.workflow("cancelled-undone", child("sub", "endless"), failureStrategy="Compensate"),
        *tasks.workflow("refused", child("sub", "doubles", context={"amount": 1})),
        *tasks.workflow("unsaid", child("sub", "bad-output")),
        tasks.task("circle", of="recursive-a"),
    ]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        yield own


def _until_ended(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, tasks.ended, "at its end")


def _child_of(kubectl: Kubectl, parent: Manifest, step: str = "sub") -> Manifest:
    found = kubectl.get(TASK, tasks.step(parent, step)["childName"])
    assert found["metadata"]["labels"][LABEL_PARENT_UID] == parent["metadata"]["uid"]
    return found


def test_a_child_gets_its_context_from_its_parent_and_gives_its_result_back(kubectl: Kubectl) -> None:
    parent = _until_ended(kubectl, "maps")
    assert tasks.end_of(parent) == ("Complete", "Succeeded")
    assert parent["status"]["result"] == {"doubled": 42, "currency": "EUR"}
    found = _child_of(kubectl, parent)
    assert found["spec"]["context"] == {"currency": "EUR", "amount": 7}
    assert found["status"]["parent"]["path"] == ["sub"]
    assert parent["status"]["counts"]["complete"] == 2


def test_a_retry_of_the_step_takes_the_same_child_up_again(kubectl: Kubectl) -> None:
    parent = _until_ended(kubectl, "again")
    assert tasks.end_of(parent) == ("Complete", "Succeeded")
    assert tasks.step(parent, "sub")["attempt"] == 2
    found = _child_of(kubectl, parent)
    assert found["status"]["run"] == 2
    assert {name: tasks.step(found, name)["attempt"] for name in ("ok", "work")} == {"ok": 1, "work": 2}
    assert len(kubectl.get_all(TASK, f"{LABEL_PARENT_UID}={parent['metadata']['uid']}")) == 1


def test_a_human_who_retries_the_parents_step_retries_what_failed_in_the_child(kubectl: Kubectl) -> None:
    kubectl.until(TASK, "by-hand", lambda t: t.get("status", {}).get("state") == "BlockedByFailures", "blocked")
    assert act(kubectl, "by-hand", "Retry", "sub")[0] == "Applied"
    parent = _until_ended(kubectl, "by-hand")
    assert tasks.end_of(parent) == ("Complete", "Succeeded")
    assert _child_of(kubectl, parent)["status"]["run"] == 2


def test_cancelling_the_parent_cancels_the_child_first(kubectl: Kubectl) -> None:
    _until_child_works(kubectl, "cancelled")
    _cancel(kubectl, "cancelled", mode="Terminate")
    parent = _until_ended(kubectl, "cancelled")
    assert tasks.end_of(parent) == ("Cancelled", "Cancelled")
    found = _child_of(kubectl, parent)
    assert tasks.end_of(found) == ("Cancelled", "Cancelled")
    assert found["status"]["finishedAt"] <= parent["status"]["finishedAt"]
    assert found["spec"]["desiredState"] == "Running"


def test_a_child_that_is_done_is_undone_when_its_parent_compensates(kubectl: Kubectl) -> None:
    parent = _until_ended(kubectl, "undone")
    assert tasks.end_of(parent) == ("Error", "Compensated")
    found = _child_of(kubectl, parent)
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.step(found, "work")["compensation"]["state"] == "Complete"


def test_a_child_that_was_cancelled_with_its_parent_is_undone_too(kubectl: Kubectl) -> None:
    _until_child_works(kubectl, "cancelled-undone")
    _cancel(kubectl, "cancelled-undone", mode="Terminate", compensate=True)
    parent = _until_ended(kubectl, "cancelled-undone")
    assert tasks.end_of(parent) == ("Cancelled", "Compensated")
    found = _child_of(kubectl, parent)
    assert tasks.end_of(found) == ("Cancelled", "Compensated")
    assert tasks.step(found, "ok")["compensation"]["state"] == "Complete"


def test_a_child_that_refuses_its_context_fails_the_step_with_the_reason(kubectl: Kubectl) -> None:
    parent = _until_ended(kubectl, "refused")
    assert tasks.end_of(parent) == ("Error", "Aborted")
    error = tasks.error_of(parent, "sub")
    assert error["type"] == "ChildFailed"
    assert "currency" in error["message"]


def test_an_output_that_cannot_be_made_fails_the_child_and_so_the_step(kubectl: Kubectl) -> None:
    parent = _until_ended(kubectl, "unsaid")
    error = tasks.error_of(parent, "sub")
    assert "OutputFailed" in error["message"]
    assert "steps.work.result.amount * 2" in error["message"]


def test_workflows_that_contain_each_other_are_refused(kubectl: Kubectl) -> None:
    top = _until_ended(kubectl, "circle")
    middle = _child_of(kubectl, top, "down")
    assert "contain itself" in middle["status"]["message"]
    assert len([t for t in kubectl.get_all(TASK) if t["spec"]["templateRef"]["name"].startswith("recursive")]) == 2


def test_a_child_deleted_by_hand_needs_a_human(kubectl: Kubectl) -> None:
    kubectl.apply(*tasks.workflow("bereft", child("sub", "endless")))
    parent = _until_child_works(kubectl, "bereft")
    kubectl.delete(TASK, tasks.step(parent, "sub")["childName"])
    missing = kubectl.until(
        TASK,
        "bereft",
        lambda t: tasks.condition(t, "NeedsAttention").get("reason") == "ChildMissing",
        "in need of a human",
    )
    assert "TaskAction" in tasks.condition(missing, "NeedsAttention")["message"]
    assert act(kubectl, "bereft", "Resolve", "sub")[0] == "Applied"
    assert tasks.end_of(_until_ended(kubectl, "bereft")) == ("Complete", "Succeeded")


def _until_child_works(kubectl: Kubectl, name: str) -> Manifest:
    parent = kubectl.until(TASK, name, lambda t: tasks.step(t, "sub").get("childName"), "with its child")
    child_name = tasks.step(parent, "sub")["childName"]
    kubectl.until(TASK, child_name, lambda t: tasks.step(t, "work").get("state") == "InProgress", "at work")
    return kubectl.until(TASK, name, lambda t: tasks.step(t, "sub").get("state") == "InProgress", "aware of it")


def _cancel(kubectl: Kubectl, name: str, **cancellation: Any) -> None:
    spec = {"spec": {"desiredState": "Cancelled", "cancellation": cancellation}}
    kubectl.run("patch", TASK, name, "--type=merge", "-p", json.dumps(spec))
