"""The steps of the example workflow order-fulfillment, one class each.

What to look at: every request that changes something carries a key derived from `context.idempotency_key`,
which is the same for every attempt; and the thing it makes is named by that key. So a step that runs twice
has its effect once, and a compensation can undo a step whose answer nobody has seen.
"""

from __future__ import annotations

from typing import Any

from kubesaga_sdk import StepContext, StepHandler, StepValidationError
from order_fulfillment.client import Warehouse


class ValidateOrder(StepHandler):
    """Check what the template's inputSchema cannot: that the customer was shown today's price."""

    def call(self, context: StepContext) -> dict[str, Any]:
        sku, quantity = context.get_input("sku"), context.get_input("quantity")
        prices: dict[str, int] = context.get_config("unitPrices") or {}
        if sku not in prices:
            raise StepValidationError(f"{sku} is not for sale; we sell {', '.join(sorted(prices))}", "UNKNOWN_SKU")
        amount = prices[sku] * quantity
        if context.get_input("amount") != amount:
            raise StepValidationError(
                f"the order says {context.get_input('amount')} cents, {quantity} x {sku} cost {amount}",
                "PRICE_MISMATCH",
            )
        return {"customer": context.get_input("customer"), "sku": sku, "quantity": quantity, "amount": amount}


class ReserveInventory(StepHandler):
    """Put the goods aside."""

    def call(self, context: StepContext) -> dict[str, Any]:
        order: dict[str, Any] = context.get_dependency_result("validate_order")
        body = {"sku": order["sku"], "quantity": order["quantity"]}
        reservation = Warehouse(context).post("/reservations", body, f"{context.idempotency_key}:reserve")
        return {"reservation": reservation["id"]}

    def compensate(self, context: StepContext) -> dict[str, Any]:
        return Warehouse(context).undo("/reservations", f"{context.idempotency_key}:reserve", "release")


class ChargePayment(StepHandler):
    """Take the money. The bank is at times too busy: see the warehouse's flaky accounts."""

    def call(self, context: StepContext) -> dict[str, Any]:
        order: dict[str, Any] = context.get_dependency_result("validate_order")
        body = {"customer": order["customer"], "amount": order["amount"]}
        payment = Warehouse(context).post("/payments", body, f"{context.idempotency_key}:charge")
        return {"payment": payment["id"], "amount": order["amount"]}

    def compensate(self, context: StepContext) -> dict[str, Any]:
        return Warehouse(context).undo("/payments", f"{context.idempotency_key}:charge", "refund")


class ShipOrder(StepHandler):
    """Hand the goods to the shipper, who does not serve everyone."""

    def call(self, context: StepContext) -> dict[str, Any]:
        body = {
            "customer": context.get_dependency_field("validate_order", "customer"),
            "reservation": context.get_dependency_field("reserve_inventory", "reservation"),
        }
        shipment = Warehouse(context).post("/shipments", body, f"{context.idempotency_key}:ship")
        return {"shipment": shipment["id"]}

    def compensate(self, context: StepContext) -> dict[str, Any]:
        return Warehouse(context).undo("/shipments", f"{context.idempotency_key}:ship", "cancel")


class SendConfirmation(StepHandler):
    """Tell the customer."""

    def call(self, context: StepContext) -> dict[str, Any]:
        body = {
            "customer": context.get_dependency_field("validate_order", "customer"),
            "shipment": context.get_dependency_field("ship_order", "shipment"),
        }
        confirmation = Warehouse(context).post("/confirmations", body, f"{context.idempotency_key}:confirm")
        return {"confirmation": confirmation["id"]}
