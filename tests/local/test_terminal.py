"""``kubesaga run`` at a terminal: the tree is drawn over itself, and an approval is asked for there."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.local.support import HANDLERS, WAIT_SECONDS, Manifest, handler, template

pytestmark = pytest.mark.slow

TWO_QUESTIONS = template(
    {"name": "first_ok", "approval": {}},
    {"name": "second_ok", "approval": {}, "dependsOn": ["first_ok"]},
    handler("b", "steps:call", "second_ok"),
)


class Terminal:
    """A process at a terminal of its own."""

    def __init__(self, folder: Path, flow: Manifest) -> None:
        (folder / "steps.py").write_text(HANDLERS, encoding="utf-8")
        (folder / "flow.yaml").write_text(yaml.safe_dump(flow), encoding="utf-8")
        self._side, other = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kubesaga.cli", "run", "--inline", "flow.yaml"],
            cwd=folder,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "TERM": "xterm",
                "COLUMNS": "150",
            },
        )
        os.close(other)
        self.shown = ""

    def until(self, words: str) -> None:
        """Read until these words are there, which are forgotten then."""
        until = time.monotonic() + WAIT_SECONDS
        while words not in self.shown:
            assert time.monotonic() < until, self.shown
            self._read()
        self.shown = self.shown.partition(words)[2]

    def type(self, line: str) -> None:
        self.send(f"{line}\n".encode())

    def send(self, keys: bytes) -> None:
        os.write(self._side, keys)

    def end(self) -> int:
        """The exit code, once it has ended."""
        while self.process.poll() is None:
            self._read()
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._side)

    def _read(self) -> None:
        if select.select([self._side], [], [], 0.1)[0]:
            try:
                self.shown += os.read(self._side, 65536).decode("utf-8", "replace")
            except OSError:  # the process has closed its side
                time.sleep(0.05)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path, TWO_QUESTIONS)
    yield found
    found.close()


def test_approvals_are_asked_for_one_after_the_other(terminal: Terminal) -> None:
    terminal.until("first_ok waits for you: approve or reject? [a/r]")
    terminal.type("what?")
    terminal.until("first_ok waits for you: approve or reject? [a/r]")
    terminal.type("a")
    terminal.until("second_ok waits for you: approve or reject? [a/r]")
    terminal.type("approve")
    terminal.until("flow-1: Succeeded: all 3 steps done")
    assert terminal.end() == 0


def test_a_rejection_ends_it(terminal: Terminal) -> None:
    terminal.until("first_ok waits for you")
    terminal.type("r")
    terminal.until("flow-1: Aborted")
    assert terminal.end() == 10


def test_ctrl_c_at_the_question_leaves_the_run_for_later(terminal: Terminal) -> None:
    terminal.until("first_ok waits for you")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("go on with: kubesaga run --resume flow-1")
    assert terminal.end() == 130


def test_ctrl_d_at_the_question_is_no_answer(terminal: Terminal) -> None:
    terminal.until("first_ok waits for you")
    terminal.send(b"\x04")
    terminal.until("kubesaga run --resume flow-1 --approve first_ok")
    assert terminal.end() == 16
