"""The workflows that these tests run, at the top level of a module as a step's pod would import them.

What a task does is said by the data: `fails` maps a task to how many of its attempts fail, `errors` to how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubesaga_sdk import BusinessLogicError, NetworkError, StepContext, StepHandler, depends_on, inputs, step_handler
from kubesaga_sdk.workflow import (
    Executable,
    ExecutionContext,
    FailureStrategy,
    Jitter,
    Process,
    RetryPolicy,
    StepTemplates,
    Task,
    TaskHandler,
    Workflow,
    task,
)


@dataclass
class Order:
    """What the workflows work on."""

    sku: str
    done: list[str] = field(default_factory=list)
    fails: dict[str, int] = field(default_factory=dict)


Context = ExecutionContext[Order]
UNDONE: list[tuple[str, list[str]]] = []
"""Which tasks were undone in this process, and what was done as their undo saw it."""


def work(context: Context) -> None:
    """What every task does: note that it was here, then fail if the data say so."""
    step = context.metadata["step"]
    context.data.done.append(step)
    context.metadata[step] = "was here"
    if context.metadata["attempt"] <= context.data.fails.get(step, 0):
        raise NetworkError(f"{step} cannot be reached", "DOWN")


def note(context: Context) -> None:
    """What every undo does. Its changes go nowhere."""
    UNDONE.append((context.metadata["step"], list(context.data.done)))
    context.data.done.append("undone")


@task(undo=note)
def reserve(context: Context) -> None:
    """Reserves the goods."""
    work(context)


@task(undo=note, retry_policy=RetryPolicy(3, delay=2.0, jitter=Jitter.FULL))
def charge(context: Context) -> None:
    work(context)


def receipt(context: Context) -> None:
    work(context)


@task(undo=note)
def ship(context: Context) -> None:
    work(context)


def steps() -> list[Executable[Order]]:
    """reserve, payment (charge, receipts (receipt)), ship."""
    return [reserve, Process("Payment", [charge, Process("Receipts", [Task("receipt", receipt)])]), ship]


aborting = Workflow("Fulfilment", steps())
going_on = Workflow("Fulfilment", steps(), FailureStrategy.CONTINUE)
saga = Workflow("Fulfilment", steps(), FailureStrategy.COMPENSATE, version="1.2.0", domain="shop", timeout=3600)

STEPS = ["reserve", "payment_charge", "payment_receipts_receipt", "ship"]


@task()
async def fetch(context: ExecutionContext[dict[str, Any]]) -> None:
    context.data["fetched"] = True


@task()
def count(context: ExecutionContext[dict[str, Any]]) -> None:
    context.data["count"] = context.data.get("count", 0) + 1


mixed = Workflow[dict[str, Any]]("Mixed", [count, fetch, Task("again", count.func)])


class ValidateCart(StepHandler):
    """Adds up."""

    def call(self, context: StepContext) -> Any:
        total = sum(context.get_input("prices"))
        if total > context.get_config("limit"):
            raise BusinessLogicError("too expensive", "LIMIT")
        return {"total": total}


class Charge(StepHandler):
    """Can be undone."""

    def call(self, context: StepContext) -> Any:
        return {"paid": context.get_dependency_field("validate_cart", "total"), "key": context.idempotency_key}

    def compensate(self, context: StepContext) -> None:
        UNDONE.append((context.step_name, [str(context.forward_result["paid"])]))


@step_handler("tests_workflow_reserve_stock")
@depends_on(cart="validate_cart")
@inputs("fail")
def reserve_stock(cart: Any, fail: Any) -> dict[str, Any]:
    """A functional handler."""
    if fail:
        raise BusinessLogicError("out of stock")
    return {"for": cart["total"]}


class Release(StepHandler):
    """Undoes another handler's work by its own call."""

    def call(self, context: StepContext) -> None:
        UNDONE.append((context.step_name, [str(context.forward_result)]))


class Confirm(StepHandler):
    """Sees all results."""

    async def call(self, context: StepContext) -> Any:
        return sorted(context.dependency_results)


class ProcessOrder(TaskHandler):
    """A diamond."""

    name = "process_order"
    domain = "shop"
    version = "1.0.0"
    description = "Processes one order."
    failure_strategy = FailureStrategy.COMPENSATE

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "required": ["prices"], "properties": {"prices": {"type": "array"}}}

    def define_step_templates(self, templates: StepTemplates) -> None:
        templates.define(
            name="validate_cart", handler=ValidateCart, retryable=False, config={"limit": 100}, description="Adds up."
        )
        templates.define(
            name="charge", handler=Charge, depends_on="validate_cart", retry_limit=5, timeout=30, undo=True
        )
        templates.define(
            name="reserve_stock", handler=reserve_stock, depends_on=["validate_cart"], retryable=False, undo=Release
        )
        templates.define(name="confirm", handler=Confirm, depends_on=["charge", "reserve_stock"], skippable=True)


process_order = ProcessOrder()
