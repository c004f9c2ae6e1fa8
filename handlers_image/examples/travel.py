"""The steps of the example workflows trip and booking (examples/sub-workflow)."""

from __future__ import annotations

from kubesaga_sdk import BusinessLogicError, StepContext, StepHandler


class Hold(StepHandler):
    """Ask for a place and have it held; `compensate` gives it back."""

    def call(self, context: StepContext) -> dict[str, str]:
        what = context.get_input("what")
        if what in context.get_config("soldOut"):
            raise BusinessLogicError(f"{what} is sold out", "SOLD_OUT")
        return {"what": what, "hold": f"hold-{context.idempotency_key[:8]}"}

    def compensate(self, context: StepContext) -> dict[str, str]:
        # The same key as the attempt's: right whether or not its answer was ever seen, or the place ever held.
        return {"released": f"hold-{context.idempotency_key[:8]}"}


class Confirm(StepHandler):
    """Turn what is held into a booking; `compensate` cancels it."""

    def call(self, context: StepContext) -> dict[str, str]:
        held = context.get_dependency_result("hold")
        return {"what": held["what"], "booking": f"booking-{context.idempotency_key[:8]}"}

    def compensate(self, context: StepContext) -> dict[str, str]:
        return {"cancelled": f"booking-{context.idempotency_key[:8]}"}


class WriteItinerary(StepHandler):
    """Put the bookings together: the results of sub-workflows are results as any others."""

    def call(self, context: StepContext) -> dict[str, str]:
        flight, hotel = (context.get_dependency_result(name) for name in ("book_flight", "book_hotel"))
        traveller = context.get_input("traveller")
        return {"text": f"{traveller}: {flight['what']} ({flight['booking']}), {hotel['what']} ({hotel['booking']})"}
