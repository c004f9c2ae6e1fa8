"""A Task's history: that it is whole, and that it tells of moves that the state machines have.

``added`` reads what one write adds, ``check_moves`` whether that is what the write did; ``check_whole`` reads all of it
at the end, the blocks outside the status first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kubesaga.api.history import HISTORY_KEY, history_name
from kubesaga.engine.states import STEP_TRANSITIONS, TASK_TRANSITIONS
from kubesaga.engine.vocabulary import StepEvent, StepState, TaskEvent, TaskState
from tests.guarantees.attempts import (
    FORWARD,
    NOTHING,
    Obj,
    name_of_program,
    name_of_task,
    records_of,
    state_of,
    state_of_record,
    status_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.changes import TaskChange
from tests.guarantees.identifiers import Guarantee

Block = Callable[[str], Obj | None]
"""Looks a ConfigMap up by its name, in the Task's namespace."""
Entries = Sequence[Mapping[str, Any]]

_PENDING = StepState.PENDING.value


def read(before: Obj | None, after: Obj, block: Block) -> tuple[Entries, list[Breach]]:
    """The entries that a write adds, and what is wrong with how it continues the history."""
    old: Entries = status_of(before).get("transitions") or []
    new: Entries = status_of(after).get("transitions") or []
    first = status_of(before).get("historyBlocks", 0)
    count = status_of(after).get("historyBlocks", 0)
    if first == count:
        if new is old or new[: len(old)] == old:
            return new[len(old) :], []
        return new, [_breach(after, _difference(old, new))]
    moved = [entry for number in range(first, count) for entry in _stored(after, number, block) or ()]
    breaches = [_breach(after, f"block {n} is not stored") for n in range(first, count) if not _stored(after, n, block)]
    whole = [*moved, *new]
    if count < first or whole[: len(old)] != list(old):
        breaches.append(_breach(after, f"blocks {first} to {count} and the status do not continue what was there"))
    return whole[len(old) :], breaches


def check_moves(change: TaskChange) -> Iterator[Breach]:
    """history-is-whole: what a write adds to the history is what it did, by the published tables."""
    yield from _check_walk(change.name, change.added, _where(change.before))
    said = _where(None)
    for entry in change.added:
        said[_key(entry)] = entry["to"]
    if said.get(_TASK, state_of(change.before)) != state_of(change.after):
        yield _breach(change.after, f"the Task went from {state_of(change.before)} to {state_of(change.after)} unsaid")
    for moved in change.moved:
        was, now = state_of_record(moved.before), state_of_record(moved.after)
        if said.get((moved.step, moved.role), was) != now:
            yield change.breach(
                Guarantee.HISTORY_IS_WHOLE, f"went from {was} to {now}, and the history does not say so", moved
            )


def check_whole(task: Obj, block: Block) -> Iterator[Breach]:
    """history-is-whole, for all that a Task did up to now."""
    entries: list[Mapping[str, Any]] = []
    for number in range(status_of(task).get("historyBlocks", 0)):
        stored = _stored(task, number, block)
        if stored is None:
            yield _breach(task, f"block {number} is not stored")
            return
        entries += stored
    entries += status_of(task).get("transitions") or ()
    yield from _check_walk(name_of_task(task), entries, {})
    last = {_key(entry): entry["to"] for entry in entries}
    if last.get(_TASK, TaskState.PENDING.value) != state_of(task):
        yield _breach(task, f"it ends with {last.get(_TASK)}, and the Task is {state_of(task)}")
    for step, role, record in records_of(task):
        if last.get((step, role), _PENDING) != state_of_record(record):
            said = f"{name_of_program(step, role)} ends with {last.get((step, role))}, is {state_of_record(record)}"
            yield _breach(task, said)


def entries_of(task: Obj, block: Block) -> list[Mapping[str, Any]]:
    """All that is on record, as far as it is stored."""
    count = status_of(task).get("historyBlocks", 0)
    stored = [entry for number in range(count) for entry in _stored(task, number, block) or ()]
    return [*stored, *(status_of(task).get("transitions") or ())]


_Key = tuple[str | None, str]
_TASK: _Key = (None, FORWARD)


def _key(entry: Obj) -> _Key:
    return entry.get("step"), entry.get("role", FORWARD)


def _where(task: Obj | None) -> dict[_Key, str]:
    """The state of everything that has one."""
    if task is None:
        return {}
    found: dict[_Key, str] = {(step, role): state_of_record(record) for step, role, record in records_of(task)}
    found[_TASK] = state_of(task)
    return found


def _check_walk(name: str, entries: Entries, states: dict[_Key, str]) -> Iterator[Breach]:
    for entry in entries:
        key = _key(entry)
        was = states.get(key, _PENDING)
        what = "the Task" if key[0] is None else name_of_program(key[0], key[1])
        if entry["from"] != was:
            yield Breach(
                Guarantee.HISTORY_IS_WHOLE, name, f"{what} was {was}, and its next move is from {entry['from']}"
            )
        if not _leads(key[0] is None, entry):
            said = f"{what} cannot go from {entry['from']} to {entry['to']} by {entry['events']}"
            yield Breach(Guarantee.HISTORY_IS_WHOLE, name, said)
        states[key] = entry["to"]


def _leads(is_task: bool, entry: Obj) -> bool:
    """Whether the tables have a way by these events."""
    reached = {entry["from"]}
    for event in entry["events"]:
        table: Any = TASK_TRANSITIONS[TaskEvent(event)] if is_task else STEP_TRANSITIONS[StepEvent(event)]
        reached = {target for source in reached for target in table.get(source, ())}
    return entry["to"] in reached


def _stored(task: Obj, number: int, block: Block) -> Entries | None:
    meta = task["metadata"]
    found = block(history_name(meta["name"], meta["uid"], number))
    text = ((found or NOTHING).get("data") or NOTHING).get(HISTORY_KEY)
    return None if text is None else list(json.loads(text))


def _difference(old: Entries, new: Entries) -> str:
    i = next((i for i, (was, now) in enumerate(zip(old, new, strict=False)) if was != now), min(len(old), len(new)))
    was, now = (entries[i] if i < len(entries) else None for entries in (old, new))
    return f"entry {i} was {was} and is {now}"


def _breach(task: Obj, what: str) -> Breach:
    return Breach(Guarantee.HISTORY_IS_WHOLE, name_of_task(task), what)
