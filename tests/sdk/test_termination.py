"""SIGTERM: the handler tidies up, and the document says Terminated unless the handler finished."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk.runner import run_step
from kubesaga_sdk.step_input import complete
from tests.sdk.support import Ended, start, step_input


def stop(folder: Path, handler: str, **context: Any) -> Ended:
    step = start(folder, step_input(f"sample_handlers:{handler}", context=context))
    assert step.read_line() == "ready"
    step.interrupt()
    return step.end()


@pytest.mark.parametrize("handler", ["Blocks", "Awaits"])
def test_a_stopped_handler_tidies_up_and_is_reported_as_terminated(tmp_path: Path, handler: str) -> None:
    ended = stop(tmp_path, handler)
    assert ended.exit_code == 143
    assert ended.stdout == "tidied up\n"
    assert (ended.error["type"], ended.error["types"], ended.error["retryable"]) == (
        "Terminated",
        ["Terminated"],
        True,
    )


@pytest.mark.parametrize("handler", ["Blocks", "Awaits"])
def test_a_handler_that_finishes_all_the_same_has_a_result(tmp_path: Path, handler: str) -> None:
    ended = stop(tmp_path, handler, finish=True)
    assert (ended.exit_code, ended.document) == (0, {"result": "finished all the same"})


def test_an_error_while_tidying_up_is_no_verdict_on_the_work(tmp_path: Path) -> None:
    ended = stop(tmp_path, "Blocks", stumble=True)
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (143, "Terminated", True)
    assert "ValueError: tidying up failed" in ended.error["message"]


def test_a_second_signal_does_not_disturb_the_tidying_up(tmp_path: Path) -> None:
    step = start(tmp_path, step_input("sample_handlers:Blocks", context={"slowly": True}))
    assert step.read_line() == "ready"
    step.interrupt()
    assert step.read_line() == "tidying up"
    step.process.send_signal(signal.SIGTERM)
    ended = step.end("go on\n")
    assert (ended.exit_code, ended.stdout, ended.error["type"]) == (143, "tidied up\n", "Terminated")


@pytest.fixture
def _own_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize(("method", "exit_code"), [("call", 0), ("compensate", 78)])
def test_a_signal_after_the_handler_has_ended_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, method: str, exit_code: int
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "samples"))
    written: list[bytes] = []

    def write(document: bytes) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        written.append(document)

    document = complete(step_input("sample_handlers:Plain", method), "the test's input")
    assert run_step(lambda: document, {}, write) == exit_code
    assert list(json.loads(written[0])) == ["result" if exit_code == 0 else "error"]
