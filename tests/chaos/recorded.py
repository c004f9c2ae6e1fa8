"""Handlers of the examples that only tell what they would do, doing it in the warehouse. Runs in the steps' pods."""

from __future__ import annotations

from typing import Any

import expenses
import readings
import travel
from kubesaga_sdk import StepContext
from order_fulfillment.client import Warehouse


class Hold(travel.Hold):
    """Has one place put aside."""

    def call(self, context: StepContext) -> dict[str, str]:
        held = super().call(context)
        Warehouse(context).post("/reservations", {"sku": "place", "quantity": 1}, f"{context.idempotency_key}:reserve")
        return held

    def compensate(self, context: StepContext) -> dict[str, str]:
        Warehouse(context).undo("/reservations", f"{context.idempotency_key}:reserve", "release")
        return super().compensate(context)


class Confirm(travel.Confirm):
    """Has it paid."""

    def call(self, context: StepContext) -> dict[str, str]:
        confirmed = super().call(context)
        Warehouse(context).post(
            "/payments", {"customer": "traveller", "amount": 100}, f"{context.idempotency_key}:charge"
        )
        return confirmed

    def compensate(self, context: StepContext) -> dict[str, str]:
        Warehouse(context).undo("/payments", f"{context.idempotency_key}:charge", "refund")
        return super().compensate(context)


class PayOut(expenses.PayOut):
    """Takes the money from the company's account. Nothing undoes it."""

    def call(self, context: StepContext) -> dict[str, Any]:
        paid = super().call(context)
        body = {"customer": "company", "amount": paid["paid"]}
        Warehouse(context).post("/payments", body, f"{context.idempotency_key}:charge")
        return paid


class Publish(readings.Publish):
    """Tells the readers. Nothing undoes it."""

    def call(self, context: StepContext) -> dict[str, Any]:
        published = super().call(context)
        Warehouse(context).post("/confirmations", {"customer": "reader"}, f"{context.idempotency_key}:confirm")
        return published
