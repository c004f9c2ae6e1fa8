"""The runner as a pod runs it: a process with an environment, a result file and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.support import StepProcess, run, step_input

pytestmark = pytest.mark.slow


def sample(name: str, method: str = "call", **fields: Any) -> dict[str, Any]:
    return step_input(f"sample_handlers:{name}", method, **fields)


@pytest.mark.parametrize("value", [{"id": 1}, [1, "two"], "text", 3, 2.5, True, None])
def test_what_a_handler_returns_is_the_result(tmp_path: Path, value: object) -> None:
    ended = run(tmp_path, sample("Returns", context={"value": value}))
    assert (ended.exit_code, ended.document) == (0, {"result": value})


def test_the_document_is_compact_utf8(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("Returns", context={"value": {"name": "Zoë", "n": [1, 2]}}))
    assert ended.written == '{"result":{"name":"Zoë","n":[1,2]}}'.encode()


def test_a_coroutine_is_awaited(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("ReturnsLater", context={"value": 5}))
    assert (ended.exit_code, ended.document) == (0, {"result": 5})


def test_a_result_object_carries_metadata(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("Succeeds"))
    assert (ended.exit_code, ended.document) == (0, {"result": {"id": 7}, "metadata": {"took": 1.5}})


@pytest.mark.parametrize(("retryable", "exit_code"), [(True, 1), (False, 65)])
def test_a_reported_failure_is_an_error_document(tmp_path: Path, retryable: bool, exit_code: int) -> None:
    ended = run(tmp_path, sample("ReportsFailure", context={"retryable": retryable}))
    assert ended.exit_code == exit_code
    assert ended.document == {
        "error": {
            "type": "CardError",
            "types": ["CardError"],
            "code": "DECLINED",
            "message": "the card was declined",
            "retryable": retryable,
            "metadata": {"card": "visa"},
        }
    }


def test_a_permanent_error_names_its_class_and_bases(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("RaisesPermanent"))
    assert ended.exit_code == 65
    assert ended.error == {
        "type": "Declined",
        "types": ["Declined", "PermanentError", "StepError"],
        "code": "DECLINED",
        "message": "the card was declined",
        "retryable": False,
        "metadata": {"card": "visa"},
    }


def test_a_retryable_error_says_when(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("RaisesRetryable"))
    assert ended.exit_code == 1
    assert ended.error == {
        "type": "RetryableError",
        "types": ["RetryableError", "StepError"],
        "code": "BUSY",
        "message": "the bank is busy",
        "retryable": True,
        "retryAfter": 2.5,
    }


def test_a_programming_error_is_permanent_and_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("HasABug"))
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (70, "TypeError", False)
    assert any("sample_handlers.py" in line.get("exception", "") for line in ended.log)


def test_the_permanent_error_of_a_group_decides(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("FailsInAGroup"))
    assert (ended.exit_code, ended.error["type"], ended.error["message"]) == (
        65,
        "PermanentError",
        "declined",
    )


@pytest.mark.parametrize(
    ("code", "exit_code", "retryable"), [(0, 70, False), (66, 66, False), (3, 1, True), ("give up", 1, True)]
)
def test_a_handler_that_exits_has_not_finished(tmp_path: Path, code: object, exit_code: int, retryable: bool) -> None:
    ended = run(tmp_path, sample("Exits", context={"code": code}))
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (
        exit_code,
        "SystemExit",
        retryable,
    )
    assert f"sys.exit({code!r})" in ended.error["message"]


def test_a_process_that_vanishes_leaves_no_document(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("VanishesWithoutAWord"))
    assert (ended.exit_code, ended.written) == (0, None)


def test_a_compensation_is_given_the_forward_result_and_both_keys(tmp_path: Path) -> None:
    document = sample("Compensates", "compensate", compensationKey="undo-1", forward={"result": {"id": 7}})
    ended = run(tmp_path, document)
    assert ended.document == {"result": {"forward": {"id": 7}, "key": "key-1", "own": "undo-1"}}


@pytest.mark.parametrize(
    ("callable_name", "result"),
    [
        ("sample_handlers.Plain", "plain"),
        ("sample_handlers:function", "function for order-1"),
        ("sample_handlers.coroutine", "coroutine for order-1"),
    ],
)
def test_a_handler_needs_no_base_class(tmp_path: Path, callable_name: str, result: str) -> None:
    assert run(tmp_path, step_input(callable_name)).document == {"result": result}


def test_a_result_above_the_limit_is_refused_with_its_size_and_the_remedy(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("Grows", context={"length": 300_000}))
    assert (ended.exit_code, ended.error["type"], ended.error["code"]) == (
        65,
        "ResultTooLarge",
        "ResultTooLarge",
    )
    assert ended.error["retryable"] is False
    assert "300013 bytes" in ended.error["message"]
    assert "limit is 262144" in ended.error["message"]
    assert "return a reference" in ended.error["message"]
    assert "kubesaga-result" not in ended.stdout


def test_a_large_input_comes_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text(json.dumps(sample("Returns", context={"value": "from the file", "ballast": "x" * 40_000})))
    # The variable is ignored where the file is named.
    ended = StepProcess(tmp_path, {"KUBESAGA_INPUT_FILE": str(path), "KUBESAGA_INPUT": "{}"}).end()
    assert ended.document == {"result": "from the file"}


def test_without_an_input_the_contract_is_explained(tmp_path: Path) -> None:
    ended = StepProcess(tmp_path, {}).end()
    assert (ended.exit_code, ended.error["type"]) == (64, "InvalidInput")
    assert "KUBESAGA_INPUT" in ended.error["message"]
    assert "python -m kubesaga_sdk run" in ended.error["message"]


def test_a_result_file_that_cannot_be_written_fails_the_attempt_retryably(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("Returns"), KUBESAGA_RESULT_FILE=str(tmp_path / "no" / "such" / "folder"))
    assert ended.exit_code == 1
    assert any(line["message"] == "the result document could not be written" for line in ended.log)


def test_a_callable_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    ended = run(tmp_path, sample("Return"))
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (78, "CallableNotFound", False)
    assert "did you mean Returns" in ended.error["message"]


def test_a_module_that_fails_to_import_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("broken_import:Handler"))
    assert (ended.exit_code, ended.error["type"]) == (78, "HandlerImportError")
    assert "RuntimeError: no licence file" in ended.error["message"]
    assert any("broken_import.py" in line.get("exception", "") for line in ended.log)


def test_a_handler_runs_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"context": {"value": "by hand"}}')
    ended = StepProcess(tmp_path, {}, ("run", "sample_handlers:Returns", "--input", str(path))).end()
    assert (ended.exit_code, ended.stdout) == (0, '{"result":"by hand"}\n')
    assert ended.written is None


def test_help_explains_the_contract(tmp_path: Path) -> None:
    ended = StepProcess(tmp_path, {}, ("--help",)).end()
    assert ended.exit_code == 0
    for word in ("KUBESAGA_INPUT_FILE", "KUBESAGA_RESULT_FILE", "4096 bytes", "resultFrame", "64 to 78"):
        assert word in ended.stdout
