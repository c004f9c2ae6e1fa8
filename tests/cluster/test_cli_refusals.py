"""Bad input and bad luck, the program against a real cluster: one clear line, the remedy, the right exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import tasks
from tests.cluster.cli import Cli, as_service_account, with_token
from tests.cluster.kubectl import Kubectl
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.rights import account_name, until_may
from tests.cluster.tasks import template

# Every verb about one Task, with what it needs beside the Task's name.
ABOUT_A_TASK: dict[str, list[str]] = {
    "get": [],
    "tree": [],
    "logs": [],
    "explain": [],
    "wait": [],
    "events": [],
    "history": [],
    "report": [],
    "retry": [],
    "complete": ["sign"],
    "resolve": [],
    "skip": ["sign"],
    "fail": ["sign"],
    "approve": ["sign"],
    "reject": ["sign"],
    "give-up": [],
    "retry-compensation": [],
    "mark-compensated": ["sign"],
    "abandon": [],
    "confirm-stopped": ["sign"],
    "cancel": [],
    "suspend": [],
    "resume": [],
}
WITHOUT_A_TASK = (["list"], ["templates", "list"], ["templates", "show", "sign"], ["stats"], ["dead-letter", "list"])


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace with a Task that waits."""
    with fresh_namespace(operator) as own:
        own.apply(template("sign", {"name": "sign", "approval": {}}, domain="shop"))
        task = tasks.task("order-1", of="sign")
        task["spec"]["templateRef"]["domain"] = "shop"
        own.apply(task)
        own.until(tasks.TASK, "order-1", lambda t: tasks.step(t, "sign").get("state") == "InProgress", "started")
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


@pytest.fixture(scope="module")
def powerless(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The program in the hands of somebody who may do nothing."""
    return Cli.of(kubectl).by(as_service_account(kubectl, "powerless", tmp_path_factory.mktemp("kubeconfig")))


@pytest.mark.parametrize("verb", ABOUT_A_TASK)
def test_an_unknown_task_is_told_with_the_name_that_was_meant(verb: str, cli: Cli) -> None:
    said = cli.inside(verb, "ordr-1", *ABOUT_A_TASK[verb]).refused(3)
    assert f"error: namespace {cli.namespace} has no Task 'ordr-1'" in said
    assert "hint: did you mean order-1?" in said


def test_an_unknown_task_with_another_name_is_told_with_those_there_are(cli: Cli) -> None:
    assert f"hint: namespace {cli.namespace} has: order-1" in cli.refused(3, "get", "xyz")


def test_an_unknown_step_is_told_with_the_name_that_was_meant(cli: Cli) -> None:
    for verb in ("approve", "complete", "logs"):
        assert "hint: did you mean sign?" in cli.refused(3, verb, "order-1", "sing")


@pytest.mark.parametrize("verb", [["submit"], ["templates", "show"]])
def test_an_unknown_template_is_told_with_those_that_were_meant(verb: list[str], cli: Cli) -> None:
    said = cli.refused(3, *verb, "shop/sing")
    assert "has no TaskTemplate shop/sing" in said
    assert "hint: did you mean shop/sign@1.0.0?" in said
    assert "shop/sign@1.0.0" in cli.refused(3, *verb, "sign")


def test_a_version_that_is_not_there_is_told_with_those_that_are(cli: Cli) -> None:
    assert "shop/sign@1.0.0" in cli.refused(3, "submit", "shop/sign@^2")


@pytest.mark.parametrize("words", [[verb, "order-1", *rest] for verb, rest in ABOUT_A_TASK.items()])
def test_what_may_not_be_done_is_refused_with_the_right_that_is_missing(words: list[str], powerless: Cli) -> None:
    said = powerless.inside(*words).refused(4)
    assert "cannot get resource" in said
    assert "hint: " in said


@pytest.mark.parametrize("words", WITHOUT_A_TASK)
def test_what_may_not_be_listed_is_refused(words: list[str], powerless: Cli) -> None:
    assert "cannot list resource" in powerless.inside(*words).refused(4)


def test_who_may_not_submit_is_told_so(powerless: Cli) -> None:
    assert "cannot create resource" in powerless.refused(4, "submit", "shop/sign")


def test_who_may_read_may_still_not_decide(kubectl: Kubectl, cli: Cli, tmp_path: Path) -> None:
    reader = cli.by(as_service_account(kubectl, "reader", tmp_path))
    account = f"--serviceaccount={kubectl.namespace}:reader"
    kubectl.run("create", "rolebinding", "reader", "--clusterrole=view", account)
    until_may(kubectl, account_name(kubectl, "reader"), "get", tasks.TASK)
    assert reader.ok("get", "order-1", "-o", "name") == "task.kubesaga.dev/order-1\n"
    assert 'cannot create resource "taskactions"' in reader.refused(4, "approve", "order-1", "sign")
    assert 'cannot patch resource "tasks"' in reader.refused(4, "cancel", "order-1")


def test_a_token_that_nobody_knows_is_refused(kubectl: Kubectl, cli: Cli, tmp_path: Path) -> None:
    stranger = cli.by(with_token(kubectl, "nobodys", tmp_path / "stranger.yaml"))
    assert "does not accept the credentials" in stranger.refused(4, "list")


def test_a_cluster_that_is_not_there_is_told_so(kubectl: Kubectl, cli: Cli, tmp_path: Path) -> None:
    config = yaml.safe_load(kubectl.kubeconfig.read_text("utf-8"))
    for each in config["clusters"]:
        each["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "gone.yaml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    for words in (["list"], ["tree", "order-1", "--watch"]):
        assert "the API server does not answer" in cli.by(path).refused(6, *words)


def test_a_kubeconfig_that_is_not_there_is_bad_input(cli: Cli, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")
    assert missing in cli.refused(2, "list", "--kubeconfig", missing)
    assert "has no context nowhere" in cli.inside("list", "--kube-context", "nowhere").refused(2)
    broken = tmp_path / "broken.yaml"
    broken.write_text("{", "utf-8")
    assert str(broken) in cli.refused(2, "list", "--kubeconfig", str(broken))


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--stat", "Complete"],
        ["list", "--state", "Happy"],
        ["list", "--template", "a/b/c"],
        ["get"],
        ["get", "order-1", "-o", "xml"],
        ["approve", "order-1"],
        ["approve", "order-1", "sign", "--expected-attempt", "first"],
        ["submit"],
        ["submit", "shop/sign", "-p", "order"],
        ["submit", "shop/sign", "-p", "a.b=1", "-p", "a=2"],
        ["submit", "shop/sign", "-c", "{order: "],
        ["submit", "shop/sign", "-c", "[1]"],
        ["submit", "shop/sign", "-c", "@missing.json"],
        ["submit", "shop/sign", "-f", "missing.yaml"],
        ["submit", "-f", "missing.yaml"],
        ["submit", "shop/sign@not-a-version"],
        ["templates", "show", "a/b/c"],
        ["wait", "order-1", "--timeout", "soon"],
        ["stats", "--since", "yesterday"],
        ["list", "--request-timeout", "1"],
    ],
)
def test_bad_usage_is_one_line_and_code_2(words: list[str], cli: Cli) -> None:
    cli.inside(*words).refused(2)
