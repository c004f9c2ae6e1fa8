"""Functional handlers, one for each way to fill a parameter."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from kubesaga_sdk import PermanentError, StepContext, depends_on, inputs, provider, step_handler


@dataclass
class Order:
    """What the Task asks for."""

    sku: str
    quantity: int = 1
    notes: list[str] = field(default_factory=list)


class Cart(BaseModel):
    """What an earlier step found."""

    total: int
    currency: str = "EUR"


class Bank:
    """A service."""

    name = "bank"


@provider(Bank)
async def connect() -> Bank:
    """Makes it."""
    await asyncio.sleep(0)
    return Bank()


@step_handler("charge", version="1.2.0")
@depends_on(cart="validate_cart")
@inputs("card", "tip")
def charge(cart: dict[str, Any], card: str, tip: int | None, context: StepContext) -> dict[str, Any]:
    """Charge a card."""
    if card == "declined":
        raise PermanentError("the card was declined", "DECLINED")
    return {"paid": cart["total"] + (tip or 0), "card": card, "attempt": context.attempt}


@charge.compensate
@inputs("card")
def refund(card: str, ctx: StepContext) -> dict[str, Any]:
    """Give it back."""
    return {"refunded": ctx.forward_result["paid"], "card": card}


@step_handler("charge_later")
@depends_on(cart="validate_cart")
async def charge_later(cart: dict[str, Any], bank: Bank, currency: str = "EUR") -> dict[str, Any]:
    """The same as a coroutine, with a service, and a parameter that has a default."""
    await asyncio.sleep(0)
    return {"paid": cart["total"], "at": bank.name, "in": currency}


@step_handler("typed")
@inputs(Order)
@depends_on(cart=("validate_cart", Cart))
def typed(inputs: Order, cart: Cart | None) -> Order:
    """Models in, a model out."""
    return Order(
        inputs.sku, inputs.quantity, [*inputs.notes, "no cart" if cart is None else f"{cart.total} {cart.currency}"]
    )


@inputs("sku")
@step_handler("reversed")
def decorated_the_other_way_round(sku: str) -> Cart:
    """The order of the decorators is the author's."""
    return Cart(total=len(sku))


@step_handler("anything")
@inputs("sku", "quantity")
def anything(**everything: Any) -> dict[str, Any]:
    """Takes what there is."""
    return everything


@step_handler("lacking")
def lacking(card: str) -> None:
    """Has a parameter that nothing fills."""


@step_handler("surplus")
@inputs("card")
def surplus() -> None:
    """Lacks a parameter that its decorators fill."""
