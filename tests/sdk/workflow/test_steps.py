"""RunTask: a workflow's task in a step's pod."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.support import PYTHON_PATH, ROOT, Ended, StepProcess, step_input

MODULE = "tests.sdk.workflow.flows"
CONFIG = {"function": f"{MODULE}:charge", "undo": f"{MODULE}:note", "data": f"{MODULE}:Order"}
ORDER = {"sku": "teapot", "done": ["reserve"], "fails": {}}


def run(folder: Path, method: str = "call", **fields: Any) -> Ended:
    document = step_input("kubesaga_sdk.workflow.steps:RunTask", method, **{"config": CONFIG, **fields})
    environ = {"KUBESAGA_INPUT": json.dumps(document), "PYTHONPATH": f"{PYTHON_PATH}:{ROOT}"}
    return StepProcess(folder, environ).end()


def test_it_starts_from_the_task_s_context_and_leaves_what_the_task_committed(tmp_path: Path) -> None:
    ended = run(tmp_path, context=ORDER, metadata={"tenant": "t", "executionId": "u-1"})
    assert ended.document == {
        "result": {
            "data": {**ORDER, "done": ["reserve", "charge_payment"]},
            "metadata": {"tenant": "t", "charge_payment": "was here"},
        }
    }


def test_it_goes_on_from_the_nearest_task_that_committed_something(tmp_path: Path) -> None:
    results = {
        "reserve": {"data": {**ORDER, "done": ["far"]}, "metadata": {}},
        "near": {"data": {**ORDER, "done": ["near"]}, "metadata": {"from": "near"}},
        "failed": None,
    }
    result = run(tmp_path, context=ORDER, results=results).document["result"]
    assert result["data"]["done"] == ["near", "charge_payment"]
    assert result["metadata"] == {"from": "near", "charge_payment": "was here"}


def test_an_attempt_that_fails_leaves_its_error_only(tmp_path: Path) -> None:
    ended = run(tmp_path, context={**ORDER, "fails": {"charge_payment": 1}})
    assert ended.error["type"] == "NetworkError"
    assert ended.document.keys() == {"error"}


def test_the_undo_sees_the_data_as_the_task_left_them_and_changes_nothing(tmp_path: Path) -> None:
    left = {"data": {**ORDER, "done": ["reserve", "charge_payment"]}, "metadata": {}}
    ended = run(tmp_path, "compensate", context=ORDER, forward={"result": left, "error": None})
    assert (ended.exit_code, ended.document) == (0, {"result": None})


def test_a_coroutine_function_is_awaited(tmp_path: Path) -> None:
    ended = run(tmp_path, config={"function": f"{MODULE}:fetch"}, context={"a": 1})
    assert ended.document["result"]["data"] == {"a": 1, "fetched": True}


@pytest.mark.parametrize(
    ("fields", "type_", "said"),
    [
        ({"context": {}}, "InvalidData", "data: sku of Order is missing"),
        ({"results": {"by_hand": 5}}, "InvalidData", "the result of by_hand is none of a workflow's task"),
        ({"config": {}}, "ConfigurationError", "the step's config has no function"),
        ({"config": {"function": "nowhere:x"}}, "CallableNotFound", "there is no module nowhere"),
        (
            {"config": {"function": f"{MODULE}:gone"}},
            "CallableNotFound",
            "has no attribute 'gone'; the template was made",
        ),
        (
            {"context": ORDER, "results": {"a": None, "b": None}, "resultRefs": {"big": {"size": 99}}},
            "ConfigurationError",
            "is too large to be given to it (big)",
        ),
    ],
)
def test_what_cannot_be_run_fails_for_good_and_says_why(
    tmp_path: Path, fields: dict[str, Any], type_: str, said: str
) -> None:
    ended = run(tmp_path, **fields)
    assert (ended.error["type"], ended.error["retryable"]) == (type_, False)
    assert said in ended.error["message"]
