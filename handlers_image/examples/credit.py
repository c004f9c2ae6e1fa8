"""The steps of the example workflow credit-decision (examples/diamond)."""

from __future__ import annotations

from typing import Any

from kubesaga_sdk import BusinessLogicError, ServiceUnavailableError, StepContext, StepHandler


class OpenFile(StepHandler):
    """Open a file for the application; `compensate` closes it again."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"file": f"file-{context.idempotency_key[:8]}", "amount": context.get_input("amount")}

    def compensate(self, context: StepContext) -> dict[str, Any]:
        return {"closed": f"file-{context.idempotency_key[:8]}"}


class CheckIncome(StepHandler):
    """What the applicant can pay back in a month."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"monthly": context.get_input("income") // 3}


class CheckHistory(StepHandler):
    """Ask the credit bureau, which is busy at times and has bad news at others."""

    def call(self, context: StepContext) -> dict[str, Any]:
        history = context.get_input("history")
        if history == "slow" and not context.is_retry():
            raise ServiceUnavailableError("the credit bureau is busy", "BUREAU_BUSY")
        if history == "defaulted":
            raise BusinessLogicError("an earlier loan was not paid back", "DEFAULTED")
        return {"score": 710}


class Decide(StepHandler):
    """Put both checks together."""

    def call(self, context: StepContext) -> dict[str, Any]:
        opened = context.get_dependency_result("open_file")  # not a dependency of its own, but of both checks
        monthly = context.get_dependency_field("check_income", "monthly")
        score = context.get_dependency_field("check_history", "score")
        return {"file": opened["file"], "granted": score > 600 and monthly * 60 >= opened["amount"]}
