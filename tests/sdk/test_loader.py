"""From a callable's name to a method; the errors say what is there instead."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubesaga_sdk.errors import CallableInvalid, CallableNotFound, HandlerImportError
from kubesaga_sdk.loader import load
from tests.sdk.support import context

SAMPLES = str(Path(__file__).parent / "samples")


@pytest.fixture(autouse=True)
def _samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SAMPLES)


@pytest.mark.parametrize("name", ["", "shop:", ":Charge", "shop:Charge:call", "shop.Charge()", "a-b:C", "shop:A.B"])
def test_what_is_no_name_is_refused_with_the_form(name: str) -> None:
    with pytest.raises(CallableNotFound, match=r"write package.module:Class or package.module.Class"):
        load(name, "call")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sample_handler:Returns", "this image has no module sample_handler; did you mean sample_handlers"),
        (
            "order_fulfillment.handler:ShipOrder",
            "order_fulfillment has no module handler; did you mean handlers",
        ),
        (
            "order_fulfillment.handler:ShipOrder",
            "order_fulfillment contains: business, client, handlers, ledger, warehouse",
        ),
        ("sample_handlers.deeper:Handler", "sample_handlers is a module, not a package"),
        ("sample_handlers:Retruns", r"sample_handlers has no Retruns; did you mean Returns"),
        (
            "order_fulfillment.handlers.Nothing",
            "it defines: ChargePayment, ReserveInventory, SendConfirmation",
        ),
    ],
)
def test_a_name_that_leads_nowhere_says_what_is_there(name: str, said: str) -> None:
    with pytest.raises(CallableNotFound, match=said):
        load(name, "call")


def test_what_a_module_only_imports_is_not_offered() -> None:
    with pytest.raises(CallableNotFound) as raised:
        load("order_fulfillment.handlers:Nothing", "call")
    assert "StepHandler" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "method", "said"),
    [
        ("sample_handlers:Returns", "compensate", "has no method compensate; it has: call, failure, success"),
        ("sample_handlers:function", "compensate", "has no method compensate"),
        ("sample_handlers:Abstract", "call", "is abstract: define call"),
        ("sample_handlers:WantsArguments", "call", "cannot be made without arguments .*'bank'"),
    ],
)
def test_a_callable_that_cannot_be_called_says_why(name: str, method: str, said: str) -> None:
    with pytest.raises(CallableInvalid, match=said):
        load(name, method)


def test_a_constructors_own_error_is_the_handlers() -> None:
    with pytest.raises(ConnectionRefusedError, match="no database"):
        load("sample_handlers:FailsToStart", "call")
    with pytest.raises(TypeError, match="has no len"):
        load("sample_handlers:ConstructorHasABug", "call")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("broken_import", "RuntimeError: no licence file"),
        ("missing_library", "No module named 'no_such_library'"),
    ],
)
def test_a_module_that_fails_to_import_is_told_from_one_that_is_not_there(module: str, said: str) -> None:
    with pytest.raises(HandlerImportError, match=said):
        load(f"{module}:Handler", "call")
    assert module not in sys.modules


def test_every_attempt_gets_a_new_object() -> None:
    first, second = load("sample_handlers:Plain", "call"), load("sample_handlers.Plain", "call")
    assert getattr(first, "__self__", None) is not getattr(second, "__self__", None)
    assert first(context()) == second(context()) == "plain"
