"""The steps of the example workflow expense-claim (examples/approval)."""

from __future__ import annotations

from typing import Any

from kubesaga_sdk import BusinessLogicError, StepContext, StepHandler


class CheckClaim(StepHandler):
    """Add the items up, and say whether a manager has to look at them."""

    def call(self, context: StepContext) -> dict[str, Any]:
        items: dict[str, int] = context.get_input("items")
        forbidden = sorted(set(items) & set(context.get_config("neverPaid") or ()))
        if forbidden:
            raise BusinessLogicError(f"we do not pay for {', '.join(forbidden)}", "NEVER_PAID")
        amount = sum(items.values())
        return {"amount": amount, "needsApproval": amount > context.get_config("limit")}


class PayOut(StepHandler):
    """Pay, and tell who allowed it."""

    def call(self, context: StepContext) -> dict[str, Any]:
        # Null where the step was skipped.
        approval: dict[str, Any] = context.get_dependency_result("manager_approval") or {}
        return {
            "paid": context.get_dependency_field("check_claim", "amount"),
            "approvedBy": approval.get("by"),
            # What a bank would be given, so that a second attempt does not pay twice.
            "paymentReference": context.idempotency_key,
        }
