"""Which step has which effect on the warehouse, and under which keys its entries must stand in the ledger.

The keys are computed from the Task's UID and the step's path alone: no word of the status, which is what is on trial,
is believed here but a sub-workflow's place below its root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.identity import idempotency_key
from kubesaga.engine.vocabulary import Role

Obj = dict[str, Any]


@dataclass(frozen=True)
class Effect:
    """What a step makes (`made`: the ledger's word; its key ends in the same), and how that is undone, if it can be.

    `undone` is the ledger's word and the end of the key.
    """

    made: str
    undone: tuple[str, str] | None = None


RESERVED = Effect("reserve", ("release", "release"))
CHARGED = Effect("charge", ("refund", "refund"))
SHIPPED = Effect("ship", ("cancel_shipment", "cancel"))
CONFIRMED = Effect("confirm")

EFFECTS: Mapping[str, Mapping[str, Effect]] = {
    "order-fulfillment": {
        "reserve_inventory": RESERVED,
        "charge_payment": CHARGED,
        "ship_order": SHIPPED,
        "send_confirmation": CONFIRMED,
    },
    "booking": {"hold": RESERVED, "confirm": CHARGED},
    "expense-claim": {"pay_out": Effect("charge")},
    "publication": {"post": CONFIRMED},
}
"""By the template's and the step's name."""

EARLIER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "order-fulfillment": (
        ("reserve_inventory", "ship_order"),
        ("charge_payment", "ship_order"),
        ("ship_order", "send_confirmation"),
    ),
    "trip": (
        ("book_flight/hold", "book_flight/confirm"),
        ("book_flight/confirm", "book_hotel/hold"),
        ("book_hotel/hold", "book_hotel/confirm"),
    ),
}
"""By the root Task's template: which effect comes before which, and is undone after it. Paths from the root."""


@dataclass(frozen=True)
class Place:
    """One step that has an effect: of which Task, and where below the root. Keys as in the ledger."""

    task: Obj
    step: str
    record: Obj
    effect: Effect
    root: str
    path: str
    made_key: str
    undone_key: str | None

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.task['metadata']['name']}/{self.step}"


def places(tasks: Iterable[Obj]) -> Iterator[Place]:
    """Every step with an effect, of every Task that has any record of its steps."""
    for task in tasks:
        template = (task.get("status", {}).get("template") or {}).get("name", "")
        records = {record["name"]: record for record in task.get("status", {}).get("steps", ())}
        for step, effect in EFFECTS.get(template, {}).items():
            if step in records:
                yield _place(task, step, records[step], effect)


def _place(task: Obj, step: str, record: Obj, effect: Effect) -> Place:
    parent = task["status"].get("parent") or {}
    root = parent.get("rootKey") or task["metadata"]["uid"]
    path = "/".join((*parent.get("path", ()), step))
    undone = None
    if effect.undone is not None:
        undone = f"{idempotency_key(root, path, Role.COMPENSATION)}:{effect.undone[1]}"
    made = f"{idempotency_key(root, path)}:{effect.made}"
    return Place(task, step, record, effect, root, path, made, undone)
