"""One attempt in this process: the same outcome as in a pod, without its signals and files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk import HandlerRegistry
from kubesaga_sdk.attempt import run_attempt
from kubesaga_sdk.step_input import complete
from tests.sdk.support import step_input

SAMPLES = "tests.sdk.samples.sample_handlers"


def ran(name: str, method: str = "call", **fields: Any) -> tuple[int, Any]:
    end = run_attempt(complete(step_input(f"{SAMPLES}:{name}", method, **fields), "the test's input"))
    return end.exit_code, json.loads(end.document)


@pytest.mark.parametrize("name", ["Returns", "ReturnsLater"])
def test_a_result_is_the_outcome(name: str) -> None:
    assert ran(name, context={"value": [1]}) == (0, {"result": [1]})


def test_a_compensation_is_run_by_its_method() -> None:
    code, document = ran("Compensates", "compensate", forward={"result": 7}, compensationKey="undo-1")
    assert (code, document["result"]["forward"]) == (0, 7)


@pytest.mark.parametrize(
    ("name", "exit_code", "type_"),
    [
        ("RaisesPermanent", 65, "Declined"),
        ("RaisesRetryable", 1, "RetryableError"),
        ("HasABug", 70, "TypeError"),
        ("FailsInAGroup", 65, "PermanentError"),
        ("Nothing", 78, "CallableNotFound"),
        ("FailsToStart", 1, "ConnectionRefusedError"),
    ],
)
def test_an_error_is_the_outcome(name: str, exit_code: int, type_: str) -> None:
    code, document = ran(name)
    assert (code, document["error"]["type"]) == (exit_code, type_)


def test_a_registered_name_is_found_in_folders_that_were_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "added.py").write_text(
        "from kubesaga_sdk import step_handler\n\n\n@step_handler('found_inline')\ndef found():\n    return 'inline'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    end = run_attempt(complete(step_input("found_inline"), "the test's input"))
    assert json.loads(end.document) == {"result": "inline"}
    HandlerRegistry.instance().unregister("found_inline")
    monkeypatch.delitem(sys.modules, "added")


def test_a_handler_that_exits_ends_nobody_else() -> None:
    code, document = ran("Exits", context={"code": 3})
    assert (code, document["error"]["type"]) == (1, "SystemExit")
