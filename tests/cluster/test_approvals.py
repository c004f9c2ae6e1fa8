"""Approvals: steps that wait for a human's word, without a pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import tasks
from tests.cluster.actions import act, caller
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, sleep


def approval(name: str, **fields: Any) -> Manifest:
    """A step that waits for a human; `step` holds what is not the approval's own."""
    return {"name": name, "approval": {k: v for k, v in fields.items() if k in ("timeout", "onTimeout")}} | {
        k: v for k, v in fields.items() if k not in ("timeout", "onTimeout")
    }


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    after = sh("after", "true", dependsOn=["sign"])
    return [
        *tasks.workflow("approved", sh("before", "true"), approval("sign", dependsOn=["before"]), after),
        *tasks.workflow("rejected", approval("sign"), after),
        *tasks.workflow("timed-out", approval("sign", timeout="2s"), after),
        *tasks.workflow("approved-by-time", approval("sign", timeout="2s", onTimeout="Approve"), after),
        *tasks.workflow("skipped-by-time", approval("sign", timeout="2s", onTimeout="Skip"), after),
        *tasks.workflow("late", approval("sign", timeout="2s"), after, blockedTimeout="1h"),
        *tasks.workflow("typed", approval("sign", resultSchema={"type": "object", "required": ["limit"]}), after),
        *tasks.workflow("with-others", approval("sign"), sh("fails", f"{sleep(2)}; exit 65")),
        *tasks.workflow(
            "uses-the-answer",
            approval("sign"),
            sh("small", report({"result": "small"}), dependsOn=["sign"], when="steps.sign.result.limit < 10"),
            sh("large", report({"result": "large"}), dependsOn=["sign"], when="steps.sign.result.limit >= 10"),
        ),
    ]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        yield own


def _until_open(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(
        TASK, name, lambda t: tasks.step(t, "sign").get("state") == "InProgress", "waiting for approval"
    )


def _until_ended(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, tasks.ended, "at its end")


def test_a_task_waits_for_its_approval_without_a_pod_and_says_so(kubectl: Kubectl) -> None:
    waiting = _until_open(kubectl, "approved")
    assert waiting["status"]["state"] == "WaitingForDependencies"
    assert "sign" in waiting["status"]["message"]
    assert act(kubectl, "approved", "Approve", "sign", reason="fine")[0] == "Applied"
    found = _until_ended(kubectl, "approved")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "sign")["result"] == {"approved": True, "by": caller(kubectl), "reason": "fine"}
    steps_with_jobs = {job["metadata"]["labels"]["kubesaga.dev/step"] for job in tasks.jobs_of(kubectl, found)}
    assert steps_with_jobs == {"before", "after"}


def test_a_rejection_fails_the_step_for_good_with_its_reason(kubectl: Kubectl) -> None:
    _until_open(kubectl, "rejected")
    assert act(kubectl, "rejected", "Reject", "sign", reason="too much")[0] == "Applied"
    found = _until_ended(kubectl, "rejected")
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.error_of(found, "sign")["type"] == "Rejected"
    assert "too much" in tasks.error_of(found, "sign")["message"]


@pytest.mark.parametrize(
    ("name", "end", "outcome"),
    [
        ("timed-out", ("Error", "Aborted"), "Failed"),
        ("approved-by-time", ("Complete", "Succeeded"), "Succeeded"),
        ("skipped-by-time", ("Complete", "Succeeded"), "Skipped"),
    ],
)
def test_silence_is_answered_as_the_template_says(
    kubectl: Kubectl, name: str, end: tuple[str, str], outcome: str
) -> None:
    found = _until_ended(kubectl, name)
    assert tasks.end_of(found) == end
    assert tasks.step(found, "sign")["outcome"] == outcome


def test_an_approval_that_comes_late_still_counts_while_the_task_is_blocked(kubectl: Kubectl) -> None:
    kubectl.until(TASK, "late", lambda t: t.get("status", {}).get("state") == "BlockedByFailures", "blocked")
    assert act(kubectl, "late", "Approve", "sign")[0] == "Applied"
    assert tasks.end_of(_until_ended(kubectl, "late")) == ("Complete", "Succeeded")


def test_an_answer_that_breaks_the_schema_is_rejected(kubectl: Kubectl) -> None:
    _until_open(kubectl, "typed")
    phase, message = act(kubectl, "typed", "Approve", "sign", result={"no": "limit"})
    assert phase == "Rejected"
    assert "limit" in message
    assert act(kubectl, "typed", "Approve", "sign", result={"limit": 5})[0] == "Applied"
    assert tasks.end_of(_until_ended(kubectl, "typed")) == ("Complete", "Succeeded")


def test_a_failure_beside_it_cancels_an_open_approval(kubectl: Kubectl) -> None:
    found = _until_ended(kubectl, "with-others")
    assert tasks.states(found) == {"sign": "Cancelled", "fails": "Error"}


def test_the_answer_decides_which_way_the_workflow_goes(kubectl: Kubectl) -> None:
    _until_open(kubectl, "uses-the-answer")
    assert act(kubectl, "uses-the-answer", "Approve", "sign", result={"limit": 12})[0] == "Applied"
    found = _until_ended(kubectl, "uses-the-answer")
    assert {name: tasks.step(found, name)["outcome"] for name in ("small", "large")} == {
        "small": "Skipped",
        "large": "Succeeded",
    }
