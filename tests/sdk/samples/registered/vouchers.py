"""Handlers whose names are also elsewhere."""

from __future__ import annotations

from kubesaga_sdk import StepContext, StepHandler, step_handler


class InTwoModules(StepHandler):
    """One of two classes of this name."""

    def call(self, _context: StepContext) -> str:
        return "vouchers"


@step_handler("refund", namespace="vouchers")
def refund_voucher() -> str:
    """In another namespace."""
    return "vouchers"


_NAME = "_".join(("put", "together"))


@step_handler(_NAME)
def computed() -> str:
    """Whose name does not stand in its source."""
    return "computed"
