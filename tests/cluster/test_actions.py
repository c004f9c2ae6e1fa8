"""TaskActions on real Tasks: what a human may do to one that is blocked, has failed, runs, or cannot be undone.

All Tasks of this file start side by side, once; each test acts on its own. Every rule is a test of the engine as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import tasks
from tests.cluster.actions import ACTION, act, action, answer
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.moments import held, let_go, until_step
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, sleep

BLOCKED = {"blockedTimeout": "1h"}
# Fails on its first attempt, whatever its retries, and works on the second.
SECOND_TIME = f"[ $KUBESAGA_ATTEMPT -ge 2 ] || exit 65; {report({'result': 'mended'})}"
STUBBORN = {"container": {"command": ["sh", "-c", "exit 65"]}}


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    before = sh("before", report({"result": "kept"}))
    after = sh("after", report({"result": "reached"}), dependsOn=["work"])
    saga = (
        sh("first", "true", compensation={"container": {"command": ["true"]}}),
        sh("second", "true", dependsOn=["first"], compensation=STUBBORN),
        sh("fails", "exit 65", dependsOn=["second"]),
    )
    return [
        *tasks.workflow("retried", before, sh("work", SECOND_TIME, dependsOn=["before"]), after, **BLOCKED),
        *tasks.workflow("redriven", before, sh("work", SECOND_TIME, dependsOn=["before"]), after),
        *tasks.workflow("completed", sh("work", "exit 65", resultSchema={"type": "integer"}), after, **BLOCKED),
        *tasks.workflow("resolved-step", sh("work", "exit 65"), after, **BLOCKED),
        *tasks.workflow("skipped", sh("work", "exit 65", skippable=True), after, **BLOCKED),
        *tasks.workflow("stopped-first", sh("work", sleep(3600)), after),
        *tasks.workflow("failed-by-hand", sh("work", sleep(3600)), after),
        *tasks.workflow("resolved", sh("work", "exit 65"), **BLOCKED),
        *tasks.workflow("given-up", sh("work", "exit 65"), **BLOCKED),
        *tasks.workflow(
            "siblings", sh("work", held(SECOND_TIME)), sh("beside", sleep(3600)), runningSteps="Terminate", **BLOCKED
        ),
        *tasks.workflow("mark", *saga, failureStrategy="Compensate"),
        *tasks.workflow("abandon", *saga, failureStrategy="Compensate"),
        *tasks.workflow(
            "undo-again",
            sh("first", "true", compensation={"container": {"command": ["sh", "-c", "[ $KUBESAGA_ATTEMPT -ge 2 ]"]}}),
            sh("fails", "exit 65", dependsOn=["first"]),
            failureStrategy="Compensate",
        ),
        *tasks.workflow("blocked", before, sh("work", "exit 65", dependsOn=["before"]), **BLOCKED),
        *tasks.workflow("twice", sh("work", "exit 65"), **BLOCKED),
        *tasks.workflow("done", sh("work", "true")),
    ]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        yield own


def _until_blocked(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, lambda t: t.get("status", {}).get("state") == "BlockedByFailures", "blocked")


def _until_ended(kubectl: Kubectl, name: str) -> Manifest:
    return kubectl.until(TASK, name, tasks.ended, "at its end")


def _until_stuck(kubectl: Kubectl, name: str) -> Manifest:
    def stuck(task: Manifest) -> bool:
        return tasks.condition(task, "NeedsAttention").get("reason") == "CompensationFailed"

    return kubectl.until(TASK, name, stuck, "stuck in its compensation")


def test_a_retried_step_goes_on_from_where_the_task_stands(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "retried")
    assert act(kubectl, "retried", "Retry", "work", expectedAttempt=1)[0] == "Applied"
    found = _until_ended(kubectl, "retried")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert {name: tasks.step(found, name)["attempt"] for name in ("before", "work", "after")} == {
        "before": 1,
        "work": 2,
        "after": 1,
    }
    tasks.assert_nothing_ran_twice(kubectl, found)


def test_a_task_that_has_failed_is_taken_up_again_in_place(kubectl: Kubectl) -> None:
    _until_ended(kubectl, "redriven")
    assert act(kubectl, "redriven", "Retry")[0] == "Applied"
    found = kubectl.until(TASK, "redriven", lambda t: t["status"]["state"] == "Complete", "Complete")
    assert found["status"]["run"] == 2
    assert [tasks.step(found, name)["attempt"] for name in ("before", "work", "after")] == [1, 2, 1]
    tasks.assert_nothing_ran_twice(kubectl, found)


def test_a_step_completed_by_hand_gives_its_dependents_the_given_result(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "completed")
    phase, message = act(kubectl, "completed", "Complete", "work", result="not a number")
    assert phase == "Rejected"
    assert "resultSchema" in message
    assert act(kubectl, "completed", "Complete", "work", result=42)[0] == "Applied"
    found = _until_ended(kubectl, "completed")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["result"] == 42


def test_a_step_resolved_by_hand_lets_its_dependents_run(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "resolved-step")
    assert act(kubectl, "resolved-step", "Resolve", "work")[0] == "Applied"
    found = _until_ended(kubectl, "resolved-step")
    assert tasks.states(found) == {"work": "ResolvedManually", "after": "Complete"}


def test_only_a_skippable_step_is_skipped(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "skipped")
    assert act(kubectl, "skipped", "Skip", "after") == (
        "Rejected",
        "after is not skippable in its template: use Complete or Resolve",
    )
    assert act(kubectl, "skipped", "Skip", "work")[0] == "Applied"
    found = _until_ended(kubectl, "skipped")
    assert tasks.step(found, "work")["outcome"] == "Skipped"
    assert tasks.end_of(found) == ("Complete", "Succeeded")


def test_a_running_step_is_stopped_before_it_is_completed_by_hand(kubectl: Kubectl) -> None:
    until_step(kubectl, "stopped-first", "work", "InProgress")
    assert act(kubectl, "stopped-first", "Complete", "work", result=1)[0] == "Applied"
    found = _until_ended(kubectl, "stopped-first")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 1
    of_step = f"kubesaga.dev/step=work,kubesaga.dev/task-uid={found['metadata']['uid']}"
    assert [pod["status"]["phase"] for pod in kubectl.get_all("pods", of_step)] in ([], ["Failed"])


def test_a_running_step_is_failed_by_hand_for_good(kubectl: Kubectl) -> None:
    until_step(kubectl, "failed-by-hand", "work", "InProgress")
    assert act(kubectl, "failed-by-hand", "Fail", "work", reason="it hangs")[0] == "Applied"
    found = _until_ended(kubectl, "failed-by-hand")
    assert tasks.end_of(found) == ("Error", "Aborted")
    error = tasks.error_of(found)
    assert (error["type"], error["message"]) == ("FailedManually", "it hangs")


def test_a_whole_task_is_resolved_by_hand_with_a_result(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "resolved")
    assert act(kubectl, "resolved", "Resolve", result={"by": "hand"}, reason="settled by phone")[0] == "Applied"
    found = _until_ended(kubectl, "resolved")
    assert tasks.end_of(found) == ("ResolvedManually", "ResolvedManually")
    assert found["status"]["result"] == {"by": "hand"}
    assert "settled by phone" in found["status"]["message"]
    assert tasks.condition(found, "Ready")["status"] == "True"


def test_a_blocked_task_is_given_up_before_its_time(kubectl: Kubectl) -> None:
    _until_blocked(kubectl, "given-up")
    assert act(kubectl, "given-up", "GiveUp")[0] == "Applied"
    assert tasks.end_of(_until_ended(kubectl, "given-up")) == ("Error", "Aborted")


def test_repairing_a_step_gives_the_siblings_that_its_failure_stopped_their_turn_again(kubectl: Kubectl) -> None:
    until_step(kubectl, "siblings", "beside", "InProgress")
    let_go(kubectl, "siblings", "work")
    found = _until_blocked(kubectl, "siblings")
    assert tasks.states(found) == {"work": "Error", "beside": "Cancelled"}
    assert act(kubectl, "siblings", "Retry", "work")[0] == "Applied"
    kubectl.until(TASK, "siblings", lambda t: tasks.step(t, "beside").get("attempt") == 2, "with its sibling again")
    assert act(kubectl, "siblings", "Complete", "beside")[0] == "Applied"
    let_go(kubectl, "siblings", "work")
    assert tasks.end_of(_until_ended(kubectl, "siblings")) == ("Complete", "Succeeded")


def test_a_step_undone_by_hand_lets_the_saga_go_on(kubectl: Kubectl) -> None:
    found = _until_stuck(kubectl, "mark")
    assert tasks.step(found, "first")["compensation"]["state"] == "Pending"
    assert act(kubectl, "mark", "MarkCompensated", "second")[0] == "Applied"
    found = _until_ended(kubectl, "mark")
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.step(found, "second")["compensation"]["state"] == "ResolvedManually"
    assert tasks.step(found, "first")["compensation"]["state"] == "Complete"


def test_an_abandoned_saga_says_what_was_not_undone(kubectl: Kubectl) -> None:
    _until_stuck(kubectl, "abandon")
    assert act(kubectl, "abandon", "Abandon")[0] == "Applied"
    found = _until_ended(kubectl, "abandon")
    assert tasks.end_of(found) == ("Error", "CompensationFailed")
    assert sorted(found["status"]["compensation"]["abandoned"]) == ["first", "second"]


def test_a_compensation_that_failed_is_tried_again(kubectl: Kubectl) -> None:
    _until_stuck(kubectl, "undo-again")
    assert act(kubectl, "undo-again", "RetryCompensation", "first", expectedAttempt=1)[0] == "Applied"
    found = _until_ended(kubectl, "undo-again")
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.step(found, "first")["compensation"]["attempt"] == 2


@pytest.mark.parametrize(
    ("type_", "step", "spec", "reason"),
    [
        ("Retry", "before", {}, "only a step in Error can be retried"),
        ("Complete", "before", {}, "what is over keeps its result"),
        ("Approve", "work", {}, "no approval"),
        ("Retry", "nowhere", {}, "has no step 'nowhere'"),
        ("Retry", "work", {"expectedAttempt": 7}, "expects attempt 7"),
        ("Retry", "work", {"taskRef": {"name": "blocked", "uid": "another"}}, "UID another"),
        ("Abandon", None, {}, "not Compensating"),
        ("ConfirmStopped", "work", {}, "nothing to confirm"),
    ],
)
def test_what_does_not_fit_is_rejected_with_the_reason(
    kubectl: Kubectl, type_: str, step: str | None, spec: Manifest, reason: str
) -> None:
    before = _until_blocked(kubectl, "blocked")
    phase, message = act(kubectl, "blocked", type_, step, **spec)
    assert phase == "Rejected"
    assert reason in message
    assert kubectl.get(TASK, "blocked")["status"] == before["status"]


@pytest.mark.parametrize(
    ("type_", "step", "reason"),
    [
        ("Retry", None, "cannot be taken up again"),
        ("Complete", "work", "cannot be taken up again"),
        ("GiveUp", None, "only one that is BlockedByFailures"),
    ],
)
def test_a_task_that_is_done_stays_as_it_is(kubectl: Kubectl, type_: str, step: str | None, reason: str) -> None:
    before = _until_ended(kubectl, "done")
    phase, message = act(kubectl, "done", type_, step)
    assert phase == "Rejected"
    assert reason in message
    assert kubectl.get(TASK, "done")["status"] == before["status"]


def test_an_action_on_a_task_that_is_not_there_is_rejected(kubectl: Kubectl) -> None:
    phase, message = act(kubectl, "nobody", "Retry")
    assert phase == "Rejected"
    assert "nobody" in message


def test_an_action_applies_once_however_often_it_is_seen(kubectl: Kubectl) -> None:
    """Its record stands in the Task's status: the action seen again, without its answer, is only answered."""
    _until_blocked(kubectl, "twice")
    manifest = action(kubectl, "twice", "Retry", "work")
    kubectl.create(manifest)
    assert answer(kubectl, manifest)[0] == "Applied"
    kubectl.until(TASK, "twice", _is_blocked_again, "blocked again")
    forget = '{"status": null}'
    kubectl.run("patch", ACTION, manifest["metadata"]["name"], "--subresource=status", "--type=merge", "-p", forget)
    assert answer(kubectl, manifest)[0] == "Applied"
    found = kubectl.get(TASK, "twice")
    assert tasks.step(found, "work")["attempt"] == 2
    assert len(found["status"]["actions"]) == 1


def _is_blocked_again(task: Manifest) -> bool:
    return (task["status"]["state"], tasks.step(task, "work")["attempt"]) == ("BlockedByFailures", 2)
