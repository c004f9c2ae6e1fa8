"""The warehouse's books: what was really done to the outside world, by whose key, in which order.

They are kept in a file that outlives the warehouse's process, which chaos may kill; only its pod is spared, since the
file goes with it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.cluster import Cluster

Obj = dict[str, Any]

WAREHOUSE = "app.kubernetes.io/name=warehouse"
PAGE_PATIENCE = 10.0
VIEWS = ("ledger", "requests", "stock", "accounts")


@dataclass(frozen=True)
class Books:
    """What the warehouse knows, at one moment."""

    ledger: Sequence[Obj]
    requests: Sequence[Obj]
    stock: dict[str, int]
    accounts: dict[str, int]

    def by_key(self) -> dict[str, list[Obj]]:
        """The ledger's entries by idempotency key, each list in the ledger's order."""
        found: dict[str, list[Obj]] = defaultdict(list)
        for entry in self.ledger:
            found[entry["idempotencyKey"]].append(entry)
        return found


async def read(cluster: Cluster) -> Books:
    """Read them through the API server's proxy. Raises KubeError."""
    return Books(*[await view(cluster, name) for name in VIEWS])


async def view(cluster: Cluster, name: str) -> Any:
    """One page of them, which is no object of Kubernetes."""
    path = f"/api/v1/namespaces/{cluster.namespace}/services/warehouse:http/proxy/{name}"

    async def page() -> Any:
        return json.loads(b"\n".join([line async for line in cluster.kube.lines(path, {}, PAGE_PATIENCE)]))

    return await cluster.patiently(page)
