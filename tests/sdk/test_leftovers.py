"""What outlives its handler, or is forked by it: the step's end waits for it, and its log says so."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.sdk.support import run, start, step_input

pytestmark = pytest.mark.slow


def test_a_thread_that_keeps_the_step_from_ending_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:LeavesAThread"))
    assert (ended.exit_code, ended.document) == (0, {"result": "done"})
    told = [line for line in map(json.loads, ended.stderr.splitlines()) if "go on" in line["message"]]
    assert [(line["level"], line["step"]) for line in told] == [("warning", "charge_payment")]
    assert "go on: pump." in told[0]["message"]


def test_a_step_that_is_over_but_for_a_thread_stops_when_it_is_told_to_with_what_it_came_to(tmp_path: Path) -> None:
    step = start(tmp_path, step_input("sample_handlers:LeavesAThread", context={"deaf": True}))
    assert step.read_line() == "noticed"
    step.process.send_signal(signal.SIGTERM)
    ended = step.end()
    assert (ended.exit_code, ended.document) == (0, {"result": "done"})


def test_an_idle_pool_keeps_nothing_from_ending(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:LeavesAPool"))
    assert (ended.exit_code, ended.document) == (0, {"result": "done"})
    assert "go on" not in ended.stderr


def test_a_process_that_keeps_the_step_from_ending_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:LeavesAProcess"))
    assert (ended.exit_code, ended.document) == (0, {"result": "done"})
    assert [line["message"] for line in ended.log if "go on: Process-1." in line["message"]] != []


def test_a_forked_process_is_told_to_end_as_any_other(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:EndsAProcess"))
    assert (ended.exit_code, ended.document) == (0, {"result": -signal.SIGTERM})
    assert "StepTerminated" not in ended.stderr


def test_a_forked_process_that_comes_back_leaves_no_result(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:Forks"))
    assert (ended.exit_code, ended.document) == (0, {"result": "parent"})
    assert [line["message"] for line in ended.log].count("step ended") == 1
