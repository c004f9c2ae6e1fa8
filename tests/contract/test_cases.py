"""The cases find out programs that do not keep the contract: each of these breaks it in one way."""

from __future__ import annotations

import pytest

from tests.contract.__main__ import main
from tests.contract.cases import CASES

BY_NAME = {case.name: case for case in CASES}


def faults(script: str) -> dict[str, str]:
    """What is wrong with a shell script, by the names of the cases."""
    found = {case.name: case.fault(["sh", "-c", script], None) for case in CASES}
    return {name: fault for name, fault in found.items() if fault is not None}


def fault(name: str, script: str) -> str:
    """What is wrong with a shell script in one case; it must be something."""
    found = BY_NAME[name].fault(["sh", "-c", script], None)
    assert found is not None
    return found


def test_a_program_that_does_nothing_passes_only_where_it_is_to_fail_and_try_again() -> None:
    passed = set(BY_NAME) - set(faults("true"))
    assert passed == {f"exit code {code} may be tried again" for code in (1, 63, 79)}


def test_a_program_that_fails_for_good_passes_only_where_it_is_asked_to() -> None:
    passed = set(BY_NAME) - set(faults("exit 70"))
    assert passed == {f"exit code {code} is permanent" for code in (64, 78)}


def test_true_is_not_the_number_one() -> None:
    found = fault("the result false", """printf '{"result":0}' > "$KUBESAGA_RESULT_FILE\"""")
    assert found.startswith("its result is 0, and not False")


def test_a_result_beside_a_failing_exit_code_is_none() -> None:
    assert "it failed" in fault("the result null", """printf '{"result":null}' > "$KUBESAGA_RESULT_FILE"; exit 1""")


def test_a_frame_that_is_announced_and_missing_is_found() -> None:
    name = next(name for name in BY_NAME if name.startswith("a result of 10000 bytes"))
    note = '{"resultFrame":{"bytes":10013,"sha256":"%064d"}}'
    found = fault(name, f"""printf '{note}' 0 > "$KUBESAGA_RESULT_FILE\"""")
    assert "ResultUnreadable" in found


def test_a_program_that_calls_its_termination_a_success_is_found() -> None:
    script = """trap 'printf "{\\"result\\":null}" > "$KUBESAGA_RESULT_FILE"; exit 0' TERM; echo waiting
        sleep 600 & wait $!"""
    assert fault("SIGTERM ends it, and does not look like success", script).startswith("it succeeded with None")


def test_the_command_line_prints_a_row_for_each_case_and_fails_for_a_bad_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--", "sh", "-c", "exit 70"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("\nFAILED") + printed.count("\nok") + 1 == len(CASES)
    assert printed.endswith(f"2 of {len(CASES)} cases\n")
