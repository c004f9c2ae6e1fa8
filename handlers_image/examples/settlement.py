"""The steps of the example workflow trade-settlement (examples/two-roots)."""

from __future__ import annotations

from typing import Any

from kubesaga_sdk import NotFoundError, ServiceUnavailableError, StepContext, StepHandler

_PRICES = {"copper": 9120, "tin": 31250}


class LoadTrade(StepHandler):
    """Get the trade; here it is the Task's context."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"metal": context.get_input("metal"), "tons": context.get_input("tons")}


class LoadPrices(StepHandler):
    """Get the day's prices, in euros per ton."""

    def call(self, context: StepContext) -> dict[str, int]:
        metal = context.get_input("metal")
        if metal not in _PRICES:
            raise NotFoundError(f"there is no price of {metal} today", "NO_PRICE")
        return {metal: _PRICES[metal]}


class ValueTrade(StepHandler):
    """The join: what the trade is worth."""

    def call(self, context: StepContext) -> dict[str, int]:
        trade = context.get_dependency_result("load_trade")
        return {"euros": trade["tons"] * context.get_dependency_result("load_prices")[trade["metal"]]}


class Book(StepHandler):
    """Enter the value into the books."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"entry": context.idempotency_key[:8], "euros": context.get_dependency_field("value_trade", "euros")}


class Audit(StepHandler):
    """Tell the auditors about the trade, with its value if it has one."""

    def call(self, context: StepContext) -> dict[str, Any]:
        if context.get_input_or("auditors", "there") != "there":
            raise ServiceUnavailableError("the auditors' system does not answer", "AUDIT_DOWN")
        value: dict[str, int] = context.get_dependency_result("value_trade") or {}  # null where it never ran
        return {"recorded": context.get_dependency_field("load_trade", "metal"), "euros": value.get("euros")}
