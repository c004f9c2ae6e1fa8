"""``kubesaga submit`` and ``wait`` against a real cluster: what is created, and the exit code that tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import tasks
from tests.cluster.cli import Cli
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, template

UNDO: Manifest = {"container": {"command": ["true"]}}
STUCK: Manifest = {"container": {"command": ["sh", "-c", "exit 70"]}, "retry": tasks.ONCE}
TEMPLATES = [
    template("good", sh("work", report({"result": 1})), domain="shop"),
    template("bad", sh("work", "exit 70")),
    template(
        "undone",
        sh("work", "true", compensation=UNDO),
        sh("break", "exit 70", dependsOn=["work"]),
        failureStrategy="Compensate",
    ),
    template(
        "stuck",
        sh("work", "true", compensation=STUCK),
        sh("break", "exit 70", dependsOn=["work"]),
        failureStrategy="Compensate",
    ),
    template("strict", sh("work", "true"), inputSchema={"type": "object", "required": ["order"]}),
    template("once", {"name": "sign", "approval": {}}, identityStrategy="CallerProvided"),
    template("sign", {"name": "sign", "approval": {}}),
]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace with all templates."""
    with fresh_namespace(operator) as own:
        own.apply(*TEMPLATES)
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


def test_a_task_that_is_waited_for_tells_its_steps_and_its_outcome(cli: Cli) -> None:
    ended = cli.call("submit", "shop/good@^1", "--name", "watched", "--wait", "--timeout", "5m")
    assert ended.code == 0, ended.err
    assert ended.out == "Task watched ended Complete, outcome Succeeded: its one step done\n"
    assert "work: Complete, attempt 1" in ended.err.splitlines()


def test_its_object_can_be_had_when_it_has_ended(cli: Cli) -> None:
    ended = cli.call("submit", "shop/good@^1", "--wait", "-o", "json")
    assert (ended.code, json.loads(ended.out)["status"]["result"]) == (0, {"work": 1})


def test_the_exit_code_tells_the_outcome(cli: Cli, kubectl: Kubectl) -> None:
    for name in ("bad", "undone", "strict", "stuck"):
        cli.ok("submit", name, "--name", name)
    cli.ok("submit", "sign", "--name", "stopped")
    cli.ok("cancel", "stopped")
    cli.ok("submit", "once", "--name", "first", "--idempotency-key", "k")
    kubectl.until(TASK, "first", lambda t: tasks.step(t, "sign"), "started")
    cli.ok("submit", "once", "--name", "second", "--idempotency-key", "k")
    names = ("bad", "undone", "strict", "stopped", "second", "stuck")
    codes = {name: cli.call("wait", name, "--timeout", "5m").code for name in names}
    assert codes == {"bad": 10, "undone": 11, "strict": 14, "stopped": 13, "second": 15, "stuck": 16}
    cli.ok("abandon", "stuck", "--reason", "enough")
    assert cli.call("wait", "stuck", "--timeout", "5m").code == 12
    cli.ok("resolve", "bad")
    assert cli.call("wait", "bad").code == 0


def test_a_request_carries_what_the_options_say(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text("order: {id: 1, items: [a]}\ncustomer: ada\n", "utf-8")
    words = [
        "-p",
        "order.id=4711",
        "-p",
        "express=true",
        "--initiator",
        "ada",
        "--reason",
        "because",
        "--priority",
        "5",
    ]
    words += ["--tag", "a", "--tag", "b", "--idempotency-key", "key-1"]
    cli.ok("submit", "sign", "--name", "full", "--context", f"@{file}", *words)
    spec = cli.data("get", "full")["spec"]
    assert spec["context"] == {"order": {"id": 4711, "items": ["a"]}, "customer": "ada", "express": True}
    given = {key: spec[key] for key in ("initiator", "reason", "priority", "tags", "idempotencyKey")}
    assert given == {
        "initiator": "ada",
        "reason": "because",
        "priority": 5,
        "tags": ["a", "b"],
        "idempotencyKey": "key-1",
    }


def test_tasks_come_from_a_file_or_from_stdin(cli: Cli, tmp_path: Path) -> None:
    manifests = yaml.safe_dump_all([tasks.task("from-file-1", of="sign"), tasks.task("from-file-2", of="sign")])
    file = tmp_path / "tasks.yaml"
    file.write_text(manifests, "utf-8")
    assert cli.ok("submit", "-f", str(file)) == "Task from-file-1 created\nTask from-file-2 created\n"
    stdin = yaml.safe_dump(tasks.task("from-stdin", of="sign"))
    assert cli.ok("submit", "-f", "-", "-o", "name", stdin=stdin) == "task.kubesaga.dev/from-stdin\n"


def test_the_same_request_again_is_the_same_task_and_another_one_is_refused(cli: Cli) -> None:
    cli.ok("submit", "sign", "--name", "again", "-p", "order=1")
    uid = cli.data("get", "again")["metadata"]["uid"]
    cli.ok("submit", "sign", "--name", "again", "-p", "order=1")
    assert cli.data("get", "again")["metadata"]["uid"] == uid
    assert "asks for something else" in cli.refused(5, "submit", "sign", "--name", "again", "-p", "order=2")


def test_a_dry_run_creates_nothing(cli: Cli, kubectl: Kubectl) -> None:
    assert "would be created" in cli.ok("submit", "sign", "--name", "dry", "--dry-run", "server")
    manifest = yaml.safe_load(cli.ok("submit", "sign", "--name", "dry", "-p", "a.b=1", "--dry-run", "client"))
    assert kubectl.find(TASK, "dry") is None
    kubectl.run("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    assert cli.data("get", "dry")["spec"]["context"] == {"a": {"b": 1}}


def test_what_the_api_server_refuses_is_told_with_its_field(cli: Cli) -> None:
    said = cli.refused(2, "submit", "sign", "--name", "Not_A_Name")
    assert "metadata.name" in said


def test_a_state_or_a_step_can_be_waited_for(cli: Cli) -> None:
    cli.ok("submit", "sign", "--name", "waits")
    assert cli.ok("wait", "waits", "--for", "step=sign=InProgress", "--timeout", "5m").startswith("Task waits is")
    assert cli.ok("wait", "waits", "--for", "state=waitingForDependencies", "--timeout", "5m").startswith("Task waits")
    ended = cli.call("wait", "waits", "--timeout", "1s")
    assert ended.code == 7
    error, hint = ended.err.splitlines()[-2:]
    assert error.endswith("it is WaitingForDependencies")
    assert hint.startswith("hint: see what it waits for: kubesaga explain waits")
    with cli.going("wait", "waits") as process:  # not in a second: to ask, it has to read the Task first
        assert process.stderr is not None
        asked, answer = process.stderr.readline(), process.stderr.readline()
    assert asked == "Task waits waits for an answer to the approval sign: approve it or reject it\n"
    assert answer == f"hint: kubesaga approve waits sign -n {cli.namespace}\n"
    cli.ok("reject", "waits", "sign")
    assert "ended without state=Complete" in cli.refused(5, "wait", "waits", "--for", "state=Complete")[-200:]


def test_what_cannot_be_waited_for_is_bad_usage(cli: Cli) -> None:
    for written in ("nothing", "state=", "state=Happy", "step=sign", "step==Complete"):
        cli.refused(2, "wait", "any", "--for", written)
