"""The few questions that bringing a cluster up has to ask its API server, without any client library."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hack.cluster.errors import ClusterError
from hack.cluster.progress import say


class Api:
    """A client with the administrator's certificate that never goes through a proxy."""

    def __init__(self, server: str, pki: Path) -> None:
        self.server = server
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str) -> str | None:
        """The body of an answer with status 200; None for any other answer or none at all."""
        try:
            with self._opener.open(f"{self.server}{path}", timeout=5) as answer:
                body: bytes = answer.read()
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return None
        return body.decode()

    def ready(self) -> bool:
        """Whether the API server says that it serves, and reads from its store (its word on that may be old)."""
        return self.get("/readyz") == "ok" and self.get("/api/v1/namespaces/default") is not None

    def node_ready(self, name: str) -> bool:
        """Whether the node has the condition Ready."""
        body = self.get(f"/api/v1/nodes/{name}")
        conditions: list[dict[str, Any]] = json.loads(body)["status"].get("conditions", []) if body else []
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def default_account_exists(self) -> bool:
        """Whether pods can be created in the default namespace yet."""
        return self.get("/api/v1/namespaces/default/serviceaccounts/default") is not None


def wait_until(
    what: str, condition: Callable[[], bool], seconds: float, look_at: Path, lives: Callable[[], bool]
) -> None:
    """Wait until the condition holds. Raises ClusterError naming the log to look at when it does not in time.

    Nor is it waited for when the process that has to see to it does not live any more.
    """
    if condition():
        return
    started = time.monotonic()
    while not condition():
        if not lives():
            raise ClusterError(f"{what}: not so, its process has ended; see {look_at}")
        if time.monotonic() - started > seconds:
            raise ClusterError(f"{what}: not within {seconds:.0f} s; see {look_at}")
        time.sleep(0.05)
    say(f"{what} ({time.monotonic() - started:.1f} s)")
