"""A run that was killed goes on: what was under way is ended, counts as lost, and is tried again by the same rules."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import yaml

from kubesaga.local.leftovers import still_runs
from kubesaga.local.processes import Running
from tests.local.support import (
    HANDLERS,
    WAIT_SECONDS,
    Manifest,
    eventually,
    handler,
    is_alive,
    shell,
    started,
    template,
)

pytestmark = pytest.mark.slow

SAGA = template(
    handler("first", compensation={}),
    handler(
        "slow", "steps:Slow", "first", compensation={"handler": {"callable": "steps:Undoable", "method": "compensate"}}
    ),
    handler("last", "steps:call", "slow"),
    failureStrategy="Compensate",
)


class Folder:
    """A user's folder, with a terminal in it."""

    def __init__(self, path: Path, flow: Manifest) -> None:
        self.path = path
        self.marks = path / "marks"
        self.marks.mkdir()
        (path / "steps.py").write_text(HANDLERS, encoding="utf-8")
        (path / "flow.yaml").write_text(yaml.safe_dump(flow), encoding="utf-8")
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, python: Sequence[str] = ("-m", "kubesaga.cli")) -> subprocess.Popen[str]:
        """``kubesaga run`` with these arguments, in the folder."""
        process = subprocess.Popen(
            [sys.executable, *python, "run", *arguments],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The same to its end: exit code, stdout, stderr."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=WAIT_SECONDS)
        return process.returncode, out, err

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the flow with a context that tells its handlers where to leave their marks."""
        return self.start("flow.yaml", "-p", f"folder={self.marks}", *arguments)

    def resume(self, *arguments: str) -> Manifest:
        """Go on to the end; the Task."""
        code, out, err = self.run("--resume", *arguments, "-o", "json")
        assert out, f"{code}: {err}"
        found: Manifest = json.loads(out)
        return found

    def running(self, step: str) -> list[int]:
        """The PIDs that attempts of a step have had."""
        return [int(mark.name.rpartition("-")[2]) for mark in self.marks.glob(f"{step}-*")]

    def has_run(self, step: str, times: int) -> bool:
        """Whether so many attempts of a step have begun."""
        return len(self.running(step)) >= times

    def logs(self) -> int:
        """How many programs have been started."""
        return len(list(self.path.glob(".kubesaga/runs.logs/*/*.log")))

    def go(self) -> None:
        """Let the slow handlers end."""
        (self.marks / "go").touch()


def step(task: Manifest, name: str) -> Manifest:
    found: Manifest = next(step for step in task["status"]["steps"] if step["name"] == name)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    found = Folder(tmp_path, SAGA)
    yield found
    found.go()
    for process in found.processes:
        process.kill()
        process.communicate()


def test_a_killed_run_goes_on_where_it_was(folder: Folder) -> None:
    killed = folder.begin()
    eventually(lambda: folder.running("slow"))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (left_over,) = folder.running("slow")
    assert is_alive(left_over)
    resumed = folder.start("--resume", "-o", "json")
    eventually(partial(folder.has_run, "slow", 2))
    assert not is_alive(left_over), "two attempts of a step at once"
    folder.go()
    out, _ = resumed.communicate(timeout=WAIT_SECONDS)
    task = json.loads(out)
    assert task["status"]["outcome"] == "Succeeded"
    assert step(task, "first")["attempt"] == 1
    assert step(task, "slow")["attempt"] == 2
    assert step(task, "slow")["outcomeUnknown"]
    events = [
        event for entry in task["status"]["transitions"] if entry.get("step") == "slow" for event in entry["events"]
    ]
    assert events[:4] == ["Enqueue", "Start", "Failed", "ScheduleRetry"]


def test_a_run_that_is_killed_again_and_again_still_ends(folder: Folder) -> None:
    killed = folder.begin()
    for count in (1, 2):
        eventually(partial(folder.has_run, "slow", count))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed = folder.start("--resume", "flow-1", "-o", "json")
    eventually(partial(folder.has_run, "slow", 3))
    folder.go()
    out, _ = killed.communicate(timeout=WAIT_SECONDS)
    assert step(json.loads(out), "slow")["attempt"] == 3


def test_a_run_killed_while_it_undoes_goes_on_undoing(tmp_path: Path) -> None:
    undo = {"container": {"command": ["sh", "-c", "test -e undo || { touch undo; sleep 60; }"]}}
    flow = template(shell("a", "true", compensation=undo), shell("b", "exit 65", "a"), failureStrategy="Compensate")
    folder = Folder(tmp_path, flow)
    killed = folder.start("flow.yaml")
    eventually((tmp_path / "undo").exists)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    task = folder.resume()
    assert task["status"]["outcome"] == "Compensated"
    assert step(task, "a")["compensation"]["attempt"] == 2


def test_a_program_that_a_killed_run_had_only_just_started_is_ended_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path, template(shell("a", 'test "$KUBESAGA_ATTEMPT" != 1 || exec sleep 300')))
    die = "lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    code = f"import os, signal; from kubesaga.local.store import Store; Store.write_process = {die}\n"
    killed = folder.start("flow.yaml", python=["-c", f"{code}from kubesaga.cli.main import main; main()"])
    killed.communicate(timeout=WAIT_SECONDS)
    assert killed.returncode == -signal.SIGKILL
    (log,) = tmp_path.glob(".kubesaga/runs.logs/*/*.log")
    assert still_runs(log)
    with log.open("rb"):  # who reads it is left alone
        task = folder.resume()
    assert not still_runs(log)
    assert (task["status"]["outcome"], step(task, "a")["attempt"]) == ("Succeeded", 2)


@pytest.mark.parametrize("programs", [1, 3, 6])
def test_a_run_killed_at_any_moment_does_every_step(tmp_path: Path, programs: int) -> None:
    names = [f"s{i}" for i in range(8)]
    steps = [shell(name, f"echo {name} >> done", *names[max(0, i - 1) : i]) for i, name in enumerate(names)]
    folder = Folder(tmp_path, template(*steps))
    killed = folder.start("flow.yaml")
    eventually(lambda: folder.logs() >= programs)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    task = folder.resume("flow-1")
    assert task["status"]["outcome"] == "Succeeded"
    done = (tmp_path / "done").read_text().split()
    assert sorted(set(done)) == names
    assert list(dict.fromkeys(done)) == names
    assert sum(step["attempt"] for step in task["status"]["steps"]) <= len(names) + 1


def test_a_child_goes_on_below_its_parent(tmp_path: Path) -> None:
    child = {"name": "child", "task": {"templateRef": {"name": "below"}, "contextFrom": {"folder": "context.folder"}}}
    folder = Folder(tmp_path, template(child, handler("after", "steps:call", "child")))
    below = template(handler("slow", "steps:Slow"), name="below")
    (tmp_path / "below.yaml").write_text(yaml.safe_dump(below), encoding="utf-8")
    killed = folder.begin()
    eventually(partial(folder.has_run, "slow", 1))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    folder.go()
    task = folder.resume()
    assert task["status"]["result"]["after"]["saw"] == ["child"]
    assert (step(task, "child")["attempt"], step(task, "child")["result"]) == (1, {"slow": 2})


def test_a_run_that_waits_for_a_retry_goes_on_waiting(tmp_path: Path) -> None:
    retry = {"initialInterval": "1h", "maxInterval": "1h"}
    folder = Folder(tmp_path, template(handler("a", "steps:Flaky", retry=retry)))
    killed = folder.start("flow.yaml")
    eventually(lambda: "WaitingForRetry" in _state(tmp_path))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    task = folder.resume("--fast")
    assert step(task, "a")["attempt"] == 2
    assert step(task, "a")["firstEnqueuedAt"] < step(task, "a")["enqueuedAt"]
    assert "outcomeUnknown" not in step(task, "a")


def _state(folder: Path) -> str:
    """The Task as the state file has it."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/.kubesaga/runs.db?mode=ro", uri=True)) as db:
            return str(db.execute("SELECT object FROM tasks").fetchone())
    except sqlite3.Error:
        return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_stops_the_programs_and_says_how_to_go_on(folder: Folder, number: signal.Signals) -> None:
    interrupted = folder.begin()
    eventually(lambda: folder.running("slow"))
    interrupted.send_signal(number)
    _, err = interrupted.communicate(timeout=WAIT_SECONDS)
    assert interrupted.returncode == 130
    assert err.splitlines() == ["go on with: kubesaga run --resume flow-1", "interrupted"]
    eventually(lambda: not any(is_alive(pid) for pid in folder.running("slow")))
    folder.go()
    assert folder.resume()["status"]["outcome"] == "Succeeded"


def test_a_second_ctrl_c_has_no_patience_with_a_program_that_does_not_stop(tmp_path: Path) -> None:
    stubborn = "trap 'touch told' TERM; echo $$$$ > pid; while :; do sleep 0.05; done"
    folder = Folder(tmp_path, template(shell("stubborn", stubborn)))
    interrupted = folder.begin()
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    interrupted.send_signal(signal.SIGINT)
    eventually((tmp_path / "told").exists)
    interrupted.send_signal(signal.SIGINT)
    _, err = interrupted.communicate(timeout=WAIT_SECONDS)
    assert interrupted.returncode == 130
    assert err.splitlines() == ["go on with: kubesaga run --resume flow-1", "interrupted"]
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_program_that_starts_just_as_ctrl_c_comes_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class CtrlC(SimpleQueue[Any]):
        def get(self, *_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr("kubesaga.local.processes.SimpleQueue", CtrlC)
    run = started(tmp_path, template(shell("long", "exec sleep 300")))
    with pytest.raises(KeyboardInterrupt):
        run.go()
    logs = list(tmp_path.glob("runs.logs/*/*.log"))
    assert [still_runs(log) for log in logs] == [False]


def test_a_second_ctrl_c_that_comes_at_once_leaves_nothing_running_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctrl_c = [KeyboardInterrupt(), KeyboardInterrupt()]
    tell = Running.tell_to_stop

    def told_amid_ctrl_c(running: Running, why: str, grace: float) -> None:
        tell(running, why, grace)
        if ctrl_c:
            raise ctrl_c.pop()

    monkeypatch.setattr(Running, "tell_to_stop", told_amid_ctrl_c)
    run = started(tmp_path, template(shell("a", "trap '' TERM; sleep 300"), shell("b", "sleep 300")))
    monkeypatch.setattr(run, "_hear", lambda _: (_ for _ in ()).throw(ctrl_c.pop()))
    with pytest.raises(KeyboardInterrupt):
        run.go()
    logs = list(tmp_path.glob("runs.logs/*/*.log"))
    assert [still_runs(log) for log in logs] == [False, False]


def test_a_run_goes_on_with_what_it_was_started_with(folder: Folder) -> None:
    killed = folder.begin("--fail", "last", "--fast")
    eventually(lambda: folder.running("slow"))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (folder.path / "flow.yaml").unlink()
    folder.go()
    task = folder.resume()
    assert task["status"]["outcome"] == "Compensated"
    assert [step["name"] for step in task["status"]["steps"] if "compensation" in step] == ["first", "slow"]


def test_a_log_tells_whether_its_program_still_runs(tmp_path: Path) -> None:
    assert not still_runs(tmp_path / "none.log")
