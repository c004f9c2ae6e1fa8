"""The example's warehouse over real HTTP: keys honoured, books kept, undoing safe at any time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.conftest import RunningWarehouse

pytestmark = pytest.mark.slow

RESERVATION = {"order": "o-1", "sku": "teapot", "quantity": 2}
PAYMENT = {"order": "o-1", "customer": "alice", "amount": 500}


def make(warehouse: RunningWarehouse, path: str, body: object, key: str = "k:1") -> tuple[int, Any]:
    return warehouse.post(path, body, Idempotency_Key=key, Kubesaga_Step="step", Kubesaga_Attempt="1")


def test_a_request_is_entered_and_its_effect_is_seen(warehouse: RunningWarehouse) -> None:
    status, answer = make(warehouse, "/reservations", RESERVATION)
    assert (status, answer) == (201, {"id": "k:1", "sku": "teapot", "quantity": 2, "replayed": False})
    (entry,) = warehouse.get("/ledger")
    assert entry.pop("at")
    assert entry == {
        "seq": 1, "kind": "reserve", "order": "o-1", "sku": "teapot", "quantity": 2, "idempotencyKey": "k:1",
        "step": "step", "attempt": 1,
    }  # fmt: skip
    assert warehouse.get("/stock") == {"kettle": 100, "teapot": 98}


def test_the_same_request_with_the_same_key_is_replayed(warehouse: RunningWarehouse) -> None:
    make(warehouse, "/reservations", RESERVATION)
    assert make(warehouse, "/reservations", RESERVATION) == (
        200,
        {"id": "k:1", "sku": "teapot", "quantity": 2, "replayed": True},
    )
    assert warehouse.kinds == ["reserve"]
    assert [(each["status"], each["replayed"]) for each in warehouse.get("/requests")] == [
        (201, False),
        (200, True),
    ]


def test_another_request_with_the_same_key_is_refused(warehouse: RunningWarehouse) -> None:
    make(warehouse, "/reservations", RESERVATION)
    status, answer = make(warehouse, "/reservations", {**RESERVATION, "quantity": 3})
    assert (status, answer["error"]) == (409, "KEY_REUSED")
    assert warehouse.kinds == ["reserve"]


@pytest.mark.parametrize(
    ("path", "body", "verb", "inverse"),
    [("/reservations", RESERVATION, "release", "release"), ("/payments", PAYMENT, "refund", "refund")],
)
def test_undoing_brings_the_books_back_once(
    warehouse: RunningWarehouse, path: str, body: dict[str, object], verb: str, inverse: str
) -> None:
    before = (warehouse.get("/stock"), warehouse.get("/accounts"))
    _, made = make(warehouse, path, body)
    assert (warehouse.get("/stock"), warehouse.get("/accounts")) != before
    for key, undone in [("u:1", True), ("u:1", True), ("u:2", False)]:
        _, answer = make(warehouse, f"{path}/k%3A1/{verb}", {"order": "o-1"}, key)
        assert answer["undone"] is undone
    assert warehouse.kinds == [{"release": "reserve", "refund": "charge"}[inverse], inverse]
    assert (warehouse.get("/stock"), warehouse.get("/accounts")) == before
    assert made["id"] == "k:1"


def test_what_was_undone_before_it_was_made_is_never_made(warehouse: RunningWarehouse) -> None:
    _, answer = make(warehouse, "/payments/k:1/refund", {"order": "o-1"}, "u:1")
    assert answer["undone"] is False
    status, late = make(warehouse, "/payments", PAYMENT)
    assert (status, late["error"]) == (409, "UNDONE")
    assert warehouse.kinds == []
    assert warehouse.get("/accounts")["alice"] == 100_000


def test_a_late_copy_of_an_undone_request_is_not_answered_as_if_it_still_stood(
    warehouse: RunningWarehouse,
) -> None:
    make(warehouse, "/payments", PAYMENT)
    make(warehouse, "/payments/k:1/refund", {"order": "o-1"}, "u:1")
    status, late = make(warehouse, "/payments", PAYMENT)
    assert (status, late["error"]) == (409, "UNDONE")


def test_a_flaky_account_is_charged_at_the_second_try_of_each_key(warehouse: RunningWarehouse) -> None:
    body = {**PAYMENT, "customer": "carol"}
    answers = [make(warehouse, "/payments", body, key)[0] for key in ("k:1", "k:1", "k:1", "k:2", "k:2")]
    assert answers == [503, 201, 200, 503, 201]
    assert warehouse.kinds == ["charge", "charge"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/reservations", {**RESERVATION, "sku": "sofa"}, 404, "UNKNOWN_SKU"),
        ("/reservations", {**RESERVATION, "quantity": 101}, 422, "OUT_OF_STOCK"),
        ("/reservations", {**RESERVATION, "quantity": 0}, 400, "BAD_REQUEST"),
        ("/reservations", {**RESERVATION, "quantity": True}, 400, "BAD_REQUEST"),
        ("/reservations", {"sku": "teapot", "quantity": 1}, 400, "BAD_REQUEST"),
        ("/payments", {**PAYMENT, "customer": "nobody"}, 404, "UNKNOWN_CUSTOMER"),
        ("/payments", {**PAYMENT, "amount": 100_001}, 422, "INSUFFICIENT_FUNDS"),
        ("/shipments", {"order": "o", "customer": "mallory", "reservation": "k"}, 422, "SHIPPER_REFUSED"),
        ("/shipments", {"order": "o", "customer": "alice", "reservation": "k"}, 422, "NOT_RESERVED"),
        ("/nowhere", {}, 404, "NO_SUCH_PATH"),
        ("/payments/k/explode", {}, 404, "NO_SUCH_PATH"),
        ("/payments", [], 400, "BAD_REQUEST"),
        ("/payments", b"{", 400, "BAD_REQUEST"),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_changes_nothing(
    warehouse: RunningWarehouse, path: str, body: object, status: int, code: str
) -> None:
    answered, answer = make(warehouse, path, body)
    assert (answered, answer["error"]) == (status, code)
    assert answer["message"]
    assert warehouse.kinds == []
    assert warehouse.get("/stock") == {"kettle": 100, "teapot": 100}
    assert set(warehouse.get("/accounts").values()) == {100_000}


def test_a_refused_key_can_be_used_again(warehouse: RunningWarehouse) -> None:
    make(warehouse, "/payments", {**PAYMENT, "amount": 100_001})
    assert make(warehouse, "/payments", PAYMENT)[0] == 201


def test_a_request_without_a_key_is_refused(warehouse: RunningWarehouse) -> None:
    status, answer = warehouse.post("/payments", PAYMENT)
    assert (status, "Idempotency-Key" in answer["message"]) == (400, True)


def test_the_books_survive_the_server(warehouse: RunningWarehouse) -> None:
    make(warehouse, "/payments", PAYMENT)
    warehouse.kill()
    warehouse.start()
    assert make(warehouse, "/payments", PAYMENT)[0] == 200
    assert warehouse.kinds == ["charge"]
    assert warehouse.get("/accounts")["alice"] == 99_500


def test_the_server_stops_cleanly_when_told_to(warehouse: RunningWarehouse) -> None:
    assert warehouse.get("/healthz") == "ok"
    assert warehouse.stop() == 0
