"""What a failure, a limit or a deadline does to the other steps, on real pods.

All workflows of this file run side by side, once; what has to fail while another step runs is let go once that runs.
The rules one by one are the engine's tests; here they meet Jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.moments import held, let_go, until_step
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import report, sh, sleep

Ends = dict[str, Manifest]

_LIVE = ("Enqueued", "InProgress")
_BESIDE = {"abort-drain": "slow", "abort-terminate": "endless", "compensate-terminate": "endless"}
"""The step that runs when the step `fails` of a Task does."""
_GOES_ON = {"abort-drain": "slow", "continue": "unrelated"}
"""The step that ends well after the step `fails` of a Task has failed."""


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    fails = sh("fails", held("exit 65"))
    slow = sh("slow", held(report({"result": "drained"})))
    endless = sh("endless", sleep(600), compensation={"container": {"command": ["true"]}})
    return [
        *tasks.workflow("abort-drain", fails, slow, sh("after", "true", dependsOn=["slow"])),
        *tasks.workflow("abort-terminate", fails, endless, runningSteps="Terminate"),
        *tasks.workflow("compensate-terminate", fails, endless, runningSteps="Terminate", failureStrategy="Compensate"),
        *tasks.workflow(
            "continue",
            sh("fails", "exit 65"),
            sh("downstream", "true", dependsOn=["fails"]),
            sh("unrelated", held()),
            sh("unrelated_too", "true", dependsOn=["unrelated"]),
            sh("afterwards", "true", runAfter=["fails"]),
            failureStrategy="Continue",
        ),
        *tasks.workflow(
            "tolerated",
            sh("fails", "exit 65", continueOnError=True),
            sh("goes_on", report({"result": "all the same"}), dependsOn=["fails"]),
        ),
        *tasks.workflow("in-order", sh("last", "true", runAfter=["first"]), sh("first", sleep(2))),
        *tasks.workflow("deadline", sh("endless", sleep(600)), timeout="4s"),
        *tasks.workflow(
            "narrow",
            *(sh(f"step_{number}", sleep(0.5), priority=number) for number in range(5)),
            parallelism=2,
        ),
    ]


@pytest.fixture(scope="module")
def ends(operator: Kubectl) -> Iterator[Ends]:
    """Every Task at its end, by name."""
    with fresh_namespace(operator) as kubectl:
        kubectl.apply(*workflows())
        for name, beside in _BESIDE.items():
            until_step(kubectl, name, beside, "InProgress")
            let_go(kubectl, name, "fails")
        for name, step in _GOES_ON.items():
            until_step(kubectl, name, "fails", "Error")
            let_go(kubectl, name, step)
        yield tasks.all_finished(kubectl)


def _history(found: Manifest) -> list[Manifest]:
    moves: list[Manifest] = [each for each in found["status"]["transitions"] if "step" in each]
    return moves


def test_abort_with_drain_lets_a_running_step_finish_and_starts_nothing_more(ends: Ends) -> None:
    found = ends["abort-drain"]
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.states(found) == {"fails": "Error", "slow": "Complete", "after": "Pending"}
    assert tasks.step(found, "slow")["result"] == "drained"
    assert "fails failed: ExitCode" in found["status"]["message"]


def test_abort_with_terminate_stops_a_running_step(ends: Ends) -> None:
    found = ends["abort-terminate"]
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.states(found) == {"fails": "Error", "endless": "Cancelled"}


def test_what_a_stopped_step_may_have_done_is_undone(ends: Ends) -> None:
    found = ends["compensate-terminate"]
    assert tasks.end_of(found) == ("Error", "Compensated")
    stopped = tasks.step(found, "endless")
    assert (stopped["state"], stopped["compensation"]["state"]) == ("Cancelled", "Complete")
    assert stopped["finishedAt"] <= stopped["compensation"]["enqueuedAt"]


def test_continue_runs_whatever_does_not_depend_on_the_failure(ends: Ends) -> None:
    found = ends["continue"]
    assert tasks.end_of(found) == ("Error", "Failed")
    assert tasks.states(found) == {
        "fails": "Error",
        "downstream": "Pending",
        "unrelated": "Complete",
        "unrelated_too": "Complete",
        "afterwards": "Complete",
    }


def test_a_tolerated_failure_lets_its_dependents_run_and_is_told_at_the_end(ends: Ends) -> None:
    found = ends["tolerated"]
    assert tasks.end_of(found) == ("Complete", "PartiallySucceeded")
    assert found["status"]["result"] == {"goes_on": "all the same"}
    assert "fails" in found["status"]["message"]


def test_a_step_that_runs_after_another_waits_for_its_end(ends: Ends) -> None:
    found = ends["in-order"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "first")["finishedAt"] <= tasks.step(found, "last")["enqueuedAt"]


def test_a_task_that_exceeds_its_timeout_is_stopped_and_says_so(ends: Ends) -> None:
    found = ends["deadline"]
    assert tasks.end_of(found) == ("Error", "Failed")
    assert tasks.states(found) == {"endless": "Cancelled"}
    assert "timeout of 4 s was exceeded" in found["status"]["message"]


def test_no_more_steps_run_at_once_than_parallelism_allows(ends: Ends) -> None:
    found = ends["narrow"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    live: set[str] = set()
    most = 0
    for move in _history(found):
        (live.add if move["to"] in _LIVE else live.discard)(move["step"])
        most = max(most, len(live))
    assert most == 2


def test_where_parallelism_limits_the_higher_priority_starts_first(ends: Ends) -> None:
    order = [move["step"] for move in _history(ends["narrow"]) if "Enqueue" in move["events"]]
    assert order == ["step_4", "step_3", "step_2", "step_1", "step_0"]
