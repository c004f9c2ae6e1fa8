"""The example that the tests run: its manifests, its warehouse, and what the warehouse's books prove."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import yaml

from hack.cluster.paths import CHECKOUT
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest

FOLDER = CHECKOUT / "examples" / "order-fulfillment"
STEPS = ("validate_order", "reserve_inventory", "charge_payment", "ship_order", "send_confirmation")
MADE_AND_UNDONE = {"reserve": "release", "charge": "refund", "ship": "cancel_shipment"}
_WAREHOUSE = "/api/v1/namespaces/{}/services/warehouse:http/proxy/{}"


@dataclass(frozen=True)
class Books:
    """What the warehouse knows, at one moment."""

    ledger: list[Manifest]
    requests: list[Manifest]
    stock: dict[str, int]
    accounts: dict[str, int]

    @classmethod
    def read(cls, kubectl: Kubectl) -> Books:
        """Read them through the API server's service proxy."""
        return cls(*(_view(kubectl, name) for name in ("ledger", "requests", "stock", "accounts")))

    def entries(self, order: str) -> list[str]:
        """The kinds of an order's entries, in their order."""
        return [entry["kind"] for entry in self.ledger if entry["order"] == order]

    def requests_of(self, order: str, step: str) -> list[Manifest]:
        """What the attempts of one step of an order asked for."""
        return [each for each in self.requests if (each["task"], each["step"]) == (order, step)]

    def assert_nothing_was_asked_twice(self, order: str) -> None:
        """No attempt sent a request twice, and nothing was done or undone more than once."""
        asked = Counter(
            (each["step"], each["attempt"], each["path"]) for each in self.requests if each["task"] == order
        )
        assert set(asked.values()) <= {1}, f"requests that were sent twice: {asked}"
        done = Counter(self.entries(order))
        assert set(done.values()) <= {1}, f"entries that were made twice: {done}"
        assert not any(each["replayed"] for each in self.requests if each["task"] == order)


def _view(kubectl: Kubectl, name: str) -> Any:
    return json.loads(kubectl.raw(_WAREHOUSE.format(kubectl.namespace, name)))


def order(name: str, customer: str) -> Manifest:
    """An order by the customer, for what the example's own order by this customer is."""
    for manifest in yaml.safe_load_all((FOLDER / "tasks.yaml").read_text()):
        if manifest["spec"]["context"]["customer"] == customer:
            return {**manifest, "metadata": {"name": name}}
    raise LookupError(f"the example has no order by {customer}")


def open_warehouse(kubectl: Kubectl) -> None:
    """Install the example's template and its warehouse, and wait until that is open."""
    kubectl.run("apply", "-f", str(FOLDER / "template.yaml"), "-f", str(FOLDER / "warehouse.yaml"))
    kubectl.run("rollout", "status", "deployment/warehouse", f"--timeout={PATIENCE:g}s")
