"""Log lines: JSON with the attempt's name on it, and nothing done to what the handler prints."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.sdk.support import StepProcess, run, step_input

FIELDS = {"task": "order-1", "step": "charge_payment", "attempt": 1, "correlation_id": "corr-1"}


def test_the_sdks_and_the_handlers_lines_say_which_attempt_they_belong_to(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:Talks"))
    assert [(line["logger"], line["level"], line["message"]) for line in ended.log] == [
        ("kubesaga_sdk", "info", "step started"),
        ("shop", "info", "charged"),
        ("kubesaga_sdk", "info", "step ended"),
    ]
    for line in ended.log:
        assert {name: line[name] for name in FIELDS} == FIELDS
        assert datetime.fromisoformat(line["ts"]).tzinfo is not None
    assert ended.log[1]["amount"] == 5


def test_what_a_handler_prints_is_left_alone(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:Talks"))
    assert ended.stdout == "to standard output\n"
    assert "to standard error" in ended.stderr.splitlines()


def test_a_handler_that_configures_logging_has_its_way(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("own_logging:handler"))
    assert "own format: charged" in ended.stderr.splitlines()
    assert [line["message"] for line in ended.log] == ["step started", "step ended"]


def test_lines_written_before_the_input_is_known_use_the_single_variables(tmp_path: Path) -> None:
    environ = {"KUBESAGA_TASK": "order-1", "KUBESAGA_STEP": "charge_payment", "KUBESAGA_ATTEMPT": "4"}
    ended = StepProcess(tmp_path, {**environ, "KUBESAGA_INPUT": "{"}).end()
    assert {(line["task"], line["step"], line["attempt"]) for line in ended.log} == {("order-1", "charge_payment", 4)}


def test_a_field_that_json_cannot_hold_loses_no_line(tmp_path: Path) -> None:
    line = run(tmp_path, step_input("sample_handlers:TalksOddly")).log[1]
    assert (line["message"], line["ratio"], line["by_day"]) == ("odd", "nan", "{(1, 2): 3}")
    assert {name: line[name] for name in FIELDS} == FIELDS


def test_a_field_that_logging_has_for_itself_fails_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("sample_handlers:TalksOddly"))
    assert (ended.exit_code, ended.log[1]["name_"], ended.log[1]["message_"]) == (0, "Ada", "hello")
