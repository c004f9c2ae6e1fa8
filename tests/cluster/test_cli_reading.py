"""The verbs that only read, the program against a real cluster on which the usual things have happened."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.cluster import tasks
from tests.cluster.cli import PROGRAM, Cli
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, report, sh, template

ORDER = template(
    "order",
    sh("reserve", "echo reserving", compensation={"container": {"command": ["echo", "releasing"]}}),
    sh(
        "charge",
        "echo attempt $KUBESAGA_ATTEMPT; test $KUBESAGA_ATTEMPT = 2",
        dependsOn=["reserve"],
        retry={"maxAttempts": 2, "backoff": "None"},
    ),
    sh("ship", "echo no truck; exit 70", dependsOn=["charge"]),
    domain="shop",
    failureStrategy="Compensate",
    inputSchema={"type": "object", "properties": {"id": {"type": "integer", "description": "its number"}}},
)
LEAF = template("leaf", sh("work", report({"result": 1})), domain="shop", version="1.0.0")
TRUNK = template("trunk", {"name": "below", "task": {"templateRef": {"domain": "shop", "name": "leaf"}}})
STALE = template("stale", {"name": "sign", "approval": {"timeout": "5h"}}, lifecycle={"waitingForDependencies": "1s"})


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace after an order that was undone, a sub-workflow, and a Task that nobody answers."""
    with fresh_namespace(operator) as own:
        order = tasks.task("order-1", of="order", context={"id": 7}, initiator="ada", tags=["vip"])
        order["spec"]["templateRef"]["domain"] = "shop"
        order["metadata"]["labels"] = {"customer": "ada"}
        own.apply(ORDER, LEAF, TRUNK, STALE, order, tasks.task("tree-1", of="trunk"), tasks.task("old-1", of="stale"))
        for name in ("order-1", "tree-1"):
            own.until(TASK, name, tasks.ended, "at its end")
        own.until_listed(TASK, "kubesaga.dev/dead-letter=true", len, "stale")
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


def first_column(printed: str) -> list[str]:
    return [line.split()[0] for line in printed.splitlines()]


def test_list_shows_every_task_in_each_form(cli: Cli) -> None:
    child = cli.data("get", "tree-1")["status"]["steps"][0]["childName"]
    expected = {"order-1", "tree-1", "old-1", child}
    printed = cli.ok("list")
    assert printed.splitlines()[0].split() == ["NAME", "STATE", "OUTCOME", "PROGRESS", "TEMPLATE", "AGE"]
    assert set(first_column(printed)[1:]) == expected
    assert "INITIATOR" in cli.ok("list", "-o", "wide")
    assert {item["metadata"]["name"] for item in cli.data("list")["items"]} == expected
    assert {item["metadata"]["name"] for item in yaml.safe_load(cli.ok("list", "-o", "yaml"))["items"]} == expected
    assert set(cli.ok("list", "-o", "name").split()) == {f"task.kubesaga.dev/{name}" for name in expected}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--state", "WaitingForDependencies"], ["old-1"]),
        (["--outcome", "Compensated"], ["order-1"]),
        (["--template", "shop/order@^1"], ["order-1"]),
        (["--template", "trunk"], ["tree-1"]),
        (["--template", "shop/order@2.0.0"], []),
        (["-l", "customer=ada"], ["order-1"]),
        (["-l", "customer=ada", "--state", "Complete"], []),
    ],
)
def test_list_filters(cli: Cli, words: list[str], expected: list[str]) -> None:
    assert first_column(cli.inside("list", *words).out)[1:] == expected


def test_list_looks_at_all_namespaces(cli: Cli, kubectl: Kubectl) -> None:
    rows = [line.split()[:2] for line in cli.ok("list", "-A").splitlines()]
    assert [kubectl.namespace, "order-1"] in rows
    assert rows[0] == ["NAMESPACE", "NAME"]


def test_get_is_a_page_with_errors_and_what_was_undone(cli: Cli) -> None:
    page = cli.ok("get", "order-1")
    for part in (
        "State:       Error, outcome Compensated",
        "Initiator:   ada",
        "ship, attempt 1: ExitCode",
        "reserve: Complete",
    ):
        assert part in page
    assert "History:" not in page
    assert "History:" in cli.ok("get", "order-1", "-o", "wide")


def test_get_gives_the_object_and_its_name(cli: Cli) -> None:
    assert cli.data("get", "order-1")["spec"]["context"] == {"id": 7}
    assert yaml.safe_load(cli.ok("get", "task.kubesaga.dev/order-1", "-o", "yaml"))["kind"] == "Task"
    assert cli.ok("get", "order-1", "-o", "name") == "task.kubesaga.dev/order-1\n"


def test_tree_has_undoing_and_sub_workflows_below_their_steps(cli: Cli) -> None:
    order = [line.split()[:4] for line in cli.ok("tree", "order-1").splitlines()[1:]]
    assert [words[:2] for words in order][1:3] == [["├─", "reserve"], ["│", "└─"]]
    assert ["├─", "charge", "Complete", "2"] in order
    printed = cli.ok("tree", "tree-1").splitlines()
    assert printed[2].startswith("└─ below")
    assert printed[3].startswith("   └─ Task tree-1-below-")
    assert printed[4].split()[:3] == ["└─", "work", "Complete"]


def test_logs_are_those_of_the_latest_attempt_of_a_step(cli: Cli) -> None:
    assert cli.ok("logs", "order-1", "charge") == "attempt 2\n"
    assert cli.ok("logs", "order-1", "charge", "--attempt", "1") == "attempt 1\n"
    assert cli.ok("logs", "order-1", "reserve") == "reserving\n"
    assert cli.ok("logs", "order-1", "reserve", "--compensation") == "releasing\n"


def test_logs_of_all_steps_say_where_each_line_comes_from(cli: Cli) -> None:
    assert cli.ok("logs", "order-1").splitlines() == [
        "[reserve #1] reserving",
        "[charge #2] attempt 2",
        "[ship #1] no truck",
        "[reserve undo #1] releasing",
    ]


def test_logs_that_cannot_be_had_say_why(cli: Cli) -> None:
    child = cli.data("get", "tree-1")["status"]["steps"][0]["childName"]
    assert f"see: kubesaga logs {child}" in cli.refused(3, "logs", "tree-1", "below")
    cli.refused(3, "logs", "old-1", "sign")
    said = cli.refused(3, "logs", "order-1", "charge", "--attempt", "9")
    assert "step charge has had no attempt 9" in said
    assert "hint: it is at attempt 2" in said
    cli.refused(2, "logs", "order-1", "--attempt", "1")


def test_explain_gives_commands_that_work(cli: Cli, kubectl: Kubectl) -> None:
    lines = cli.ok("explain", "old-1").splitlines()
    assert lines[0].startswith("old-1 is WaitingForDependencies for")
    assert any("without an answer to sign it fails" in line for line in lines)
    command = f"kubesaga approve old-1 sign -n {kubectl.namespace}"
    assert command in [entry["command"] for entry in cli.data("explain", "old-1")["canDo"]]
    assert "outcome Compensated" in cli.ok("explain", "order-1").splitlines()[0]


def test_events_tell_what_kubernetes_was_told(cli: Cli, kubectl: Kubectl) -> None:
    expected = {"TaskStarted", "StepRetry", "StepFailed", "TaskFailed"}

    def told(events: list[Manifest]) -> bool:
        return expected <= {each["reason"] for each in events if each["involvedObject"]["name"] == "order-1"}

    kubectl.until_listed("events", "", told, "told")  # which the operator does beside its work
    assert expected <= {event["reason"] for event in cli.data("events", "order-1")["items"]}
    assert "Warning" in cli.ok("events", "order-1")


def test_history_is_whole_or_of_one_step(cli: Cli) -> None:
    whole = cli.data("history", "order-1")
    assert whole == cli.data("get", "order-1")["status"]["transitions"]
    charge = cli.data("history", "order-1", "--step", "charge")
    assert [entry["events"] for entry in charge] == [e["events"] for e in whole if e.get("step") == "charge"]
    assert len(cli.ok("history", "order-1").splitlines()) == len(whole) + 1
    assert "has no step 'chrge'" in cli.refused(3, "history", "order-1", "--step", "chrge")


def test_report_comes_in_three_forms(cli: Cli) -> None:
    markdown = cli.ok("report", "order-1")
    assert markdown.startswith("# Task order-1\n")
    for heading in ("Timeline", "Attempts", "Critical path", "Errors", "Compensation", "Actions"):
        assert f"## {heading}" in markdown
    assert cli.ok("report", "order-1", "-o", "html").startswith("<!doctype html>")
    found = cli.data("report", "order-1")
    assert [(link["step"], link["role"]) for link in found["criticalPath"]] == [
        ("reserve", "forward"),
        ("charge", "forward"),
        ("ship", "forward"),
        ("reserve", "compensation"),
    ]
    assert [(a["step"], a["role"], a["number"], a["outcome"]) for a in found["attempts"]] == [
        ("reserve", "forward", 1, "Succeeded"),
        ("charge", "forward", 1, "Failed"),
        ("charge", "forward", 2, "Succeeded"),
        ("ship", "forward", 1, "Failed"),
        ("reserve", "compensation", 1, "Succeeded"),
    ]


def test_a_report_has_the_sub_workflows(cli: Cli) -> None:
    assert list(cli.data("report", "tree-1")["children"]) == ["below"]
    assert "## Task tree-1-below-" in cli.ok("report", "tree-1")


def test_templates_are_listed_by_domain(cli: Cli) -> None:
    printed = cli.ok("templates", "list", "--domain", "shop")
    assert [line.split()[:3] for line in printed.splitlines()[1:]] == [
        ["shop", "leaf", "1.0.0"],
        ["shop", "order", "1.0.0"],
    ]
    assert len(cli.data("templates", "list")["items"]) == 4


def test_a_template_has_a_page_with_its_steps_graph_and_users(cli: Cli) -> None:
    page = cli.ok("templates", "show", "shop/order")
    for part in ("Template:         shop/order@1.0.0", "its number", "UNDONE BY", "Graph:", "Tasks (1):", "order-1"):
        assert part in page
    assert cli.data("templates", "show", "shop/order@^1")["metadata"]["name"] == "order"


def test_stats_count_what_happened(cli: Cli) -> None:
    found = cli.data("stats")
    rates = {each["template"]: each["failureRate"] for each in found["templates"]}
    assert rates == {
        "default/stale@1.0.0": None,
        "default/trunk@1.0.0": 0.0,
        "shop/leaf@1.0.0": 0.0,
        "shop/order@1.0.0": 1.0,
    }
    (charge,) = (each for each in found["steps"] if each["step"] == "charge")
    assert (charge["attempts"], charge["failedAttempts"], charge["recovered"]) == (2, 1, 1)
    assert cli.data("stats", "--template", "shop/order", "--since", "1h")["tasks"] == 1
    assert cli.data("stats", "--since", "1ms")["tasks"] == 0
    assert "Flakiest steps" in cli.ok("stats")


def test_dead_letters_are_listed_and_explained(cli: Cli) -> None:
    assert first_column(cli.ok("dead-letter", "list"))[1:] == ["old-1"]
    shown = cli.ok("dead-letter", "show", "old-1")
    assert "its template allows 1s" in shown
    assert "kubesaga approve old-1 sign" in shown
    assert "is not stale" in cli.refused(3, "dead-letter", "show", "tree-1")


def test_json_is_never_mixed_with_talk(cli: Cli) -> None:
    ended = cli.call("list", "--state", "Compensating", "-o", "json")
    assert (json.loads(ended.out)["items"], ended.err) == ([], "")


def test_the_same_program_is_a_plugin_of_kubectl(cli: Cli, kubectl: Kubectl) -> None:
    environment = {
        **os.environ,
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(kubectl.kubeconfig),
    }
    words = [str(kubectl.program), "saga", "list", "-n", kubectl.namespace, "-o", "name"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "task.kubesaga.dev/order-1" in done.stdout) == (0, True), done.stderr
