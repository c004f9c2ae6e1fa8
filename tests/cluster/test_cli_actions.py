"""The verbs by which a human decides, the program against a real cluster: each is applied, or says why it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import tasks
from tests.cluster.actions import caller
from tests.cluster.cli import Cli
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, sh, sleep, template

NEVER: Manifest = {"container": {"command": ["sh", "-c", "exit 70"]}, "retry": tasks.ONCE}
SIGN: Manifest = {"name": "sign", "approval": {}}
TEMPLATES = [
    template("sign", SIGN, {**SIGN, "name": "other"}),
    template(
        "broken",
        sh("first", "exit 70"),
        sh("second", "exit 70"),
        sh("third", "exit 70", skippable=True),
        sh("fourth", "exit 70"),
        failureStrategy="Continue",
        blockedTimeout="1h",
    ),
    template(
        "stuck",
        sh("one", "true", compensation=NEVER),
        sh("two", "true", compensation=NEVER, dependsOn=["one"]),
        sh("break", "exit 70", dependsOn=["two"]),
        failureStrategy="Compensate",
    ),
    template("long", sh("work", sleep(3600), compensation={"container": {"command": ["true"]}})),
]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which everything has been started that the tests decide about."""
    with fresh_namespace(operator) as own:
        own.apply(*TEMPLATES)
        names = {
            "sign": ["answered", "failed"],
            "broken": ["repaired", "given-up"],
            "stuck": ["marked", "abandoned"],
            "long": ["stopped"],
        }
        own.apply(*(tasks.task(name, of=of) for of, listed in names.items() for name in listed))
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


def state_of(kubectl: Kubectl, name: str, state: str) -> Manifest:
    """The Task once it is there."""
    return kubectl.until(TASK, name, lambda t: t.get("status", {}).get("state") == state, state)


def test_approvals_are_answered_in_the_name_of_who_asks(cli: Cli, kubectl: Kubectl) -> None:
    state_of(kubectl, "answered", "WaitingForDependencies")
    said = cli.ok("approve", "answered", "sign", "--reason", "looks right", "--result", '{"by": "cli"}')
    assert said == "Applied: sign is approved\n"
    assert cli.ok("reject", "answered", "other", "--reason", "no budget") == "Applied: other is rejected\n"
    found = kubectl.until(TASK, "answered", tasks.ended, "at its end")
    assert tasks.step(found, "sign")["result"] == {"by": "cli"}
    told = [(a["type"], a["requestedBy"], a["reason"]) for a in found["status"]["actions"]]
    assert told == [("Approve", caller(kubectl), "looks right"), ("Reject", caller(kubectl), "no budget")]


def test_each_failed_step_is_settled_in_its_own_way(cli: Cli, kubectl: Kubectl, tmp_path: Path) -> None:
    state_of(kubectl, "repaired", "BlockedByFailures")
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"done": True}), "utf-8")
    cli.ok("complete", "repaired", "first", "--result", f"@{file}")
    cli.ok("resolve", "repaired", "second", "--result", "null")
    cli.ok("skip", "repaired", "third")
    state_of(kubectl, "repaired", "BlockedByFailures")
    assert cli.ok("retry", "repaired", "fourth").startswith("Applied: attempt 2 of fourth")
    kubectl.until(TASK, "repaired", lambda t: tasks.step(t, "fourth").get("attempt") == 2, "retried")
    found = state_of(kubectl, "repaired", "BlockedByFailures")
    assert tasks.states(found) == {
        "first": "Complete",
        "second": "ResolvedManually",
        "third": "Complete",
        "fourth": "Error",
    }
    cli.ok("resolve", "repaired", "--reason", "by hand")
    assert cli.call("wait", "repaired", "--timeout", "5m").code == 0


def test_a_blocked_task_is_given_up(cli: Cli, kubectl: Kubectl) -> None:
    state_of(kubectl, "given-up", "BlockedByFailures")
    assert cli.ok("give-up", "given-up") == "Applied: the Task is given up\n"
    assert cli.call("wait", "given-up", "--timeout", "5m").code == 10


def test_a_step_is_failed(cli: Cli, kubectl: Kubectl) -> None:
    state_of(kubectl, "failed", "WaitingForDependencies")
    assert cli.ok("fail", "failed", "sign", "--reason", "too late") == "Applied: sign is in Error\n"
    error = tasks.error_of(kubectl.until(TASK, "failed", tasks.ended, "at its end"), "sign")
    assert (error["type"], error["message"]) == ("FailedManually", "too late")


def test_undoing_that_is_stuck_is_tried_again_and_then_declared_done(cli: Cli, kubectl: Kubectl) -> None:
    assert cli.call("wait", "marked", "--timeout", "5m").code == 16
    assert cli.ok("retry-compensation", "marked", "two") == "Applied: undone again: two\n"
    kubectl.until(TASK, "marked", lambda t: tasks.step(t, "two")["compensation"].get("attempt") == 2, "tried again")
    assert cli.call("wait", "marked", "--timeout", "5m").code == 16
    assert cli.ok("mark-compensated", "marked", "two") == "Applied: two counts as undone\n"
    assert cli.call("wait", "marked", "--for", "step=one=Complete", "--timeout", "5m").code == 0
    kubectl.until(TASK, "marked", lambda t: tasks.step(t, "one")["compensation"].get("state") == "Error", "stuck again")
    cli.ok("mark-compensated", "marked", "one")
    assert cli.call("wait", "marked", "--timeout", "5m").code == 11


def test_undoing_that_is_stuck_is_abandoned(cli: Cli) -> None:
    assert cli.call("wait", "abandoned", "--timeout", "5m").code == 16
    assert cli.ok("abandon", "abandoned", "--reason", "too old") == "Applied: not undone: two, one\n"
    assert cli.call("wait", "abandoned", "--timeout", "5m").code == 12


def test_an_action_that_does_not_fit_is_rejected_with_the_reason(cli: Cli) -> None:
    said = cli.refused(5, "confirm-stopped", "failed", "other")
    assert "ConfirmStopped of Task failed was rejected" in said
    assert "hint: see what fits: kubesaga explain failed" in said


def test_an_action_for_an_attempt_that_is_past_is_rejected(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "sign", "--name", "expects")
    state_of(kubectl, "expects", "WaitingForDependencies")
    said = cli.refused(5, "approve", "expects", "sign", "--expected-attempt", "7")
    assert "it expects attempt 7 of sign, which is at 1" in said
    cli.ok("approve", "expects", "sign", "--expected-attempt", "1")


def test_an_action_need_not_be_waited_for(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "sign", "--name", "later")
    state_of(kubectl, "later", "WaitingForDependencies")
    words = cli.ok("approve", "later", "sign", "--no-wait").split()
    assert (words[0], words[2]) == ("TaskAction", "created")
    kubectl.until("taskactions.kubesaga.dev", words[1], lambda a: a.get("status", {}).get("phase"), "answered")


def test_nobody_asks_in_the_name_of_another(cli: Cli) -> None:
    cli.ok("submit", "sign", "--name", "forged")
    said = cli.refused(4, "fail", "forged", "sign", "--requested-by", "somebody-else")
    assert "requestedBy must be who creates the TaskAction" in said


def test_a_task_is_suspended_resumed_and_cancelled(cli: Cli, kubectl: Kubectl) -> None:
    kubectl.until(TASK, "stopped", lambda t: tasks.step(t, "work").get("state") == "InProgress", "running")
    assert cli.ok("suspend", "stopped") == "Task stopped is suspended\n"
    kubectl.until(TASK, "stopped", lambda t: tasks.condition(t, "Suspended").get("status") == "True", "suspended")
    assert cli.ok("resume", "stopped") == "Task stopped goes on\n"
    assert cli.ok("cancel", "stopped", "--terminate", "--compensate") == "Task stopped is being cancelled and undone\n"
    assert cli.call("wait", "stopped", "--timeout", "5m").code == 11
    for verb in ("cancel", "suspend", "resume"):
        assert f"has ended Compensated: nothing to {verb}" in cli.refused(5, verb, "stopped")


def test_a_result_that_is_no_json_is_bad_input_with_its_place(cli: Cli) -> None:
    assert "--result:1:" in cli.refused(2, "complete", "failed", "sign", "--result", "{broken")
    assert "there is no such file" in cli.refused(2, "complete", "failed", "sign", "--result", "@missing.json")
