"""``kubesaga run`` as its users see it: what it reads, what it prints, how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubesaga.cli.main import main
from tests.local.support import HANDLERS, handler, shell, task, template

pytestmark = pytest.mark.slow

FLOW = template(
    handler("a", compensation={}), handler("b", "steps:call", "a"), failureStrategy="Compensate",
    inputSchema={"type": "object", "properties": {"n": {"type": "integer"}}},
)  # fmt: skip
APPROVAL = template({"name": "ok", "approval": {}}, handler("b", "steps:call", "ok"), name="asks")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "steps.py").write_text(HANDLERS, encoding="utf-8")
    write(tmp_path / "flow.yaml", FLOW)
    return tmp_path


def write(path: Path, *manifests: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")


def run(*arguments: str) -> int:
    return main(["run", "--inline", *arguments])


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """What is said on stderr, which is an error and a hint and no more."""
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ")
    assert [line[:6] for line in lines[1:]] in ([], ["hint: "])
    return lines[0]


def test_a_template_and_a_context_make_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flow.yaml", "-p", "n=5", "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["metadata"]["name"], found["spec"]["context"]) == ("flow-1", {"n": 5})
    assert found["status"]["result"] == {"b": {"step": "b", "attempt": 1, "saw": ["a"]}}


def test_a_template_whose_name_no_task_can_have_makes_one_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "odd.yaml", template(handler("a"), name="ship_" + "o" * 58))
    names = []
    for _ in range(2):
        assert run("odd.yaml", "-o", "json") == 0
        names.append(json.loads(capsys.readouterr().out)["metadata"]["name"])
    assert names == ["ship-" + "o" * 56 + "-1", "ship-" + "o" * 56 + "-2"]


def test_the_context_may_be_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "order.json").write_text('{"n": 7}')
    assert run("flow.yaml", "--context", "@order.json", "-p", "m=1", "-o", "yaml") == 0
    assert yaml.safe_load(capsys.readouterr().out)["spec"]["context"] == {"n": 7, "m": 1}


def test_a_task_is_run_as_it_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "task.yaml", task(name="mine", context={"n": 1}))
    assert run("task.yaml", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["name"] == "mine"


def test_one_of_several_tasks_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "tasks.yaml", task(name="one"), task(name="two"))
    assert run("tasks.yaml") == 2
    assert "the files have 2 Tasks: one, two" in refused(capsys)
    assert run("tasks.yaml", "--task", "two") == 0
    capsys.readouterr()
    assert run("tasks.yaml", "--task", "three") == 3
    assert "have no Task three" in refused(capsys)


def test_the_summary_tells_what_was_undone_and_what_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flow.yaml", "--fail", "b") == 11
    out = capsys.readouterr().out
    assert "flow-1: Compensated:" in out
    assert "failed: b: RehearsedFailure: fails for good, as asked" in out
    assert "undone, in this order: a" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 0), (("-p", "n=no"), 14), (("--fail", "b"), 11), (("--fail", "b:1=Retryable", "--fast"), 0)],
)
def test_it_ends_with_the_code_of_the_outcome(arguments: tuple[str, ...], code: int) -> None:
    assert run("flow.yaml", *arguments) == code


def test_a_task_that_waits_for_a_human_says_how_to_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "asks.yaml", APPROVAL)
    assert run("asks.yaml") == 16
    assert "kubesaga run --resume asks-1 --approve ok" in capsys.readouterr().err
    assert run("--resume", "asks-1", "--approve", "ok", "--reason", "why not", "-o", "json") == 0
    (action,) = json.loads(capsys.readouterr().out)["status"]["actions"]
    assert (action["type"], action["reason"]) == ("Approve", "why not")


def test_a_stuck_compensation_says_what_a_human_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flow.yaml", "--fail", "b", "--fail", "undo:a") == 16
    said = capsys.readouterr().err
    assert "undoing a: kubesaga run --resume flow-1 --act a=RetryCompensation" in said
    assert "a=Retry " not in said
    assert run("--resume", "flow-1", "--act", "a=MarkCompensated") == 11


def test_a_sub_workflow_may_be_abandoned_by_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sub = {"name": "sub", "task": {"templateRef": {"name": "flow"}}}
    write(
        folder / "above.yaml",
        template(sub, shell("last", "exit 65", "sub"), name="above", failureStrategy="Compensate"),
    )
    assert run("above.yaml", "--fail", "undo:sub/a") == 16
    assert "kubesaga run --resume above-1 --act sub/a=RetryCompensation" in capsys.readouterr().err
    assert run("--resume", "above-1", "--act", "sub/a=Abandon") == 2
    assert "Abandon is for a whole Task, and sub/a is no sub-workflow" in refused(capsys)
    assert run("--resume", "above-1", "--act", "sub=Abandon") == 16
    said = capsys.readouterr().err
    assert "--act sub=RetryCompensation   (or MarkCompensated, or --act Abandon)" in said
    assert "undoing sub/a" not in said
    assert run("--resume", "above-1", "--act", "Abandon") == 12


def test_a_rejection_is_told_beforehand(folder: Path) -> None:
    write(folder / "asks.yaml", APPROVAL)
    assert run("asks.yaml", "--reject", "ok") == 10


def test_an_answer_that_nobody_asked_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flow.yaml", "--approve", "a") == 0
    assert "not asked for: a" in capsys.readouterr().err


def test_a_blocked_task_is_repaired_by_an_action(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "blocked.yaml", template(shell("a", "exit 65"), name="blocked", blockedTimeout="1h"))
    assert run("blocked.yaml") == 16
    assert "a failed" in capsys.readouterr().err
    assert run("--resume", "--act", "a=Resolve") == 0


def test_another_python_is_asked_for_the_sdk_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, line in (("with", f'exec {sys.executable} "$@"'), ("without", f'exec {sys.executable} -I -S "$@"')):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    assert main(["run", "flow.yaml", "--python", "./with"]) == 0
    capsys.readouterr()
    assert main(["run", "flow.yaml", "--python", "./without", "--name", "second"]) == 2
    assert "handlers need the SDK, which ./without does not have" in refused(capsys)
    assert main(["run", "--resume", "second"]) == 3


def test_an_action_that_does_not_fit_is_told_and_the_task_still_waits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "blocked.yaml", template(shell("a", "exit 65"), name="blocked", blockedTimeout="1h"))
    assert run("blocked.yaml", "--act", "a=RetryCompensation") == 16
    assert "RetryCompensation a: rejected:" in capsys.readouterr().err
    assert run("--resume", "--act", "Abandon") == 16
    assert capsys.readouterr().err.startswith("Abandon: rejected:")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "there is nothing to run"),
        (("none.yaml",), 2, "none.yaml: there is no such file"),
        (("broken.yaml",), 2, "broken.yaml:2:"),
        (("empty.yaml",), 2, "the files have no TaskTemplate and no Task"),
        (("flow.yaml", "--context", "{"), 2, "--context"),
        (("flow.yaml", "--context", "@none.json"), 2, "none.json: there is no such file"),
        (("flow.yaml", "--template", "other"), 3, "the files have no template other"),
        (("flow.yaml", "--fail", "c"), 2, "has no step 'c'"),
        (("flow.yaml", "--fail", "b=Sometimes"), 2, "--fail b=Sometimes: is no failure"),
        (("flow.yaml", "--approve", "nobody"), 2, "has no step 'nobody'"),
        (("flow.yaml", "--act", "a=Fly"), 2, "'Fly' is no action"),
        (("flow.yaml", "--mount", "/data"), 2, "--mount /data: is not PATH=DIR"),
        (("flow.yaml", "--handlers", "none"), 2, "--handlers none: is no folder"),
        (("flow.yaml", "--python", "./none"), 2, "--python ./none: is no program of this machine"),
        (("flow.yaml", "--state", "steps.py"), 2, "steps.py: is no state file"),
        (("--resume",), 3, "runs.db: there is no state file"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    (folder / "broken.yaml").write_text("a: 1\n b: [2\n")
    (folder / "empty.yaml").write_text("a: 1\n")
    assert run(*arguments) == code
    assert said in refused(capsys)
    assert not (folder / ".kubesaga").exists() or "--fail" in arguments or "--approve" in arguments


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spec": {"templateRef": {"name": "flow", "version": 1}}}, "spec.templateRef.version: 1 is neither"),
        ({"spec": {"templateRef": {"name": "flow"}, "context": [1]}}, "spec.context: a list is not an object"),
        ({"spec": {"templateRef": {"name": "flow"}, "desiredState": "Asleep"}}, "spec.desiredState: 'Asleep' is not"),
        ({"metadata": "order"}, "Task: metadata is not an object"),
    ],
)
def test_a_task_that_an_api_server_would_refuse_is_bad_input(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], said: str
) -> None:
    write(folder / "task.yaml", {**task("flow"), **change})
    assert run("task.yaml") == 2
    assert said in refused(capsys)


def test_a_suspended_task_goes_on_by_resume(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "task.yaml", task("flow", name="later", desiredState="Suspended"))
    assert run("task.yaml") == 16
    assert "until it is resumed: kubesaga run --resume later" in capsys.readouterr().err
    assert run("--resume", "later") == 0


def test_only_a_run_that_has_not_ended_goes_on_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flow.yaml") == 0
    capsys.readouterr()
    assert run("--resume") == 3
    assert "has no run that has not ended" in refused(capsys)
    assert run("--resume", "nobody") == 3
    assert "has no run nobody" in refused(capsys)
    assert run("--resume", "flow-1", "-o", "json") == 0


def test_what_was_undone_is_told_whole_however_long_it_took(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"s{i}" for i in range(60)]
    steps = [
        handler(name, "steps:Undoable", *names[max(0, i - 1) : i], compensation={}) for i, name in enumerate(names)
    ]
    write(folder / "long.yaml", template(*steps, name="long", failureStrategy="Compensate"))
    assert run("long.yaml", "--fail", "s59") == 11
    assert f"undone, in this order: {', '.join(reversed(names))}" in capsys.readouterr().out


def test_the_templates_of_sub_workflows_are_found_beside_it(folder: Path) -> None:
    write(folder / "parent.yaml", template({"name": "child", "task": {"templateRef": {"name": "flow"}}}, name="parent"))
    assert run("parent.yaml") == 0


def test_an_environment_changes_what_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = {"name": "a", "handler": {"config": {"where": "there"}}}
    step = handler("a", "steps:Where", config={"where": "here"})
    write(folder / "env.yaml", template(step, name="env", environments={"prod": {"steps": [there]}}))
    assert run("env.yaml", "--environment", "prod", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["status"]["result"] == {"a": "there"}
