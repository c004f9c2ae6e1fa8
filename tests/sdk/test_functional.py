"""Handlers as functions: what fills their parameters, what undoes them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk import StepHandler, depends_on, inputs, provider, step_handler
from kubesaga_sdk.errors import CallableInvalid
from kubesaga_sdk.loader import load
from kubesaga_sdk.testing import run_handler
from tests.sdk.samples import functional_handlers as samples
from tests.sdk.support import Ended, run, step_input

pytestmark = pytest.mark.slow

CONTEXT = {"card": "visa", "tip": 2, "sku": "tea", "quantity": 3, "notes": ["gift"], "unknown": True}
RESULTS = {"validate_cart": {"total": 40}}


def ran(folder: Path, name: str, method: str = "call", **fields: Any) -> Ended:
    document = step_input(f"functional_handlers:{name}", method, **{"context": CONTEXT, "results": RESULTS, **fields})
    return run(folder, document)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("charge", {"paid": 42, "card": "visa", "attempt": 1}),
        ("charge_later", {"paid": 40, "at": "bank", "in": "EUR"}),
        ("typed", {"sku": "tea", "quantity": 3, "notes": ["gift", "40 EUR"]}),
        ("decorated_the_other_way_round", {"total": 3, "currency": "EUR"}),
        ("anything", {"sku": "tea", "quantity": 3}),
    ],
)
def test_parameters_are_filled_by_what_the_decorators_say(tmp_path: Path, name: str, result: object) -> None:
    assert ran(tmp_path, name).document == {"result": result}


def test_what_is_absent_is_none(tmp_path: Path) -> None:
    ended = ran(tmp_path, "typed", context={"sku": "tea"}, results={})
    assert ended.document == {"result": {"sku": "tea", "quantity": 1, "notes": ["no cart"]}}


def test_the_compensation_is_filled_as_the_handler_is(tmp_path: Path) -> None:
    ended = ran(tmp_path, "charge", "compensate", forward={"result": {"paid": 42}})
    assert ended.document == {"result": {"refunded": 42, "card": "visa"}}


def test_an_error_of_the_tree_is_the_outcome(tmp_path: Path) -> None:
    ended = ran(tmp_path, "charge", context={"card": "declined"})
    assert (ended.exit_code, ended.error["types"], ended.error["code"]) == (
        65,
        ["PermanentError", "StepError"],
        "DECLINED",
    )


def test_a_model_that_lacks_a_field_says_which(tmp_path: Path) -> None:
    ended = ran(tmp_path, "typed", context={"quantity": 3})
    assert (ended.error["type"], ended.error["retryable"]) == ("ValidationError", False)
    assert ended.error["message"] == "the Task's context lacks sku, for Order"


def test_a_pydantic_model_judges_for_itself(tmp_path: Path) -> None:
    ended = ran(tmp_path, "typed", results={"validate_cart": {"total": "much"}})
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (70, "ValidationError", False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lacking", "nothing fills the parameter 'card' of functional_handlers:lacking: add @inputs('card')"),
        ("surplus", "functional_handlers:surplus has no parameter 'card', which its decorators fill"),
    ],
)
def test_a_parameter_without_a_source_is_found_before_the_handler_runs(tmp_path: Path, name: str, said: str) -> None:
    ended = ran(tmp_path, name)
    assert (ended.exit_code, ended.error["type"]) == (78, "CallableInvalid")
    assert said in ended.error["message"]


def test_a_parameter_that_takes_no_name_is_found_before_the_handler_runs() -> None:
    def charge(card: str, /, tip: int) -> None: ...

    with pytest.raises(CallableInvalid, match=r"charge has parameters that take no name \(card\).* leave out the `/`"):
        step_handler("positional")(inputs("card", "tip")(charge)).handler_class  # noqa: B018


class Bell:
    """A service."""


@provider(Bell)
def _bell() -> Bell:
    return Bell()


def test_a_service_is_found_by_an_annotation_in_quotes() -> None:
    def ring(bell: "Bell") -> str:  # noqa: UP037 - in two pairs of quotes, with the __future__
        return type(bell).__name__

    assert run_handler(step_handler("ring")(ring)).result == "Bell"


def test_a_function_without_a_compensation_has_none(tmp_path: Path) -> None:
    ended = ran(tmp_path, "charge_later", "compensate")
    assert (ended.exit_code, ended.error["type"]) == (78, "CallableInvalid")
    assert "has no method compensate; it has: call" in ended.error["message"]


def test_the_function_itself_is_called_as_it_is_written() -> None:
    assert samples.refund("visa", _Forward()) == {"refunded": 7, "card": "visa"}  # type: ignore[arg-type]
    assert samples.decorated_the_other_way_round("coffee").total == 6
    assert samples.charge.__doc__ == "Charge a card."


class _Forward:
    forward_result = {"paid": 7}  # noqa: RUF012


def test_the_handler_is_an_ordinary_class_too() -> None:
    made = samples.charge.handler_class
    assert issubclass(made, StepHandler)
    assert (made.__name__, made().name, made().version) == ("charge", "charge", "1.2.0")
    assert repr(samples.charge).startswith("<step handler charge (")


def test_what_is_no_handler_is_refused_where_it_is_decorated() -> None:
    def plain() -> None: ...

    with pytest.raises(TypeError, match="write @step_handler"):
        step_handler(plain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is no function"):
        step_handler("length")(len)
    with pytest.raises(TypeError, match="with brackets"):
        inputs(plain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="names, or one model"):
        inputs(samples.Order, "card")
    with pytest.raises(TypeError, match="neither a dataclass nor a pydantic model"):
        depends_on(cart=("validate_cart", dict))
    for said in (5, ("validate_cart", samples.Order, 1), (samples.Order, "validate_cart")):
        with pytest.raises(
            TypeError, match=r'takes a step, or a step and a model: cart="price", cart=\("price", Price\)'
        ):
            depends_on(cart=said)  # type: ignore[arg-type]


def test_a_compensation_must_not_hide_its_handler() -> None:
    @step_handler("shown")
    def shown() -> None: ...

    def hidden() -> None: ...

    hidden.__name__ = "shown"
    with pytest.raises(TypeError, match="another name"):
        shown.compensate(hidden)


def test_an_annotation_that_only_a_type_checker_sees_is_no_service() -> None:
    @step_handler("typed_by_nobody")
    def typed_by_nobody(card: NobodyHasThis) -> None:  # type: ignore[name-defined]  # noqa: F821
        ...

    with pytest.raises(CallableInvalid, match="nothing fills the parameter 'card'"):
        _ = typed_by_nobody.handler_class


def test_a_decorated_function_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    import functools

    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return {"logged": function(*args, **kwargs)}

        return wrapper

    @step_handler("logged")
    @inputs("card")
    @logged
    def handler(card: str) -> str:
        return card

    monkeypatch.setitem(globals(), "logged_handler", handler)
    method = load(f"{__name__}:logged_handler", "call")
    from tests.sdk.support import context

    assert method(context(context={"card": "visa"})) == {"logged": "visa"}
