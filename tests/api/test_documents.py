"""What a container's end is read as: every way in which a program can leave its result, or fail to."""

from __future__ import annotations

import json

import pytest

from kubesaga.api.documents import Framed, read_framed, read_output


def ended(code: int, message: str = "", reason: str | None = None) -> dict[str, object]:
    return {"exitCode": code, "message": message, "reason": reason}


def document(**error: object) -> str:
    return json.dumps({"error": {"type": "Broken", "message": "it broke", **error}})


def test_a_result_document_is_a_result_with_metadata() -> None:
    output = read_output(ended(0, '{"result": [1, null], "metadata": {"rows": 2}}'), expects_document=True)
    assert output.error is None
    assert output.result == [1, None]
    assert output.metadata == {"rows": 2}


@pytest.mark.parametrize(("written", "read"), [("28.0", 28), ("-2e3", -2000), ("1.5", 1.5), ("1e300", 1e300)])
def test_a_whole_number_is_an_integer_however_it_is_written(written: str, read: float) -> None:
    result = read_output(ended(0, f'{{"result": [{written}]}}'), expects_document=True).result
    assert (result, type(result[0])) == ([read], type(read))


def test_a_null_result_is_a_result() -> None:
    assert read_output(ended(0, '{"result": null}'), expects_document=True).error is None


def test_a_handler_without_a_document_failed_and_may_be_tried_again() -> None:
    error = read_output(ended(0), expects_document=True).error
    assert error is not None
    assert (error.type, error.retryable, error.outcome_unknown) == ("NoResult", True, True)


def test_any_other_program_needs_no_document() -> None:
    output = read_output(ended(0), expects_document=False)
    assert (output.error, output.result) == (None, None)


@pytest.mark.parametrize(
    "garbage",
    [
        "hello",
        "[1]",
        '{"answer": 42}',
        '{"result": NaN}',
        '{"result": 1e999}',
        '{"result": 1, "metadata": [1]}',
        "\x00",
    ],
)
def test_garbage_is_never_a_result(garbage: str) -> None:
    error = read_output(ended(0, garbage), expects_document=False).error
    assert error is not None
    assert (error.type, error.retryable) == ("InvalidResult", False)


def test_a_document_cut_by_the_kubelet_is_too_large() -> None:
    cut = ('{"result": "' + "x" * 5000)[:4096]
    error = read_output(ended(0, cut), expects_document=True).error
    assert error is not None
    assert (error.type, error.retryable, error.outcome_unknown) == ("ResultTooLarge", False, True)
    assert "frame a larger one in the program's log" in error.message
    assert "return a reference" in error.message


def framed(size: object, sha256: object = "a" * 64) -> str:
    return json.dumps({"resultFrame": {"bytes": size, "sha256": sha256}})


def test_a_document_may_say_that_the_result_is_in_the_log() -> None:
    for size in (1, 262_144):
        output = read_output(ended(0, framed(size)), expects_document=True)
        assert (output.error, output.framed) == (None, Framed(size, "a" * 64))


def test_more_than_the_operator_takes_is_not_even_looked_for_in_the_log() -> None:
    output = read_output(ended(0, framed(262_145)), expects_document=True)
    assert output.framed is None
    assert output.error is not None
    assert (output.error.type, output.error.retryable, output.error.outcome_unknown) == ("ResultTooLarge", False, True)
    assert "262145 bytes, the limit is 262144" in output.error.message


@pytest.mark.parametrize(
    "garbage",
    [
        '{"resultFrame": 1}',
        '{"resultFrame": {}}',
        framed("5"),
        framed(True),
        framed(5.5),
        framed(5, None),
        framed(5, "a" * 63),
        framed(5, "A" * 64),
        framed(5, "a" * 64 + "\n"),
    ],
)
def test_a_frame_without_length_and_checksum_is_garbage(garbage: str) -> None:
    error = read_output(ended(0, garbage), expects_document=True).error
    assert error is not None
    assert error.type == "InvalidResult"


def test_a_program_that_failed_is_not_asked_for_its_log() -> None:
    output = read_output(ended(3, framed(5000)), expects_document=True)
    assert output.framed is None
    assert output.error is not None
    assert (output.error.type, output.error.exit_code) == ("ExitCode", 3)


def test_a_framed_document_is_read_like_any_other_but_may_not_refer_to_another() -> None:
    output = read_framed('{"result": "\\ud800 Zoë \\u0000", "metadata": {"n": 1}}'.encode())
    assert (output.result, output.metadata) == ("\ud800 Zoë \x00", {"n": 1})
    for document in (framed(5).encode(), b"", b"\xff"):
        error = read_framed(document).error
        assert error is not None
        assert error.type == "InvalidResult"


def test_an_error_document_counts_whatever_the_exit_code() -> None:
    for code in (0, 1, 70):
        error = read_output(
            ended(code, document(code="E7", retryable=True, retryAfter=2.5)), expects_document=True
        ).error
        assert error is not None
        assert (error.type, error.code, error.retryable, error.retry_after) == ("Broken", "E7", True, 2.5)
        assert not error.outcome_unknown


@pytest.mark.parametrize(
    ("code", "type_", "retryable", "unknown"),
    [
        (1, "ExitCode", True, False),
        (63, "ExitCode", True, False),
        (64, "ExitCode", False, False),
        (78, "ExitCode", False, False),
        (79, "ExitCode", True, False),
        (137, "Killed", True, True),
        (139, "ExitCode", True, True),
        (143, "Terminated", True, True),
    ],
)
def test_without_a_document_the_exit_code_speaks(code: int, type_: str, retryable: bool, unknown: bool) -> None:
    error = read_output(ended(code, "last line of the log"), expects_document=True).error
    assert error is not None
    assert (error.type, error.retryable, error.outcome_unknown) == (type_, retryable, unknown)
    assert "last line of the log" in error.message


def test_running_out_of_memory_is_named_with_its_remedy() -> None:
    error = read_output(ended(137, reason="OOMKilled"), expects_document=True).error
    assert error is not None
    assert error.type == "OutOfMemory"
    assert "resources.limits.memory" in error.message


@pytest.mark.parametrize(
    "odd",
    [
        {"type": 7},
        {"type": None, "retryable": "yes"},
        {"type": "T" * 5000, "message": "m" * 5000, "code": "c" * 5000, "types": ["t" * 5000] * 5000},
        {"type": "X", "types": "no list", "retryAfter": -1},
        {"type": "X", "retryAfter": True},
        {"type": "X", "retryAfter": 1e300},
    ],
)
def test_an_odd_error_document_is_read_leniently_and_fits_a_status(odd: dict[str, object]) -> None:
    error = read_output(ended(1, json.dumps({"error": odd})), expects_document=True).error
    assert error is not None
    assert isinstance(error.type, str)
    assert len(error.type) <= 256
    assert len(error.message) <= 2048
    assert len(error.code or "") <= 256
    assert len(error.types) <= 64
    assert error.retry_after is None


def test_a_nested_document_that_exhausts_the_parser_is_an_invalid_result() -> None:
    error = read_output(ended(0, "[" * 3000), expects_document=True).error
    assert error is not None
    assert error.type == "InvalidResult"
