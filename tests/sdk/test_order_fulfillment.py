"""The example's handlers, each attempt in a process of its own, against a real warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sdk.conftest import RunningWarehouse
from tests.sdk.support import Ended, run, step_input

pytestmark = pytest.mark.slow

HANDLERS = {
    "validate_order": "ValidateOrder",
    "reserve_inventory": "ReserveInventory",
    "charge_payment": "ChargePayment",
    "ship_order": "ShipOrder",
    "send_confirmation": "SendConfirmation",
}
PRICES = {"unitPrices": {"teapot": 2990}}
FULL = {"stock": {"kettle": 100, "teapot": 100}, "balance": 100_000}


class Order:
    """An order on its way: runs steps as the operator would, and remembers their results."""

    def __init__(self, warehouse: RunningWarehouse, folder: Path, customer: str) -> None:
        self._folder = folder
        # What Kubernetes tells a pod about a Service named warehouse.
        self.environ = {"WAREHOUSE_SERVICE_HOST": "127.0.0.1", "WAREHOUSE_SERVICE_PORT": warehouse.port}
        self.context = {"customer": customer, "sku": "teapot", "quantity": 2, "amount": 5980}
        self.results: dict[str, Any] = {}

    def run(self, step: str, method: str = "call", attempt: int = 1, **fields: Any) -> Ended:
        document = step_input(
            f"order_fulfillment.handlers:{HANDLERS[step]}",
            method,
            attempt=attempt,
            context=self.context,
            config=PRICES,
            results=self.results,
            idempotencyKey=f"key-of-{step}",
            compensationKey=f"undo-{step}" if method == "compensate" else None,
            **fields,
        )
        document["step"]["name"] = step
        ended = run(self._folder, document, **self.environ)
        if method == "call" and ended.exit_code == 0:
            self.results[step] = ended.document["result"]
        return ended

    def until(self, last: str) -> None:
        for step in HANDLERS:
            assert self.run(step).exit_code == 0
            if step == last:
                return


def books(warehouse: RunningWarehouse, customer: str) -> dict[str, Any]:
    return {"stock": warehouse.get("/stock"), "balance": warehouse.get("/accounts")[customer]}


def test_an_order_succeeds_with_a_retry_on_the_way(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "carol")
    order.until("reserve_inventory")
    busy = order.run("charge_payment")
    assert busy.exit_code == 1
    assert busy.error == {
        "type": "ServiceUnavailableError",
        "types": ["ServiceUnavailableError", "RetryableError", "StepError"],
        "code": "BANK_BUSY",
        "message": "the bank of carol is busy, try again",
        "retryable": True,
        "retryAfter": 1.0,
    }
    assert order.run("charge_payment", attempt=2).exit_code == 0
    assert order.run("ship_order").exit_code == 0
    assert order.run("send_confirmation").exit_code == 0
    assert warehouse.kinds == ["reserve", "charge", "ship", "confirm"]
    assert books(warehouse, "carol") == {"stock": {"kettle": 100, "teapot": 98}, "balance": 94_020}
    charges = [each for each in warehouse.get("/requests") if each["step"] == "charge_payment"]
    assert [(each["attempt"], each["status"]) for each in charges] == [(1, 503), (2, 201)]


def test_a_refused_shipment_is_permanent_and_compensation_brings_the_books_back(
    warehouse: RunningWarehouse, tmp_path: Path
) -> None:
    order = Order(warehouse, tmp_path, "mallory")
    order.until("charge_payment")
    refused = order.run("ship_order")
    assert (refused.exit_code, refused.error["type"], refused.error["code"]) == (
        65, "BusinessLogicError", "SHIPPER_REFUSED",
    )  # fmt: skip
    undone = [order.run(step, "compensate") for step in ("ship_order", "charge_payment", "reserve_inventory")]
    assert [each.document["result"]["undone"] for each in undone] == [False, True, True]
    assert warehouse.kinds == ["reserve", "charge", "refund", "release"]
    assert books(warehouse, "mallory") == FULL


def test_a_shipment_can_be_cancelled(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.until("ship_order")
    assert order.run("ship_order", "compensate").document["result"]["undone"] is True
    assert warehouse.kinds == ["reserve", "charge", "ship", "cancel_shipment"]


@pytest.mark.parametrize("step", ["reserve_inventory", "charge_payment", "ship_order", "send_confirmation"])
def test_a_step_that_runs_twice_has_its_effect_once(warehouse: RunningWarehouse, tmp_path: Path, step: str) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.until(step)
    once = (warehouse.kinds, books(warehouse, "alice"), order.results[step])
    again = order.run(step, attempt=2).document["result"]
    assert (warehouse.kinds, books(warehouse, "alice"), again) == once


def test_a_compensation_that_runs_twice_undoes_once(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.until("charge_payment")
    for attempt in (1, 2):
        assert order.run("charge_payment", "compensate", attempt).exit_code == 0
    assert warehouse.kinds == ["reserve", "charge", "refund"]


def test_a_compensation_needs_no_forward_result(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.until("charge_payment")
    order.results.clear()
    order.run("charge_payment", "compensate", forward={"result": None, "error": {"type": "Timeout", "message": ""}})
    order.run("reserve_inventory", "compensate", forward={"result": None, "error": None})
    assert books(warehouse, "alice") == FULL


def test_an_order_at_another_price_is_refused(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.context["amount"] = 1
    ended = order.run("validate_order")
    assert (ended.exit_code, ended.error["type"], ended.error["code"]) == (
        65,
        "ValidationError",
        "PRICE_MISMATCH",
    )
    order.context["sku"] = "sofa"
    assert order.run("validate_order").error["code"] == "UNKNOWN_SKU"


def test_a_warehouse_that_is_down_is_worth_another_attempt(warehouse: RunningWarehouse, tmp_path: Path) -> None:
    order = Order(warehouse, tmp_path, "alice")
    order.until("validate_order")
    warehouse.kill()
    ended = order.run("reserve_inventory")
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (1, "NetworkError", True)
    order.environ.clear()
    ended = order.run("reserve_inventory")
    assert (ended.exit_code, ended.error["code"], ended.error["retryable"]) == (1, "NO_WAREHOUSE", True)
