"""The warehouse of the example: a small HTTP server with a ledger, so that side effects can be seen.

Run by `python -m order_fulfillment.warehouse` (see examples/order-fulfillment/warehouse.yaml).

    GET   /ledger /stock /accounts /requests /healthz
    POST  /reservations  /payments  /shipments  /confirmations           make, by Idempotency-Key
    POST  /reservations/ID/release  /payments/ID/refund  /shipments/ID/cancel    undo

Environment (not WAREHOUSE_PORT: Kubernetes sets that itself for a service of this name):
    WAREHOUSE_LISTEN    host:port, default 0.0.0.0:8080; port 0 takes a free one
    WAREHOUSE_DATABASE  path of the SQLite file, default /data/warehouse.db
    WAREHOUSE_SEED      JSON: what the books start with, default ledger.DEFAULT_SEED
"""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from order_fulfillment.business import Request
from order_fulfillment.ledger import DEFAULT_SEED, Answer, Ledger

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body."""


class WarehouseServer(ThreadingHTTPServer):
    """Serves one Ledger."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], ledger: Ledger) -> None:
        super().__init__(address, _Handler)
        self.views: dict[str, Callable[[], Any]] = {
            "/ledger": ledger.entries,
            "/stock": ledger.stock,
            "/accounts": ledger.accounts,
            "/requests": ledger.requests,
            "/healthz": lambda: "ok",
        }
        self.ledger = ledger


class _Handler(BaseHTTPRequestHandler):
    server: WarehouseServer

    def do_GET(self) -> None:
        view = self.server.views.get(self.path)
        if view is None:
            there = ", ".join(self.server.views)
            self._send(404, {"error": "NO_SUCH_PATH", "message": f"nothing at {self.path}; there is {there}"})
        else:
            self._send(200, view())

    def do_POST(self) -> None:
        answer = self._answer()
        self._send(answer.status, answer.body, answer.retry_after)

    def _answer(self) -> Answer:
        key = self.headers.get("Idempotency-Key")
        if not key:
            return _bad_request("the header Idempotency-Key is missing: without it a retry could act twice")
        attempt = self.headers.get("Kubesaga-Attempt", "0")
        if not attempt.isdecimal():
            return _bad_request(f"the header Kubesaga-Attempt must be a number, not {attempt!r}")
        body = self._body()
        if not isinstance(body, dict):
            return _bad_request(f"the body must be a JSON object of at most {BODY_LIMIT} bytes")
        return self.server.ledger.post(
            Request(
                path=urllib.parse.unquote(self.path),
                key=key,
                body=body,
                task=self.headers.get("Kubesaga-Task", ""),
                step=self.headers.get("Kubesaga-Step", ""),
                attempt=int(attempt),
            )
        )

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            return None
        try:
            return json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None

    def _send(self, status: int, body: Any, retry_after: int | None = None) -> None:
        data = json.dumps(body, indent=2).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/healthz":  # Probes would drown the rest.
            super().log_request(code, size)


def _bad_request(message: str) -> Answer:
    return Answer(400, {"error": "BAD_REQUEST", "message": message})


def main() -> None:
    """Serve until SIGTERM."""
    host, _, port = os.environ.get("WAREHOUSE_LISTEN", "0.0.0.0:8080").rpartition(":")
    seed = os.environ.get("WAREHOUSE_SEED")
    ledger = Ledger(
        os.environ.get("WAREHOUSE_DATABASE", "/data/warehouse.db"), json.loads(seed) if seed else DEFAULT_SEED
    )
    # The first process of a container has no default reaction to SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with WarehouseServer((host, int(port)), ledger) as server:
        print(f"the warehouse listens on {host}:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        finally:
            ledger.close()


if __name__ == "__main__":
    main()
