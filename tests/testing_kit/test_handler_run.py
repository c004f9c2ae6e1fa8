"""Handlers under the kit come to what the runner would make of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubesaga_sdk import PermanentError, RetryableError, StepContext, StepHandler
from kubesaga_sdk.errors import InvalidInput
from kubesaga_sdk.testing import make_context, run_handler


class Charge(StepHandler):
    def call(self, context: StepContext) -> dict[str, Any]:
        if context.get_input("amount") == 0:
            raise PermanentError("nothing to charge", error_code="NOTHING")
        if not context.is_retry():
            raise RetryableError("busy", error_code="BUSY", retry_after=7)
        context.publish("payment.charged", {"amount": context.get_input("amount")})
        return {"key": context.idempotency_key, "cart": context.get_dependency_result("cart")}

    def compensate(self, context: StepContext) -> str:
        return f"refunded {context.forward_result['paymentId']}"


class Slow(StepHandler):
    async def call(self, context: StepContext) -> str:
        await asyncio.sleep(0)
        return context.step_name


def test_a_context_has_what_was_given_and_the_defaults_of_the_contract() -> None:
    context = make_context({"a": 1}, config={"b": 2}, results={"before": 3}, attempt=2, task={"name": "order-1"})
    assert (context.get_input("a"), context.get_config("b"), context.get_dependency_result("before")) == (1, 2, 3)
    assert (context.attempt, context.retry_count, context.is_retry(), context.task.name) == (2, 1, True, "order-1")
    assert make_context().is_last_retry() is False
    assert make_context(attempt=3).is_last_retry() is True


def test_a_result_and_what_was_published_are_seen() -> None:
    run = run_handler(Charge, make_context({"amount": 5}, attempt=2, results={"cart": ["tea"]}))
    assert run.succeeded
    assert run.result == {"key": "test-key", "cart": ["tea"]}
    assert run.events == ({"name": "payment.charged", "payload": {"amount": 5}},)
    assert run.exit_code == 0


def test_a_field_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(InvalidInput, match="trace must be an array, not a tuple"):
        make_context(trace=())


def test_an_error_is_seen_as_the_operator_reads_it() -> None:
    error = run_handler(Charge, input={"amount": 5}).error
    assert error is not None
    assert (error.type, error.code, error.retryable, error.retry_after) == ("RetryableError", "BUSY", True, 7)
    error = run_handler(Charge, input={"amount": 0}).error
    assert error is not None
    assert (error.code, error.retryable) == ("NOTHING", False)


def test_what_no_json_can_hold_is_an_error_here_as_on_a_cluster() -> None:
    def unprintable(context: StepContext) -> object:
        return {"at": object()}

    error = run_handler(unprintable).error
    assert error is not None
    assert error.type == "InvalidResult"


def test_a_compensation_sees_what_there_is_to_undo() -> None:
    assert run_handler(Charge, method="compensate", forward_result={"paymentId": 9}).result == "refunded 9"


def test_asynchronous_handlers_run_inside_and_outside_of_an_event_loop() -> None:
    async def inside() -> Any:
        return run_handler(Slow, step="wait").result

    assert run_handler(Slow, step="wait").result == "wait"
    assert asyncio.run(inside()) == "wait"


def test_handlers_are_given_by_class_instance_function_or_name() -> None:
    context = make_context({"amount": 1}, attempt=2)
    names: list[Any] = [Charge, Charge(), f"{__name__}:Charge"]
    assert {str(run_handler(each, context).result) for each in names} == {str({"key": "test-key", "cart": None})}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: run_handler(Charge, make_context(), input={}), "not both"),
        (lambda: run_handler(Charge, method="undo"), "no method 'undo'"),
        (lambda: make_context(configs={"a": 1}), "a step's input has no field configs; it has: attempt, "),
    ],
)
def test_wrong_use_is_refused(call: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        call()
