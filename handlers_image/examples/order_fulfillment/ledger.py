"""The warehouse's books, kept in one SQLite file, so that they survive the server's process.

`warehouse` puts HTTP in front of it, `business` knows what a request does; this module makes a request safe
to repeat: the same Idempotency-Key with the same body gets the first answer again, marked `replayed`, and
makes no second entry; with another body it is refused. Every request is put on record, so that a test can
see how often each attempt of a step asked.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from order_fulfillment import business
from order_fulfillment.business import Facts, RefusedError, Request

DEFAULT_SEED: Mapping[str, Any] = {
    "stock": {"teapot": 100, "kettle": 100},
    "accounts": {
        "alice": {"balance": 100_000},
        "bob": {"balance": 100_000},
        # The first charge with each key is answered by 503.
        "carol": {"balance": 100_000, "flaky": True},
        "mallory": {"balance": 100_000, "shippable": False},
    },
}
"""What the books start with: pieces of each sku, cents of each customer."""


class Answer(NamedTuple):
    """An HTTP status and a JSON object; retry_after in seconds."""

    status: int
    body: Facts
    retry_after: int | None = None


class Ledger:
    """The books. Safe to use from many threads."""

    def __init__(self, path: str, seed: Mapping[str, Any] = DEFAULT_SEED) -> None:
        """Open the file, or make it with what `seed` says; the seed of an existing file stays as it was."""
        self._lock = threading.Lock()
        self._books = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
        if not self._rows("SELECT name FROM sqlite_master WHERE name = 'ledger'"):
            self._create(seed)

    def close(self) -> None:
        """Close the file."""
        self._books.close()

    def post(self, request: Request) -> Answer:
        """Answer a request, once for each key, and put it on record."""
        with self._lock:
            try:
                with self._books:
                    answer = self._answer(request)
            except RefusedError as refusal:
                body = {"error": refusal.code, "message": str(refusal)}
                answer = Answer(refusal.status, body, refusal.retry_after)
            with self._books:
                self._record(request, answer)
        return answer

    def entries(self) -> list[Facts]:
        """The ledger, oldest first."""
        rows = self._rows('SELECT seq, at, kind, "order", facts, key, step, attempt FROM ledger ORDER BY seq')
        return [
            {"seq": seq, "at": at, "kind": kind, "order": order, **json.loads(facts), "idempotencyKey": key,
             "step": step, "attempt": attempt}
            for seq, at, kind, order, facts, key, step, attempt in rows
        ]  # fmt: skip

    def stock(self) -> dict[str, int]:
        """Available pieces by sku."""
        return dict(self._rows("SELECT sku, available FROM stock ORDER BY sku"))

    def accounts(self) -> dict[str, int]:
        """Cents by customer."""
        return dict(self._rows("SELECT customer, balance FROM accounts ORDER BY customer"))

    def requests(self) -> list[Facts]:
        """Every POST ever received, whatever its answer, oldest first."""
        names = ("seq", "at", "path", "idempotencyKey", "task", "step", "attempt", "status", "replayed")
        rows = self._rows("SELECT seq, at, path, key, task, step, attempt, status, replayed FROM requests ORDER BY seq")
        return [{**dict(zip(names, row, strict=True)), "replayed": bool(row[-1])} for row in rows]

    def _answer(self, request: Request) -> Answer:
        asked = json.dumps([request.path, request.body], sort_keys=True)
        undone = self._books.execute("SELECT 1 FROM things WHERE id = ? AND state = 'undone'", (request.key,))
        if undone.fetchone():
            raise RefusedError(409, "UNDONE", f"what {request.key} made, or would make, has been undone")
        row = self._books.execute("SELECT request, body FROM answers WHERE key = ?", (request.key,)).fetchone()
        if row is None:
            body = business.answer(self._books, request)
            self._books.execute("INSERT INTO answers VALUES (?, ?, ?)", (request.key, asked, json.dumps(body)))
            return Answer(201, {**body, "replayed": False})
        if row[0] != asked:
            raise RefusedError(409, "KEY_REUSED", f"{request.key} was sent before, with another request")
        return Answer(200, {**json.loads(row[1]), "replayed": True})

    def _record(self, request: Request, answer: Answer) -> None:
        self._books.execute(
            "INSERT INTO requests (at, path, key, task, step, attempt, status, replayed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                business.now(),
                request.path,
                request.key,
                request.task,
                request.step,
                request.attempt,
                answer.status,
                bool(answer.body.get("replayed")),
            ),
        )

    def _create(self, seed: Mapping[str, Any]) -> None:
        accounts = seed.get("accounts", {}).items()
        with self._books:
            self._books.execute("BEGIN IMMEDIATE")
            for statement in business.SCHEMA:
                self._books.execute(statement)
            self._books.executemany("INSERT INTO stock VALUES (?, ?)", list(seed.get("stock", {}).items()))
            self._books.executemany(
                "INSERT INTO accounts VALUES (?, ?, ?, ?)",
                [
                    (name, each["balance"], each.get("flaky", False), each.get("shippable", True))
                    for name, each in accounts
                ],
            )

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._books.execute(query).fetchall()
