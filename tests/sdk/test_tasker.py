"""A handler written for Tasker's Python package runs here once its import lines are changed, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kubesaga_sdk
from tests.sdk.http_service import Answer, HttpService, http_service
from tests.sdk.support import Ended, run, step_input

pytestmark = pytest.mark.slow

TASKER = Path(__file__).parent / "tasker"
IMPORTS = [
    (r"from tasker_core\.errors import", "from kubesaga_sdk.errors import"),
    (r"from tasker_core(\.\w+)* import", "from kubesaga_sdk import"),
]
CART = {"validate_cart": {"total": 42}}


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A folder with the handlers, moved over."""
    for source in TASKER.glob("*.txt"):
        text = source.read_text("utf-8")
        for old, new in IMPORTS:
            text = re.sub(old, new, text)
        (tmp_path / f"moved_{source.stem}.py").write_text(text)
    return tmp_path


def ran(folder: Path, name: str, context: dict[str, Any], **fields: Any) -> Ended:
    environ = {name: fields.pop(name) for name in ("API_URL",) if name in fields}
    return run(folder, step_input(name, context=context, **fields), **environ)


def test_only_import_lines_are_changed() -> None:
    for source in TASKER.glob("*.txt"):
        lines = source.read_text("utf-8").splitlines()
        changed = [line for line in lines if any(re.search(old, line) for old, _ in IMPORTS)]
        assert changed == [line for line in lines if "tasker_core" in line]
        assert len(changed) >= 2


def test_a_class_reports_success_and_failure(moved: Path) -> None:
    ended = ran(moved, "validate_cart", {"items": [{"price": 10, "quantity": 2}]})
    assert ended.document == {
        "result": {"items": [{"price": 10, "quantity": 2}], "total": 25, "currency": "EUR"},
        "metadata": {"count": 1},
    }
    ended = ran(moved, "ValidateCartHandler", {"items": []}, config={"label": "cart"})
    assert ended.exit_code == 65
    assert ended.error == {
        "type": "validation_error",
        "types": ["validation_error"],
        "code": "EMPTY_CART",
        "message": "the cart is empty",
        "retryable": False,
        "metadata": {"step": "cart"},
    }


@pytest.mark.parametrize(
    ("fields", "exit_code", "error"),
    [
        (
            {"context": {"card": "declined"}, "results": CART},
            65,
            {"type": "PermanentError", "code": "DECLINED", "retryable": False, "metadata": {"card": "declined"}},
        ),
        (
            {"context": {"card": "busy"}, "results": CART},
            1,
            {"type": "RetryableError", "retryable": True, "retryAfter": 30.0, "metadata": {"retry": 0}},
        ),
        ({"context": {"card": "slow"}, "results": CART}, 1, {"type": "TimeoutError", "retryable": True}),
        (
            {"context": {}},
            65,
            {"type": "ValidationError", "code": "NO_CART", "retryable": False, "metadata": {"task": "u-1"}},
        ),
    ],
    ids=["permanent", "retryable", "timeout", "validation"],
)
def test_a_class_raises_errors_of_the_tree(
    moved: Path, fields: dict[str, Any], exit_code: int, error: dict[str, Any]
) -> None:
    ended = ran(moved, "process_payment", **fields)
    assert ended.exit_code == exit_code
    assert {name: ended.error.get(name) for name in error} == error


def test_a_class_counts_its_retries(moved: Path) -> None:
    ended = ran(moved, "process_payment", {"card": "busy"}, results=CART, attempt=3, retryCount=2)
    assert ended.document == {"result": {"paid": 42, "retries": 2, "of": 3}}


def test_a_class_with_errors_of_its_own_books_under_the_same_id_at_every_attempt(moved: Path) -> None:
    ended = ran(moved, "book", {"closed": True})
    assert ended.error == {
        "type": "LedgerError",
        "types": ["LedgerError"],
        "message": "not booked: the books are closed",
        "retryable": False,
        "metadata": {"year": 2025},
    }
    keys = {ran(moved, "book", {}, attempt=attempt).document["result"]["booked_as"] for attempt in (1, 2)}
    assert keys == {step_input("book")["idempotencyKey"]}


def test_an_asynchronous_class_collects_results(moved: Path) -> None:
    ended = ran(moved, "collect", {}, results={"part_1": 3, "part_2": 4, "part_3": None, "other": 1})
    assert ended.document == {
        "result": {"sum": 7, "of": ["part_1", "part_2", "part_3", "other"]},
        "metadata": {"handler": "collect", "version": "1.0.0"},
    }
    assert ran(moved, "collect", {}).error["type"] == "nothing"


def test_functional_handlers_with_models(moved: Path) -> None:
    cart = ran(moved, "dsl_validate_cart", {"cart_items": [{"price": 40.5}]})
    assert cart.document == {"result": {"total": 40.5}}
    paid = ran(moved, "dsl_process_payment", {"card": "visa"}, results={"dsl_validate_cart": cart.document["result"]})
    assert paid.document == {"result": {"paid": 40.5, "card": "visa", "retry": False}}
    results = {"dsl_validate_cart": cart.document["result"], "dsl_process_payment": paid.document["result"]}
    assert ran(moved, "dsl_confirm@2.0.0", {}, results=results).document == {"result": {"text": "paid 40.5 of 40.5"}}


def test_functional_handlers_raise_errors_of_the_tree(moved: Path) -> None:
    assert ran(moved, "dsl_validate_cart", {}).error["code"] == "EMPTY_CART"
    busy = ran(moved, "dsl_process_payment", {"card": "busy"}, results={"dsl_validate_cart": {"total": 1}})
    assert (busy.error["retryable"], busy.error["retryAfter"]) == (True, 30.0)


@pytest.fixture
def api() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


def test_an_api_handler_succeeds_and_fails_by_status(moved: Path, api: HttpService) -> None:
    api.answer(Answer(200, {"name": "Ada"}), Answer(404, {"error": "no such user"}))
    ended = ran(moved, "fetch_user", {"user": 7}, API_URL=api.url)
    assert ended.document == {"result": {"name": "Ada"}, "metadata": {"status_code": 200}}
    assert (api.asked[0].path, api.asked[0].headers["X-Api-Key"]) == ("/users/7?fields=name", "k-1")
    ended = ran(moved, "fetch_user", {"user": 8}, API_URL=api.url)
    assert (ended.exit_code, ended.error["types"]) == (65, ["NotFoundError", "PermanentError", "StepError"])
    assert ended.error["message"] == f"GET {api.url}/users/8 answered 404: no such user"


def test_an_api_mixin_waits_as_it_is_asked_to(moved: Path, api: HttpService) -> None:
    api.answer(Answer(429, {"error": "slow down"}, {"Retry-After": "17"}), Answer(201, {"id": "c-1"}))
    ended = ran(moved, "create_charge", {"amount": 5}, API_URL=api.url)
    assert (ended.exit_code, ended.error["type"], ended.error["code"]) == (1, "RateLimitError", "HTTP_429")
    assert (ended.error["retryAfter"], ended.error["message"]) == (17.0, "no charge: slow down")
    assert ran(moved, "create_charge", {"amount": 5}, API_URL=api.url).document["result"] == {"charge": "c-1"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DecisionHandler", "`when`"),
        ("Decision", "`when`"),
        ("Batchable", "one Task for each part"),
        ("BatchConfig", "one Task for each part"),
        ("log_info", "`context.logger`"),
    ],
)
def test_what_has_no_counterpart_says_what_to_do_instead(name: str, said: str) -> None:
    with pytest.raises(ImportError, match=f"kubesaga_sdk has no {name}, as Tasker has: .*{said}"):
        getattr(kubesaga_sdk, name)
