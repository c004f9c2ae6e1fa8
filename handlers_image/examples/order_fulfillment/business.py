"""What the warehouse does: reserve, charge, ship, confirm, and undo the first three.

Called by `ledger` inside a transaction, which a RefusedError rolls back. The thing that a request makes is
named by its Idempotency-Key. A thing that is undone stays on record as undone, and so does one that was
undone before it was made: a request that was still under way at that time comes too late and makes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

Facts = dict[str, Any]

SCHEMA = (
    "CREATE TABLE stock (sku TEXT PRIMARY KEY, available INTEGER NOT NULL)",
    "CREATE TABLE accounts (customer TEXT PRIMARY KEY, balance INTEGER NOT NULL, flaky INTEGER NOT NULL,"
    " shippable INTEGER NOT NULL)",
    "CREATE TABLE things (id TEXT PRIMARY KEY, state TEXT NOT NULL, facts TEXT NOT NULL)",
    "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,"
    ' "order" TEXT NOT NULL,'
    " facts TEXT NOT NULL, key TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL)",
    "CREATE TABLE answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE requests (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, path TEXT NOT NULL, key TEXT NOT NULL,"
    " task TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL, status INTEGER NOT NULL,"
    " replayed INTEGER NOT NULL)",
)


class Request(NamedTuple):
    """One POST. `task`, `step` and `attempt` only say who asks."""

    path: str
    key: str
    body: Facts
    task: str
    step: str
    attempt: int


class RefusedError(Exception):
    """The request is not granted: HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def answer(books: sqlite3.Connection, request: Request) -> Facts:
    """Do what the request asks for and return what its sender is to know. Raises RefusedError."""
    collection, _, rest = request.path.strip("/").partition("/")
    thing, _, verb = rest.rpartition("/")
    if collection in _MAKE and not rest:
        return _make(books, request, _MAKE[collection])
    if (collection, verb) in _UNDO:
        return _undo(books, request, thing, _UNDO[collection, verb])
    known = [f"/{name}" for name in _MAKE] + [f"/{name}/ID/{verb}" for name, verb in _UNDO]
    raise RefusedError(404, "NO_SUCH_PATH", f"nothing at POST {request.path}; there is {', '.join(known)}")


def now() -> str:
    """RFC 3339, UTC."""
    return datetime.now(UTC).isoformat()


def _make(books: sqlite3.Connection, request: Request, make: Callable[[sqlite3.Connection, Request], Facts]) -> Facts:
    facts = make(books, request)
    books.execute("INSERT INTO things VALUES (?, 'made', ?)", (request.key, json.dumps(facts)))
    return {"id": request.key, **facts}


def _undo(
    books: sqlite3.Connection,
    request: Request,
    thing: str,
    undo: Callable[[sqlite3.Connection, Request, Facts], None],
) -> Facts:
    row = books.execute("SELECT state, facts FROM things WHERE id = ?", (thing,)).fetchone()
    made = row is not None and row[0] == "made"
    if made:
        undo(books, request, json.loads(row[1]))
    books.execute("INSERT OR REPLACE INTO things VALUES (?, 'undone', ?)", (thing, row[1] if row else "{}"))
    return {"id": thing, "undone": made}


def _reserve(books: sqlite3.Connection, request: Request) -> Facts:
    sku, quantity = _text(request, "sku"), _count(request, "quantity")
    row = books.execute("SELECT available FROM stock WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise RefusedError(404, "UNKNOWN_SKU", f"the warehouse has never had a {sku}")
    if row[0] < quantity:
        raise RefusedError(422, "OUT_OF_STOCK", f"{quantity} x {sku} wanted, {row[0]} there")
    books.execute("UPDATE stock SET available = available - ? WHERE sku = ?", (quantity, sku))
    return _enter(books, "reserve", request, {"sku": sku, "quantity": quantity})


def _release(books: sqlite3.Connection, request: Request, facts: Facts) -> None:
    books.execute("UPDATE stock SET available = available + ? WHERE sku = ?", (facts["quantity"], facts["sku"]))
    _enter(books, "release", request, facts)


def _charge(books: sqlite3.Connection, request: Request) -> Facts:
    customer, amount = _text(request, "customer"), _count(request, "amount")
    balance, flaky, _ = _account(books, customer)
    if flaky and not books.execute("SELECT 1 FROM requests WHERE key = ?", (request.key,)).fetchone():
        raise RefusedError(503, "BANK_BUSY", f"the bank of {customer} is busy, try again", retry_after=1)
    if balance < amount:
        raise RefusedError(422, "INSUFFICIENT_FUNDS", f"{customer} has {balance} cents, not {amount}")
    books.execute("UPDATE accounts SET balance = balance - ? WHERE customer = ?", (amount, customer))
    return _enter(books, "charge", request, {"customer": customer, "amount": amount})


def _refund(books: sqlite3.Connection, request: Request, facts: Facts) -> None:
    books.execute("UPDATE accounts SET balance = balance + ? WHERE customer = ?", (facts["amount"], facts["customer"]))
    _enter(books, "refund", request, facts)


def _ship(books: sqlite3.Connection, request: Request) -> Facts:
    customer, reservation = _text(request, "customer"), _text(request, "reservation")
    if not _account(books, customer)[2]:
        raise RefusedError(422, "SHIPPER_REFUSED", f"the shipper does not deliver to {customer}")
    if not books.execute("SELECT 1 FROM things WHERE id = ? AND state = 'made'", (reservation,)).fetchone():
        raise RefusedError(422, "NOT_RESERVED", f"no goods are put aside under {reservation}")
    return _enter(books, "ship", request, {"customer": customer, "reservation": reservation})


def _cancel_shipment(books: sqlite3.Connection, request: Request, facts: Facts) -> None:
    _enter(books, "cancel_shipment", request, facts)


def _confirm(books: sqlite3.Connection, request: Request) -> Facts:
    return _enter(books, "confirm", request, {"customer": _text(request, "customer")})


_MAKE = {"reservations": _reserve, "payments": _charge, "shipments": _ship, "confirmations": _confirm}
_UNDO = {
    ("reservations", "release"): _release,
    ("payments", "refund"): _refund,
    ("shipments", "cancel"): _cancel_shipment,
}


def _enter(books: sqlite3.Connection, kind: str, request: Request, facts: Facts) -> Facts:
    books.execute(
        'INSERT INTO ledger (at, kind, "order", facts, key, step, attempt) VALUES (?, ?, ?, ?, ?, ?, ?)',
        (now(), kind, _text(request, "order"), json.dumps(facts), request.key, request.step, request.attempt),
    )
    return facts


def _account(books: sqlite3.Connection, customer: str) -> tuple[int, bool, bool]:
    row = books.execute("SELECT balance, flaky, shippable FROM accounts WHERE customer = ?", (customer,)).fetchone()
    if row is None:
        raise RefusedError(404, "UNKNOWN_CUSTOMER", f"{customer} has no account")
    return row[0], bool(row[1]), bool(row[2])


def _text(request: Request, field: str) -> str:
    value = request.body.get(field)
    if not isinstance(value, str) or not value:
        raise RefusedError(400, "BAD_REQUEST", f"{field} must be a text, not {value!r}")
    return value


def _count(request: Request, field: str) -> int:
    value = request.body.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RefusedError(400, "BAD_REQUEST", f"{field} must be a whole number above 0, not {value!r}")
    return value
