"""The verbs that go on: trees, lists and logs that follow a Task, and Ctrl-C in the middle of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import tasks
from tests.cluster.cli import Cli, as_service_account, interrupted, until_line
from tests.cluster.kubectl import PATIENCE, Kubectl
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.rights import account_name, until_may
from tests.cluster.tasks import TASK, sh, template

TEMPLATES = [
    template("sign", {"name": "sign", "approval": {}}),
    template(
        "talk",
        sh("first", "for i in 1 2 3; do echo word $i; sleep 1; done"),
        {"name": "sign", "dependsOn": ["first"], "approval": {}},
        sh(
            "second",
            "echo attempt $KUBESAGA_ATTEMPT; test $KUBESAGA_ATTEMPT = 2",
            dependsOn=["sign"],
            retry=tasks.AT_ONCE,
        ),
    ),
    template("then-sign", sh("work", "sleep 2; echo done"), {"name": "sign", "dependsOn": ["work"], "approval": {}}),
    template("endless", sh("work", "trap 'exit 143' TERM; while true; do echo still here; sleep 1 & wait $!; done")),
]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace with the templates."""
    with fresh_namespace(operator) as own:
        own.apply(*TEMPLATES)
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


def test_a_tree_is_watched_to_the_end_of_its_task(cli: Cli) -> None:
    cli.ok("submit", "sign", "--name", "watched")
    with cli.going("tree", "watched", "--watch") as process:
        until_line(process, "sign: InProgress")
        cli.ok("approve", "watched", "sign")
        until_line(process, "Complete/Succeeded")
        assert process.wait(PATIENCE) == 0


def test_a_list_is_watched_until_ctrl_c(cli: Cli) -> None:
    with cli.going("list", "--watch", "--template", "sign") as process:
        cli.ok("submit", "sign", "--name", "listed")
        until_line(process, "listed", "WaitingForDependencies")
        cli.ok("approve", "listed", "sign")
        until_line(process, "listed", "Succeeded")
        ended = interrupted(process)
    assert (ended.code, ended.err) == (130, "interrupted\n")


def test_logs_are_followed_through_all_steps_and_attempts(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "talk", "--name", "talks")
    with cli.going("logs", "talks", "--follow") as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(3)]
        kubectl.until(TASK, "talks", lambda t: tasks.step(t, "sign").get("state") == "InProgress", "asking")
        cli.ok("approve", "talks", "sign")  # not before it follows: of what is past it tells the latest attempt only
        heard += process.stdout.readlines()
        assert process.stderr is not None
        assert (process.wait(PATIENCE), process.stderr.read()) == (0, "")
    assert sorted(heard) == [
        "[first #1] word 1\n",
        "[first #1] word 2\n",
        "[first #1] word 3\n",
        "[second #1] attempt 1\n",
        "[second #2] attempt 2\n",
    ]


def test_one_step_is_followed_without_its_name(cli: Cli) -> None:
    cli.ok("submit", "talk", "--name", "speaks")
    assert cli.ok("logs", "speaks", "first", "-f").splitlines() == ["word 1", "word 2", "word 3"]


def test_following_a_step_ends_with_it_and_not_with_its_task(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "then-sign", "--name", "half")
    assert cli.ok("logs", "half", "work", "-f") == "done\n"
    assert not tasks.ended(kubectl.get(TASK, "half"))


def test_who_may_not_read_logs_is_told_at_once(cli: Cli, kubectl: Kubectl, tmp_path: Path) -> None:
    cli.ok("submit", "then-sign", "--name", "private")
    kubectl.until(TASK, "private", lambda t: tasks.step(t, "work").get("state") == "Complete", "done")
    reader = cli.by(as_service_account(kubectl, "reader", tmp_path))
    rule = ["--verb=get,list,watch", "--resource=tasks.kubesaga.dev"]
    kubectl.run("create", "role", "reader", *rule)
    kubectl.run("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={kubectl.namespace}:reader")
    until_may(kubectl, account_name(kubectl, "reader"), "watch", TASK)
    assert "cannot list resource" in reader.refused(4, "logs", "private", "-f")


def test_ctrl_c_ends_whatever_waits_with_one_word(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "endless", "--name", "goes-on")
    kubectl.until(TASK, "goes-on", lambda t: tasks.step(t, "work").get("state") == "InProgress", "running")
    with cli.going("logs", "goes-on", "-f") as process:
        until_line(process, "[work #1] still here")
        followed = interrupted(process)
    with cli.going("tree", "goes-on", "-w") as process:
        until_line(process, "work: InProgress")
        drawn = interrupted(process)
    for ended in (followed, drawn):
        assert (ended.code, ended.err) == (130, "interrupted\n")
    assert kubectl.get(TASK, "goes-on")["status"]["state"] == "StepsInProcess"
    cli.ok("cancel", "goes-on", "--terminate")


def test_ctrl_c_in_a_wait_leaves_the_task_as_it_is(cli: Cli, kubectl: Kubectl) -> None:
    with cli.going("submit", "sign", "--name", "unanswered", "--wait") as process:
        kubectl.until(TASK, "unanswered", lambda t: tasks.step(t, "sign").get("state") == "InProgress", "open")
        ended = interrupted(process)
    assert (ended.code, ended.err.splitlines()[-1]) == (130, "interrupted")
    assert "Traceback" not in ended.err
    assert kubectl.get(TASK, "unanswered")["status"]["state"] == "WaitingForDependencies"


def test_a_task_that_is_deleted_is_not_waited_for(cli: Cli, kubectl: Kubectl) -> None:
    cli.ok("submit", "sign", "--name", "deleted")
    with cli.going("tree", "deleted", "--watch") as process:
        until_line(process, "sign: InProgress")
        kubectl.delete(TASK, "deleted")
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (3, "error: Task deleted was deleted meanwhile\n")
