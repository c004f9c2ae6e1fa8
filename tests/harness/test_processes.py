"""Starting and ending processes: exactly those, and never somebody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hack.cluster import processes
from hack.cluster.errors import ClusterError
from hack.cluster.processes import Ledger, Process, child_of, command_line, identify, spawn

STUBBORN = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "sys.stdout.write('ready'); sys.stdout.flush()\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as child:
        while not Path(f"/proc/{child.pid}/cmdline").read_bytes():  # until it has become the program
            time.sleep(0.01)
        yield child
        child.kill()


def known(child: subprocess.Popen[bytes]) -> Process:
    process = identify(child.pid)
    assert process is not None
    return process


def test_a_process_that_got_the_id_of_a_recorded_one_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    recorded = replace(known(sleeper), started=known(sleeper).started - 1)
    assert not recorded.alive
    recorded.signal(signal.SIGKILL)
    recorded.stop(grace_seconds=0)
    assert sleeper.poll() is None


def test_a_stopped_process_ends_by_sigterm(sleeper: subprocess.Popen[bytes]) -> None:
    known(sleeper).stop(grace_seconds=10)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_ends_by_sigkill() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read(5) == b"ready"
        known(child).stop(grace_seconds=0.05)
        assert child.wait(10) == -signal.SIGKILL


def test_a_process_that_is_not_gone_after_sigkill_is_an_error(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "KILL_SECONDS", 0.02)
    monkeypatch.setattr(Process, "signal", lambda *_: None)  # as if it were stuck in the kernel
    with pytest.raises(ClusterError, match="does not end, not even by SIGKILL"):
        known(sleeper).kill()


def test_a_zombie_does_not_count_as_running(sleeper: subprocess.Popen[bytes]) -> None:
    process = known(sleeper)
    os.kill(sleeper.pid, signal.SIGKILL)
    assert process.wait_gone(10)
    assert Path(f"/proc/{sleeper.pid}").exists()  # nobody has waited for it yet


def test_a_process_that_goes_on_is_reported_as_such(sleeper: subprocess.Popen[bytes]) -> None:
    assert not known(sleeper).wait_gone(0.02)


def test_a_ledger_finds_what_was_recorded_as_long_as_it_runs(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    Ledger(tmp_path / "processes").record("sleeper", known(sleeper))
    assert Ledger(tmp_path / "processes").find("sleeper") == known(sleeper)
    sleeper.kill()
    sleeper.wait()
    assert Ledger(tmp_path / "processes").find("sleeper") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "started": 2, "name": "x"}'])
def test_a_damaged_record_is_no_process(tmp_path: Path, content: str) -> None:
    (tmp_path / "etcd").write_text(content)
    assert Ledger(tmp_path).find("etcd") is None


def test_an_unknown_name_is_no_process(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "never-made").find("etcd") is None


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_started_process_writes_to_its_log_and_sees_only_its_own_environment(tmp_path: Path) -> None:
    log = tmp_path / "log" / "env.log"
    assert ended(spawn(["env"], log, {"ONLY": "this"})) == 0
    assert ended(spawn(["sh", "-c", "echo wrong >&2"], log, {})) == 0
    assert log.read_text() == "ONLY=this\nwrong\n"


def test_a_started_process_has_a_session_of_its_own(tmp_path: Path) -> None:
    pid = spawn(["sleep", "600"], tmp_path / "log", {})
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGKILL)
    ended(pid)


def test_the_child_of_a_launcher_is_the_process_that_counts(tmp_path: Path) -> None:
    launcher = spawn(["sh", "-c", "sleep 600 & wait"], tmp_path / "log", dict(os.environ))
    child = child_of(launcher)
    assert child.pid != launcher
    child.stop(grace_seconds=10)
    ended(launcher)


def test_a_launcher_that_ends_without_a_child_is_an_error(tmp_path: Path) -> None:
    launcher = spawn(["false"], tmp_path / "log", dict(os.environ))
    with pytest.raises(ClusterError, match="its launcher ended with status 1"):
        child_of(launcher)


def test_the_command_line_of_a_process_is_read_word_by_word(sleeper: subprocess.Popen[bytes]) -> None:
    assert command_line(sleeper.pid) == ["sleep", "600"]
    assert command_line(2**22 + 1) == []
