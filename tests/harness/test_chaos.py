"""The pure parts of chaos: the comparison finds a doctored ledger, and a plan strikes with everything, again the same.

The ledger here is a real one, made by the warehouse itself from the requests that an order's steps send.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kubesaga.engine.identity import attempt_name, idempotency_key
from kubesaga.engine.vocabulary import Role
from order_fulfillment.business import Request
from order_fulfillment.ledger import Ledger
from tests.chaos.audit import audit
from tests.chaos.books import Books
from tests.chaos.comparison import compare
from tests.chaos.examples import LABEL, SEED, examples, installed
from tests.chaos.plan import IN_FIVE_MINUTES, draw

Obj = dict[str, Any]
Doctor = Callable[[Books], Books]

DONE: Obj = {"state": "Complete", "outcome": "Succeeded", "attempt": 1}
PENDING: Obj = {"state": "Pending"}
REFUSED: Obj = {
    "state": "Error",
    "outcome": "Failed",
    "attempt": 1,
    "error": {"type": "BusinessLogicError", "code": "SHIPPER_REFUSED", "message": "no"},
}
FIRST, SECOND = "order-succeeds-001", "order-compensated-002"
EXAMPLES = {example.name: example for example in examples()}
_PATHS = {"reserve": "/reservations", "charge": "/payments", "ship": "/shipments", "confirm": "/confirmations"}
_UNDO = {"reserve": "release", "charge": "refund", "ship": "cancel"}


@dataclass(frozen=True)
class Order:
    """An order on its way, which sends what its steps would send."""

    ledger: Ledger
    name: str
    customer: str

    def make(self, step: str, word: str, **body: Any) -> None:
        key = f"{idempotency_key(f'uid-of-{self.name}', step)}:{word}"
        self._post(_PATHS[word], key, step, {"customer": self.customer, **body})

    def undo(self, step: str, word: str) -> None:
        made = f"{idempotency_key(f'uid-of-{self.name}', step)}:{word}"
        own = f"{idempotency_key(f'uid-of-{self.name}', step, Role.COMPENSATION)}:{_UNDO[word]}"
        self._post(f"{_PATHS[word]}/{made}/{_UNDO[word]}", own, step, {})

    def reservation(self) -> str:
        return f"{idempotency_key(f'uid-of-{self.name}', 'reserve_inventory')}:reserve"

    def _post(self, path: str, key: str, step: str, body: Obj) -> None:
        self.ledger.post(Request(path, key, {"order": self.name, **body}, self.name, step, 1))


def task(name: str, state: str, outcome: str, **steps: Obj) -> Obj:
    """A Task of the example that has ended."""
    return {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": {LABEL: name[:-4]}},
        "status": {
            "state": state,
            "outcome": outcome,
            "message": "…",
            "template": {"name": "order-fulfillment"},
            "steps": [{"name": step, **record} for step, record in steps.items()],
        },
    }


@pytest.fixture
def tasks() -> list[Obj]:
    """One order that succeeded, one that was undone."""
    undone = {**DONE, "compensation": DONE}
    return [
        task(
            FIRST,
            "Complete",
            "Succeeded",
            validate_order=DONE,
            reserve_inventory=DONE,
            charge_payment=DONE,
            ship_order=DONE,
            send_confirmation=DONE,
        ),
        task(
            SECOND,
            "Error",
            "Compensated",
            validate_order=DONE,
            reserve_inventory=undone,
            charge_payment=undone,
            ship_order={**REFUSED, "compensation": DONE},
            send_confirmation=PENDING,
        ),
    ]


@pytest.fixture
def books() -> Books:
    """What the warehouse knows after these two."""
    ledger = Ledger(":memory:", SEED)
    first, second = Order(ledger, FIRST, "company"), Order(ledger, SECOND, "mallory")
    for order in (first, second):
        order.make("reserve_inventory", "reserve", sku="teapot", quantity=2)
        order.make("charge_payment", "charge", amount=5980)
        order.make("ship_order", "ship", reservation=order.reservation())
    first.make("send_confirmation", "confirm")
    second.undo("ship_order", "ship")
    second.undo("charge_payment", "charge")
    second.undo("reserve_inventory", "reserve")
    return Books(ledger.entries(), ledger.requests(), ledger.stock(), ledger.accounts())


def index(books: Books, order: str, kind: str) -> int:
    return next(i for i, entry in enumerate(books.ledger) if (entry["order"], entry["kind"]) == (order, kind))


def without(order: str, kind: str) -> Doctor:
    """An entry is removed."""
    return lambda books: replace(
        books, ledger=[entry for entry in books.ledger if (entry["order"], entry["kind"]) != (order, kind)]
    )


def doubled(order: str, kind: str) -> Doctor:
    """An entry is there twice."""

    def doctor(books: Books) -> Books:
        again = {**books.ledger[index(books, order, kind)], "seq": len(books.ledger) + 1}
        return replace(books, ledger=[*books.ledger, again])

    return doctor


def numbered(order: str, kind: str, seq: int) -> Doctor:
    """An entry stands elsewhere in the order of things."""

    def doctor(books: Books) -> Books:
        ledger = [dict(entry) for entry in books.ledger]
        ledger[index(books, order, kind)]["seq"] = seq
        return replace(books, ledger=ledger)

    return doctor


def with_key(order: str, kind: str, key: str) -> Doctor:
    """An entry bears another key."""

    def doctor(books: Books) -> Books:
        ledger = [dict(entry) for entry in books.ledger]
        ledger[index(books, order, kind)]["idempotencyKey"] = key
        return replace(books, ledger=ledger)

    return doctor


def kinds(tasks: list[Obj], books: Books) -> set[str]:
    return {deviation.kind for deviation in compare(tasks, books, SEED)}


def step(tasks: list[Obj], number: int, name: str) -> Obj:
    found: Obj = next(each for each in tasks[number]["status"]["steps"] if each["name"] == name)
    return found


def test_books_that_say_what_the_tasks_say_are_in_order(tasks: list[Obj], books: Books) -> None:
    assert len(books.ledger) == 8
    assert compare(tasks, books, SEED) == []


@pytest.mark.parametrize(
    ("doctor", "kind"),
    [
        (without(FIRST, "charge"), "effect missing"),
        (without(FIRST, "confirm"), "effect missing"),
        (doubled(FIRST, "charge"), "doubled"),
        (doubled(FIRST, "confirm"), "doubled"),
        (doubled(SECOND, "refund"), "doubled"),
        (without(SECOND, "refund"), "effect left standing"),
        (without(SECOND, "release"), "effect left standing"),
        (without(SECOND, "reserve"), "undone before made"),
        (numbered(SECOND, "refund", 0), "undone before made"),
        (numbered(SECOND, "charge", 99), "out of order"),
        (numbered(FIRST, "ship", 0), "out of order"),
        (with_key(FIRST, "charge", "another"), "unexplained entry"),
        (without(FIRST, "reserve"), "stock"),
        (doubled(FIRST, "charge"), "accounts"),
    ],
)
def test_a_doctored_ledger_is_found(doctor: Doctor, kind: str, tasks: list[Obj], books: Books) -> None:
    assert kind in kinds(tasks, doctor(books))


def test_a_step_that_says_less_than_it_did_is_found(tasks: list[Obj], books: Books) -> None:
    step(tasks, 0, "send_confirmation").pop("attempt")
    assert "effect of a step that never ran" in kinds(tasks, books)
    step(tasks, 0, "send_confirmation").update(copy.deepcopy(REFUSED))
    assert "effect of a refused step" in kinds(tasks, books)


def test_a_task_that_says_it_succeeded_and_was_undone_is_found(tasks: list[Obj], books: Books) -> None:
    tasks[1]["status"] |= {"state": "Complete", "outcome": "Succeeded"}
    assert "undone in a Task that succeeded" in kinds(tasks, books)
    step(tasks, 1, "charge_payment").pop("compensation")
    assert "undone by nobody" in kinds(tasks, books)


def test_an_undoing_that_nobody_asked_for_is_found_where_nothing_was_to_be_undone(
    tasks: list[Obj], books: Books
) -> None:
    tasks[0]["status"] |= {"state": "Error", "outcome": "Aborted"}
    assert "effect left standing" in kinds(tasks, books)


def test_a_compensation_before_that_of_a_later_step_is_found(tasks: list[Obj], books: Books) -> None:
    shipped = {**books.ledger[index(books, FIRST, "ship")], "order": SECOND, "seq": 5}
    key = idempotency_key(f"uid-of-{SECOND}", "ship_order")
    undo_key = idempotency_key(f"uid-of-{SECOND}", "ship_order", Role.COMPENSATION)
    cancelled = {**shipped, "kind": "cancel_shipment", "seq": 99, "idempotencyKey": f"{undo_key}:cancel"}
    ledger = [*books.ledger, {**shipped, "idempotencyKey": f"{key}:ship"}, cancelled]
    assert "out of order" in kinds(tasks, replace(books, ledger=ledger))


def test_a_forward_request_after_something_was_undone_is_found(tasks: list[Obj], books: Books) -> None:
    late = next(request for request in books.requests if request["task"] == SECOND)
    requests = [*books.requests, {**late, "seq": 99, "status": 409}]
    assert kinds(tasks, replace(books, requests=requests)) == {"late request"}


def test_tasks_that_end_as_designed_with_a_job_for_each_attempt_are_in_order(tasks: list[Obj]) -> None:
    assert audit(tasks, [job(tasks[0], "ship_order")], EXAMPLES, ()) == []


def test_a_task_that_neither_ends_nor_asks_is_found(tasks: list[Obj]) -> None:
    tasks[0]["status"]["state"] = "StepsInProcess"
    assert [each.kind for each in audit(tasks, [], EXAMPLES, ())] == ["no end"]
    tasks[0]["status"]["conditions"] = [{"type": "NeedsAttention", "status": "True", "reason": "StepNotStopped"}]
    assert audit(tasks, [], EXAMPLES, ()) == []


def test_an_end_other_than_the_examples_own_takes_a_mishap_or_a_cancellation(tasks: list[Obj]) -> None:
    tasks[0]["status"] |= {"state": "Cancelled", "outcome": "Compensated"}
    assert [each.kind for each in audit(tasks, [], EXAMPLES, ())] == ["unexplained end"]
    assert audit(tasks, [], EXAMPLES, [FIRST]) == []
    tasks[0]["status"] |= {"state": "Error", "outcome": "Compensated"}
    step(tasks, 0, "ship_order")["error"] = {"type": "Killed", "message": "…"}
    assert audit(tasks, [], EXAMPLES, ()) == []
    step(tasks, 0, "ship_order")["error"] = REFUSED["error"]
    assert [each.kind for each in audit(tasks, [], EXAMPLES, ())] == ["unexplained end"]


def test_jobs_of_no_attempt_and_second_jobs_of_one_are_found(tasks: list[Obj]) -> None:
    beyond = job(tasks[0], "ship_order", 2)
    assert [each.kind for each in audit(tasks, [beyond], EXAMPLES, ())] == ["Job of no attempt"]
    twice = [job(tasks[0], "ship_order"), job(tasks[0], "ship_order")]
    assert [each.kind for each in audit(tasks, twice, EXAMPLES, ())] == ["doubled Job"]


def job(owner: Obj, of: str, attempt: int = 1) -> Obj:
    name, uid = owner["metadata"]["name"], owner["metadata"]["uid"]
    labels = {"kubesaga.dev/task-uid": uid, "kubesaga.dev/step": of, "kubesaga.dev/role": "forward"}
    return {
        "metadata": {
            "name": attempt_name(name, uid, of, Role.FORWARD, attempt),
            "labels": {**labels, "kubesaga.dev/attempt": str(attempt)},
        }
    }


@pytest.mark.parametrize("minutes", [0.5, 5.0])
def test_a_plan_has_every_kind_of_fault_within_its_time_and_every_kind_of_task(minutes: float) -> None:
    plan = draw(7, minutes, 40, list(EXAMPLES.values()))
    assert {fault.kind for fault in plan.faults} == set(IN_FIVE_MINUTES)
    assert [fault.at for fault in plan.faults] == sorted(fault.at for fault in plan.faults)
    assert 0 < plan.faults[0].at < plan.faults[-1].at < plan.seconds == minutes * 60
    assert {each.example.name for each in plan.submissions} == set(EXAMPLES)
    assert len({each.example.task(each.number)["metadata"]["name"] for each in plan.submissions}) == 40


def test_the_same_seed_is_the_same_plan_and_another_is_another() -> None:
    assert draw(7, 1, 20, list(EXAMPLES.values())) == draw(7, 1, 20, list(EXAMPLES.values()))
    assert draw(7, 1, 20, list(EXAMPLES.values())).faults != draw(8, 1, 20, list(EXAMPLES.values())).faults


def test_what_is_installed_records_the_effects_of_the_examples_that_have_none_of_their_own() -> None:
    templates = [manifest for manifest in installed() if manifest["kind"] == "TaskTemplate"]
    callables = {s.get("handler", {}).get("callable", "") for t in templates for s in t["spec"]["steps"]}
    assert {"recorded:Hold", "recorded:Confirm", "recorded:PayOut", "recorded:Publish"} < callables
    assert not callables & {"travel:Hold", "travel:Confirm", "expenses:PayOut", "readings:Publish"}
