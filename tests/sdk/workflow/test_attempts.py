"""An attempt in a process is judged as the operator judges the same attempt in a pod."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kubesaga.api.documents import read_output
from kubesaga_sdk import PermanentError, RateLimitError, StepContext, StepHandler, StepHandlerResult, outcome
from kubesaga_sdk.workflow import attempts
from kubesaga_sdk.workflow.task_handler import HandlerProgram
from tests.sdk.support import context


def raises(error: BaseException) -> Callable[[], Any]:
    def do() -> Any:
        raise error

    return do


@pytest.mark.parametrize(
    "do",
    [
        raises(PermanentError("x" * 3000, "CODE", metadata={"a": 1})),
        raises(RateLimitError("slow down", retry_after=7.5)),
        raises(KeyError("a")),
        raises(ConnectionResetError("gone")),
        raises(SystemExit(70)),
        raises(SystemExit(3)),
        raises(asyncio.CancelledError()),
        raises(RateLimitError("next year", retry_after=1e300)),
        raises(ExceptionGroup("both", [ConnectionError("a"), ValueError("b")])),
        lambda: StepHandlerResult.failure("no", "odd_error", retryable=False, error_code="NO"),
        lambda: StepHandlerResult.success({"a": 1}, {"took": 2}),
        lambda: {"a": (1, 2)},
        object,
        lambda: "x" * 300_000,
        lambda: None,
    ],
)
def test_the_verdict_is_the_operator_s(do: Callable[[], Any]) -> None:
    class Handler(StepHandler):
        def call(self, _: StepContext) -> Any:
            return do()

    ended = attempts.run(HandlerProgram(Handler, "call", {}), context())
    try:
        end = outcome.of_return(do())
    except BaseException as error:
        end = outcome.of_error(error)
    left = {"message": end.document.decode(), "exitCode": end.exit_code}
    theirs = read_output(left, expects_document=True)
    assert (ended.result, ended.metadata or None, ended.error) == (theirs.result, theirs.metadata or None, theirs.error)
