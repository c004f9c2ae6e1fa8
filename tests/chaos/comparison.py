"""The books against the statuses: is what was done to the outside world what the Tasks say was done?

Pure, so that a test can doctor either side and see it found. Called by `audit` once everything has come to an end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.books import Books
from tests.chaos.effects import EARLIER, Effect, Place, places

Obj = dict[str, Any]

UNDONE_ERROR = "UNDONE"
REFUSAL = "BusinessLogicError"


@dataclass(frozen=True)
class Deviation:
    """One thing that is not as it must be: what kind of thing, where, and what there is."""

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class Found:
    """The ledger's entries of one step: numbers of those that made its effect, and of those that undid it."""

    place: Place
    made: tuple[int, ...]
    undone: tuple[int, ...]

    @property
    def stands(self) -> bool:
        """Whether its effect is there now."""
        return len(self.made) > len(self.undone)


def compare(tasks: Sequence[Obj], books: Books, seed: Mapping[str, Any]) -> list[Deviation]:
    """Everything that is wrong, in words. `seed` is what the books began with."""
    entries = books.by_key()
    found = [_find(place, entries) for place in places(tasks)]
    return [
        *(deviation for each in found for deviation in _of_step(each)),
        *_of_order(tasks, found),
        *_unexplained(found, books),
        *_late(books),
        *_balances(books, seed),
    ]


def _find(place: Place, entries: Mapping[str, Sequence[Obj]]) -> Found:
    made = tuple(entry["seq"] for entry in entries.get(place.made_key, ()))
    undone = tuple(entry["seq"] for entry in entries.get(place.undone_key or "", ()))
    return Found(place, made, undone)


def _of_step(found: Found) -> Iterator[Deviation]:
    """What holds for one step by itself."""
    made, undone, where = len(found.made), len(found.undone), found.place.name
    record = found.place.record
    if made > 1 or undone > 1:
        yield Deviation("doubled", where, f"made {made} times and undone {undone} times under one key")
    if undone and (not made or found.undone[0] < found.made[0]):
        yield Deviation("undone before made", where, f"entries {found.made} and {found.undone}")
    if _succeeded(record) and not made:
        yield Deviation("effect missing", where, "the step is Complete, and its effect is not in the ledger")
    if made and not record.get("attempt"):
        yield Deviation("effect of a step that never ran", where, f"entries {found.made}")
    if made and _refused(record):
        yield Deviation("effect of a refused step", where, f"{record['error'].get('code')}, and entries {found.made}")
    yield from _of_compensation(found)


def _of_compensation(found: Found) -> Iterator[Deviation]:
    status, compensation = found.place.task["status"], found.place.record.get("compensation") or {}
    where, outcome = found.place.name, status.get("outcome")
    if found.undone and not compensation.get("attempt"):
        yield Deviation("undone by nobody", where, "the status knows of no attempt to undo it")
    if compensation.get("outcome") == "Succeeded" and found.stands:
        yield Deviation(
            "effect left standing", where, "its compensation is Complete, and nothing in the ledger undoes it"
        )
    if outcome == "Compensated" and found.stands and found.place.effect.undone:
        yield Deviation("effect left standing", where, "the Task says Compensated")
    if outcome in ("Failed", "Aborted", "Cancelled", "InvalidRequest") and found.stands and found.place.effect.undone:
        yield Deviation("effect left standing", where, f"the Task says {outcome}: nothing to undo")
    if outcome in ("Succeeded", "PartiallySucceeded") and found.undone:
        yield Deviation("undone in a Task that succeeded", where, f"entries {found.undone}")


def _of_order(tasks: Sequence[Obj], found: Sequence[Found]) -> Iterator[Deviation]:
    """What holds for the steps of a root Task and all below it, together."""
    families: dict[str, dict[str, Found]] = defaultdict(dict)
    for each in found:
        families[each.place.root][each.place.path] = each
    for root in tasks:
        status = root.get("status", {})
        family = families.get(root["metadata"]["uid"], {})
        if "parent" in status or not family:
            continue
        yield from _made_after_undone(root, family.values())
        for earlier, later in EARLIER.get((status.get("template") or {}).get("name", ""), ()):
            yield from _pair(family.get(earlier), family.get(later))


def _made_after_undone(root: Obj, family: Iterable[Found]) -> Iterator[Deviation]:
    """Within one Task nothing is made any more once something has been undone."""
    by_task: dict[str, list[Found]] = defaultdict(list)
    for each in family:
        by_task[each.place.task["metadata"]["name"]].append(each)
    for name, members in by_task.items():
        made = [number for each in members for number in each.made]
        undone = [number for each in members for number in each.undone]
        if made and undone and max(made) > min(undone):
            what = f"entry {max(made)} of a step after entry {min(undone)} of a compensation"
            yield Deviation("out of order", f"{root['metadata']['name']}: {name}", what)


def _pair(earlier: Found | None, later: Found | None) -> Iterator[Deviation]:
    if later is None or not later.made:
        return
    if earlier is None or not earlier.made or earlier.made[0] > later.made[0]:
        yield Deviation(
            "out of order", later.place.name, "its effect was made before that of a step that it depends on"
        )
    elif earlier.undone and (not later.undone or earlier.undone[0] < later.undone[0]) and later.place.effect.undone:
        yield Deviation("out of order", earlier.place.name, f"undone before {later.place.name}, which depends on it")


def _unexplained(found: Sequence[Found], books: Books) -> Iterator[Deviation]:
    explained = {
        key: each.place.effect for each in found for key in (each.place.made_key, each.place.undone_key) if key
    }
    for entry in books.ledger:
        effect = explained.get(entry["idempotencyKey"])
        if effect is None or entry["kind"] not in _words(effect):
            yield Deviation("unexplained entry", f"{entry['order']}/{entry['step']}", f"{entry['kind']} {entry['seq']}")


def _words(effect: Effect) -> set[str]:
    return {effect.made, *(effect.undone or ())}


def _late(books: Books) -> Iterator[Deviation]:
    """A forward request that comes after the first request of its Task to undo: a step that could still run."""
    undoing: dict[str, int] = {}
    for request in books.requests:
        if request["path"].count("/") > 1:
            undoing.setdefault(request["task"], request["seq"])
        elif request["task"] in undoing:
            what = f"attempt {request['attempt']} asked ({request['status']}) after something had been undone"
            yield Deviation("late request", f"{request['task']}/{request['step']}", what)


def _balances(books: Books, seed: Mapping[str, Any]) -> Iterator[Deviation]:
    """Stock and accounts say, by themselves, what the ledger says entry by entry."""
    stock, accounts = Counter[str](), Counter[str]()
    for entry in books.ledger:
        sign = {"reserve": -1, "charge": -1, "release": 1, "refund": 1}.get(entry["kind"], 0)
        if "sku" in entry:
            stock[entry["sku"]] += sign * entry["quantity"]
        elif "amount" in entry:
            accounts[entry["customer"]] += sign * entry["amount"]
    wanted = {name: pieces + stock[name] for name, pieces in seed["stock"].items()}
    if wanted != books.stock:
        yield Deviation("stock", "warehouse", f"{books.stock}, by the ledger {wanted}")
    wanted = {name: account["balance"] + accounts[name] for name, account in seed["accounts"].items()}
    if wanted != books.accounts:
        yield Deviation("accounts", "warehouse", f"{books.accounts}, by the ledger {wanted}")


def _succeeded(record: Obj) -> bool:
    return record.get("state") == "Complete" and record.get("outcome") == "Succeeded"


def _refused(record: Obj) -> bool:
    """Whether the warehouse itself said no: then nothing was made, by this attempt or any before."""
    error = record.get("error") or {}
    failed = record.get("outcome") == "Failed"
    return bool(failed and error.get("type") == REFUSAL and error.get("code") != UNDONE_ERROR)
