"""Result documents: what JSON can hold, what an operator takes, and errors that fit into a termination message."""

from __future__ import annotations

import datetime
import decimal
import json
from http import HTTPStatus
from typing import Any

import pytest

from kubesaga.engine import acceptance
from kubesaga.engine.encoding import size_of
from kubesaga_sdk import ErrorType, PermanentError, StepHandlerResult
from kubesaga_sdk.contract import FRAMED_LIMIT, METADATA_LIMIT, RESULT_LIMIT
from kubesaga_sdk.errors import InvalidResult, ResultTooLarge
from kubesaga_sdk.outcome import of_error, of_return

LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"at": datetime.date(2026, 1, 1)}, "result.at: date is no JSON type"),
        ({"items": [1, decimal.Decimal(1)]}, r"result.items\[1\]: Decimal is no JSON type"),
        ({1, 2}, "result: set is no JSON type"),
        (b"raw", "result: bytes is no JSON type"),
        (object(), "result: object is no JSON type"),
        ({"a": {5: "x"}}, "result.a: the key 5 is of type int"),
        ([float("nan")], r"result\[0\]: nan is no JSON number"),
        (float("inf"), "result: inf is no JSON number"),
        ({"id": 2**63}, "result.id: an integer beyond 64 bits"),
        (-(2**63) - 1, "result: an integer beyond 64 bits"),
        ("\ud800", "result: a string with a lone surrogate"),
        ({"\ud800": 1}, "result: key: a string with a lone surrogate"),
        (LOOP, "nested more than 64 levels deep"),
        (StepHandlerResult.success(1, {"at": {5}}), "metadata.at: set is no JSON type"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, said: str) -> None:
    with pytest.raises(InvalidResult, match=said):
        of_return(value)


def test_an_error_that_cannot_tell_its_message_is_reported_all_the_same() -> None:
    class Mute(ConnectionError):
        def __str__(self) -> str:
            raise KeyError("host")

    error = json.loads(of_error(Mute()).document)["error"]
    assert (error["type"], error["retryable"]) == ("Mute", True)
    assert error["message"] == "Mute, whose message cannot be told: KeyError: 'host'"


def test_an_error_that_cannot_tell_its_facts_is_reported_all_the_same() -> None:
    class Broken(ConnectionError):
        error_code = property(lambda _: 1 / 0)
        metadata = property(lambda _: 1 / 0)
        retryable = property(lambda _: 1 / 0)

    error = json.loads(of_error(Broken("gone")).document)["error"]
    assert (error["type"], error["message"], error["retryable"]) == ("Broken", "gone", True)


def test_whether_to_try_again_is_yes_or_no_however_it_was_said() -> None:
    no: Any = 0
    for end in (of_error(PermanentError("no", retryable=no)), of_return(StepHandlerResult.failure("no", retryable=no))):
        assert (json.loads(end.document)["error"]["retryable"], end.exit_code) == (False, 65)


def test_an_exception_may_stand_for_a_reported_failure_s_message() -> None:
    failure: Any = StepHandlerResult.failure(ValueError("no such order"))  # type: ignore[arg-type]
    assert json.loads(of_return(failure).document)["error"]["message"] == "no such order"


def test_tuples_and_enums_of_text_and_numbers_are_written_as_json_does() -> None:
    result = {"pair": (1, 2), "kind": ErrorType.TIMEOUT, "status": HTTPStatus.CREATED}
    assert of_return(result).document == b'{"result":{"pair":[1,2],"kind":"timeout","status":201}}'


def test_the_limit_is_exact() -> None:
    frame = len('{"result":""}')
    assert len(of_return("x" * (FRAMED_LIMIT - frame)).document) == FRAMED_LIMIT
    with pytest.raises(ResultTooLarge, match="has 262145 bytes, the limit is 262144: store the data elsewhere"):
        of_return("x" * (FRAMED_LIMIT - frame + 1))


def test_bytes_count_towards_the_limit_not_characters() -> None:
    with pytest.raises(ResultTooLarge, match=f"has {3 * 90_000 + 13} bytes"):
        of_return("語" * 90_000)


def test_metadata_have_a_limit_of_their_own_which_is_the_operator_s() -> None:
    room = METADATA_LIMIT - len('{"note":""}')
    metadata = {"note": "語" * (room // 3) + "x" * (room % 3)}
    assert (METADATA_LIMIT, size_of(metadata)) == (acceptance.METADATA_LIMIT, METADATA_LIMIT)
    assert json.loads(of_return(StepHandlerResult.success(1, metadata)).document)["metadata"] == metadata
    with pytest.raises(ResultTooLarge, match="the result's metadata have 4097 bytes, the limit is 4096"):
        of_return(StepHandlerResult.success(1, {"note": metadata["note"] + "x"}))


LONG_NAME = "A" * 1000


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("x" * 10_000),
        PermanentError("語" * 10_000),
        PermanentError("\x00" * 10_000, "\x00" * 10_000),
        PermanentError("\ud800" * 10_000, "\ud800"),
        PermanentError("small", metadata={"large": "x" * 5000}),
        PermanentError("small", metadata={"no": {5}}),
        type(LONG_NAME, (PermanentError,), {})("x" * 10_000),
        type("語" * 1000, tuple(type(f"{i}" + "語" * 1000, (PermanentError,), {}) for i in range(20)), {})(
            "語" * 10_000
        ),
    ],
)
def test_an_error_always_fits_and_keeps_what_decides(error: PermanentError) -> None:
    outcome = of_error(error)
    document = json.loads(outcome.document)["error"]
    assert len(outcome.document) <= RESULT_LIMIT
    assert outcome.exit_code == 65
    assert document["retryable"] is False
    assert document["type"][:50] == type(error).__name__[:50]
    assert len(document["message"]) <= 2000
    assert "metadata" not in document


def test_a_message_is_cut_no_further_than_it_must_be() -> None:
    message = json.loads(of_error(PermanentError("x" * 2001)).document)["error"]["message"]
    assert message == "x" * 1999 + "…"


def test_an_error_without_a_message_still_says_something() -> None:
    assert json.loads(of_error(ValueError()).document)["error"]["message"] == "ValueError without a message"
    failure = StepHandlerResult(is_success=False)
    assert json.loads(of_return(failure).document)["error"]["type"] == "handler_error"


def test_the_bases_of_an_operating_system_error_are_named() -> None:
    assert json.loads(of_error(ConnectionRefusedError("no")).document)["error"]["types"] == [
        "ConnectionRefusedError", "ConnectionError", "OSError",
    ]  # fmt: skip
