"""Workflows run to their end on this machine: handlers as processes and in this one, containers as commands."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from kubesaga.engine.vocabulary import ActionType
from kubesaga.local.errors import LocalError
from kubesaga.local.launches import Key, Launch
from kubesaga.local.run import Answer, Run
from kubesaga.local.start import resume
from tests.local.support import (
    eventually,
    finished,
    handler,
    is_alive,
    launched,
    opened,
    outcome,
    shell,
    started,
    task,
    template,
)

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize("inline", [False, True], ids=["processes", "inline"])


def result(run: Run, step: str) -> object:
    return run.root.session.value(run.root.session.record(step).result)


def error(run: Run, step: str) -> str:
    found = run.root.session.record(step).error
    assert found is not None
    return found.type


@BOTH
def test_steps_run_in_order_and_see_the_results_before_them(tmp_path: Path, inline: bool) -> None:
    flow = template(handler("a", "steps:call"), handler("b", "steps:call", "a"), handler("c", "steps:call", "b"))
    run = finished(tmp_path, flow, inline=inline)
    assert outcome(run) == "Succeeded"
    assert result(run, "c") == {"step": "c", "attempt": 1, "saw": ["a", "b"]}


@BOTH
def test_a_failed_attempt_is_tried_again(tmp_path: Path, inline: bool) -> None:
    run = finished(tmp_path, template(handler("a", "steps:Flaky")), inline=inline)
    assert (outcome(run), result(run, "a")) == ("Succeeded", 2)


@BOTH
def test_what_was_done_is_undone_in_reverse(tmp_path: Path, inline: bool) -> None:
    flow = template(
        handler("a", compensation={}), handler("b", "steps:Undoable", "a", compensation={}),
        handler("c", "steps:Broken", "b"), failureStrategy="Compensate",
    )  # fmt: skip
    run = finished(tmp_path, flow, inline=inline)
    assert (outcome(run), error(run, "c")) == ("Compensated", "PermanentError")
    assert launched(run) == ["a", "b", "c", "-b", "-a"]


@pytest.mark.parametrize("leaves", ["nothing", "a folder"])
def test_a_program_without_a_result_file_has_failed(tmp_path: Path, leaves: str) -> None:
    run = finished(tmp_path, template(handler("a", "steps:Careless", config={"leaves": leaves})))
    assert (outcome(run), error(run, "a")) == ("Aborted", "NoResult")


def test_a_program_may_remove_its_log(tmp_path: Path) -> None:
    run = finished(tmp_path, template(shell("a", f"rm -r {tmp_path}/runs.logs/task/*.log")))
    assert outcome(run) == "Succeeded"


@BOTH
def test_a_handler_that_interrupts_itself_has_failed(tmp_path: Path, inline: bool) -> None:
    run = finished(tmp_path, template(handler("a", "steps:Interrupting")), inline=inline)
    assert (outcome(run), error(run, "a")) == ("Aborted", "KeyboardInterrupt")


def test_waits_between_attempts_can_be_skipped(tmp_path: Path) -> None:
    retry = {"initialInterval": "1h", "maxInterval": "1h"}
    run = finished(tmp_path, template(handler("a", "steps:Flaky", retry=retry)), fast=True, inline=True)
    assert outcome(run) == "Succeeded"
    assert run.clock.ahead > 3500


def test_a_rehearsal_does_not_wait_for_somebody_who_might_repair_a_failed_task(tmp_path: Path) -> None:
    flow = template(handler("a", "steps:Broken"), blockedTimeout="1h")
    assert outcome(finished(tmp_path, flow, fast=True, inline=True)) == "Aborted"


def test_a_container_is_its_command_with_the_contracts_variables(tmp_path: Path) -> None:
    words = '"$KUBESAGA_TASK" "$KUBESAGA_STEP" "$GREETING" "$1"'
    script = f"""printf '{{"result": "%s %s %s %s"}}' {words} > "$KUBESAGA_RESULT_FILE\""""
    step = {
        "name": "a",
        "container": {
            "command": ["sh", "-c", script, "sh"],
            "args": ["$(GREETING)-$(UNKNOWN)-$$(GREETING)"],
            "env": [{"name": "NAME", "value": "world"}, {"name": "GREETING", "value": "hello, $(NAME)"}],
        },
    }
    run = finished(tmp_path, template(step))
    assert result(run, "a") == "task a hello, world hello, world-$(UNKNOWN)-$(GREETING)"


def test_a_large_input_is_a_file_and_a_large_result_comes_out_of_the_log(tmp_path: Path) -> None:
    show = 'test -z "$KUBESAGA_INPUT" && grep -q yyy "$KUBESAGA_INPUT_FILE"'
    flow = template(handler("a", "steps:Large"), shell("b", show, "a"))
    run = finished(tmp_path, flow, of=task(context={"pad": "y" * 40_000}))
    assert outcome(run) == "Succeeded"
    assert result(run, "a") == "x" * 20_000


@pytest.mark.parametrize(
    ("script", "type_", "retryable"),
    [("exit 3", "ExitCode", True), ("exit 65", "ExitCode", False), ("kill -9 $$$$", "Killed", True)],
)
def test_an_exit_code_is_judged_as_that_of_a_container(
    tmp_path: Path, script: str, type_: str, retryable: bool
) -> None:
    run = finished(tmp_path, template(shell("a", script, retry={"maxAttempts": 1})))
    found = run.root.session.record("a").error
    assert found is not None
    assert (found.type, found.retryable) == (type_, retryable)


def test_a_program_is_told_to_stop_at_its_timeout(tmp_path: Path) -> None:
    step = shell("a", "trap 'exit 1' TERM; sleep 60 & wait", timeout="1s", retry={"maxAttempts": 1})
    run = finished(tmp_path, template(step))
    assert error(run, "a") == "Timeout"
    assert run.root.session.record("a").outcome_unknown


def test_a_program_that_heeds_no_stop_is_killed_once_its_grace_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubesaga.local.processes.GRACE", 0.2)
    step = shell("a", "trap '' TERM; sleep 600", timeout="1s", retry={"maxAttempts": 1})
    run = finished(tmp_path, template(step))
    assert error(run, "a") == "Timeout"


def test_what_still_runs_is_stopped_where_the_template_says_so(tmp_path: Path) -> None:
    flow = template(shell("a", "sleep 600"), shell("b", "exit 65"), runningSteps="Terminate")
    run = finished(tmp_path, flow)
    assert outcome(run) == "Aborted"
    assert str(run.root.session.record("a").outcome) == "Cancelled"


class Witness:
    """Sees what the state file says at the moment when a program is started."""

    def __init__(self, run: Run) -> None:
        self._run, self._inner = run, run.programs
        self.seen: list[tuple[str, int, str]] = []

    def launch(self, launch: Launch) -> int | None:
        uid, attempt = launch.key
        other = sqlite3.connect(self._run.store.path)
        (text,) = other.execute("SELECT object FROM tasks WHERE uid = ?", (uid,)).fetchone()
        other.close()
        step = next(step for step in json.loads(text)["status"]["steps"] if step["name"] == attempt.step)
        self.seen.append((attempt.step, step["attempt"], step["state"]))
        return self._inner.launch(launch)

    def stop(self, key: Key) -> None:
        self._inner.stop(key)

    def close(self) -> None:
        self._inner.close()


def test_every_attempt_is_written_down_before_it_is_started(tmp_path: Path) -> None:
    run = started(tmp_path, template(handler("a", "steps:Flaky"), handler("b", "steps:call", "a")), inline=True)
    witness = run.programs = Witness(run)
    assert run.go()
    assert witness.seen == [("a", 1, "Enqueued"), ("a", 2, "Enqueued"), ("b", 1, "Enqueued")]


def test_a_handler_in_this_process_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    step = handler("a", "steps:Sleepy", config={"seconds": 1.2}, timeout="1s", retry={"maxAttempts": 1})
    run = finished(tmp_path, template(step), inline=True)
    assert (outcome(run), error(run, "a")) == ("Aborted", "Timeout")


def test_what_a_program_leaves_running_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    run = finished(tmp_path, template(shell("a", f"sleep 600 & echo $! > {pid}")))
    assert outcome(run) == "Succeeded"
    eventually(lambda: not is_alive(int(pid.read_text())))


def test_the_log_of_an_attempt_is_kept(tmp_path: Path) -> None:
    run = finished(tmp_path, template(shell("a", "echo hello; echo world >&2")))
    (log,) = run.store.logs("task").glob("*.log")
    assert log.read_text() == "hello\nworld\n"


def test_a_child_runs_below_its_parent_and_is_undone_with_it(tmp_path: Path) -> None:
    parent = template(
        {"name": "child", "task": {"templateRef": {"name": "below"}, "contextFrom": {"who": "context.who"}}},
        handler("b", "steps:Broken", "child"), failureStrategy="Compensate",
    )  # fmt: skip
    below = template(handler("x", compensation={}), name="below")
    run = finished(tmp_path, parent, below, inline=True, of=task(context={"who": "ann"}))
    assert outcome(run) == "Compensated"
    child = next(each for each in run.tasks.values() if each.path == ("child",))
    assert child.session.context == {"who": "ann"}
    assert str(child.session.status.outcome) == "Compensated"
    assert child.obj["spec"]["initiator"] == "task/task"


def test_a_request_that_breaks_the_schema_runs_nothing(tmp_path: Path) -> None:
    flow = template(handler("a"), inputSchema={"type": "object", "required": ["who"]})
    run = finished(tmp_path, flow)
    assert (outcome(run), launched(run)) == ("InvalidRequest", [])


@pytest.mark.parametrize(
    ("answer", "ends"), [(ActionType.APPROVE, "Succeeded"), (ActionType.REJECT, "Aborted")], ids=str
)
def test_an_approval_is_answered_when_its_turn_comes(tmp_path: Path, answer: ActionType, ends: str) -> None:
    flow = template(handler("a"), {"name": "ok", "dependsOn": ["a"], "approval": {}}, handler("b", "steps:call", "ok"))
    run = finished(tmp_path, flow, inline=True, answers=[Answer(answer, ("ok",), "because")])
    assert outcome(run) == ends
    (said,) = run.root.session.status.actions
    assert (said.type, said.reason) == (answer, "because")


def test_an_approval_that_nobody_answers_is_left_for_later(tmp_path: Path) -> None:
    flow = template({"name": "ok", "approval": {}}, handler("b", "steps:call", "ok"))
    run = started(tmp_path, flow, inline=True)
    assert not run.go()
    assert run.approvals() == [("ok",)]
    run.store.close()
    again = resume(opened(tmp_path), None, [Answer(ActionType.APPROVE, ("ok",))])
    assert again.go()
    assert outcome(again) == "Succeeded"


def test_a_blocked_task_is_repaired_by_an_action(tmp_path: Path) -> None:
    flow = template(handler("a", "steps:Broken"), handler("b", "steps:call", "a"), blockedTimeout="1h")
    run = started(tmp_path, flow, inline=True)
    assert not run.go()
    run.store.close()
    again = resume(opened(tmp_path), "task", [Answer(ActionType.RESOLVE, ("a",))])
    assert again.go()
    assert outcome(again) == "Succeeded"


def test_a_run_that_has_ended_makes_room_for_another_of_its_name(tmp_path: Path) -> None:
    first = finished(tmp_path, template(handler("a")), inline=True)
    second = finished(tmp_path, template(handler("a")), inline=True)
    assert first.uid != second.uid


def test_the_object_is_what_a_cluster_would_have(tmp_path: Path) -> None:
    run = finished(tmp_path, template(handler("a")), inline=True, of=task(context={"n": 1}, reason="why"))
    obj = json.loads(json.dumps(run.root.obj))
    assert (obj["kind"], obj["spec"]["reason"], obj["status"]["outcome"]) == ("Task", "why", "Succeeded")
    assert obj["status"]["template"]["version"] == "1.0.0"
    assert [entry["events"] for entry in obj["status"]["transitions"] if entry.get("step") == "a"] == [
        ["Enqueue"],
        ["Start", "Succeeded", "Accept"],
    ]


def test_twenty_steps_take_twenty_attempts(tmp_path: Path) -> None:
    names = [f"s{i}" for i in range(20)]
    steps = [handler(name, "steps:call", *names[max(0, i - 3) : i]) for i, name in enumerate(names)]
    run = finished(tmp_path, template(*steps), inline=True)
    assert outcome(run) == "Succeeded"
    assert launched(run) == names


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"name": "a", "container": {"image": "x"}}, "runs the entry point of its image"),
        ({"name": "a", "container": {"command": ["no-such-program"]}}, "is no program of this machine"),
        (
            {
                "name": "a",
                "container": {"command": ["sh"], "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
            },
            "KEY comes from the cluster (secretKeyRef): export a value for it",
        ),
        (
            {
                "name": "a",
                "container": {"command": ["sh", "/data/x.sh"], "volumeMounts": [{"name": "d", "mountPath": "/data"}]},
                "pod": {"volumes": [{"name": "d", "emptyDir": {}}]},
            },
            "--mount /data=DIR",
        ),
    ],
)
def test_what_only_a_cluster_has_is_refused_before_anything_runs(
    tmp_path: Path, step: dict[str, object], message: str
) -> None:
    with pytest.raises(LocalError) as raised:
        started(tmp_path, template(step))
    assert message in str(raised.value)
    assert opened(tmp_path).names() == []


def test_a_sub_workflow_whose_template_is_not_there_is_found_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="there is no template default/elsewhere; there are: default/flow"):
        started(tmp_path, template({"name": "child", "task": {"templateRef": {"name": "elsewhere"}}}))


def test_a_template_with_findings_is_refused_with_all_of_them(tmp_path: Path) -> None:
    flow = template(handler("a", "steps:call", "nowhere"), handler("a"))
    with pytest.raises(LocalError) as raised:
        started(tmp_path, flow)
    assert "nowhere" in str(raised.value)
    assert "spec.steps[1].name" in str(raised.value)


def test_an_input_that_a_cluster_could_not_deliver_fails_its_step(tmp_path: Path) -> None:
    run = finished(tmp_path, template(handler("a")), inline=True, of=task(context={"pad": "y" * 1_000_000}))
    assert error(run, "a") == "InputTooLarge"


@pytest.mark.parametrize("name", ["../elsewhere", "Mine", "", "a" * 64])
def test_a_name_that_no_task_may_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalError, match="is no name of a Task"):
        started(tmp_path, template(handler("a")), of=task(name=name))
