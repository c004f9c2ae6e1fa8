"""A Task's history: what its status keeps of it, and what moves into blocks outside.

The status holds the newest entries; the oldest leave it in blocks of a fixed length, always from what is recorded.
So block ``n`` holds the same entries whichever pass makes it, and storing it twice does no harm. Called by ``status``
and, before a status is written, by the runtime's ``apply``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubesaga.api.constants import MAX_TRANSITIONS
from kubesaga.api.step_status import Wire, present
from kubesaga.api.times import rfc3339
from kubesaga.engine.records import Transition
from kubesaga.engine.vocabulary import Role

BLOCK_LENGTH = MAX_TRANSITIONS // 2
HISTORY_KEY = "transitions.json"

# Characters of an entry's message, and of all those that one decision adds.
_MESSAGE_LIMIT = 200
_MESSAGES_LIMIT = MAX_TRANSITIONS * _MESSAGE_LIMIT


@dataclass(frozen=True, slots=True)
class Block:
    """The entries that leave a status for an object of their own; ``text`` is their JSON, in ASCII."""

    number: int
    text: str


def history_name(task_name: str, task_uid: str, number: int) -> str:
    """The name of the ConfigMap that holds a block; a Task of the same name that came before has others."""
    return f"{task_name}-history-{hashlib.sha256(task_uid.encode()).hexdigest()[:10]}-{number}"


def spill(before: Mapping[str, Any], transitions: Sequence[Transition]) -> tuple[Mapping[str, Any], tuple[Block, ...]]:
    """Make room in a recorded status for the entries of a decision.

    Returns what to continue in place of ``before``, which is the same object where nothing moves, and the blocks to
    store before the status is written. A decision that moves more steps than a status keeps entries is kept whole.
    """
    recorded = list(before.get("transitions") or ())
    blocks: list[Block] = []
    first = before.get("historyBlocks", 0)
    coming = len({(each.step, each.role) for each in transitions})
    while len(recorded) + coming > MAX_TRANSITIONS and len(recorded) >= BLOCK_LENGTH:
        text = json.dumps(recorded[:BLOCK_LENGTH], separators=(",", ":"))
        blocks.append(Block(first + len(blocks), text))
        del recorded[:BLOCK_LENGTH]
    if not blocks:
        return before, ()
    return {**before, "transitions": recorded, "historyBlocks": first + len(blocks)}, tuple(blocks)


def continued(before: Mapping[str, Any], transitions: Iterable[Transition]) -> list[Wire]:
    """The recorded entries and, after them, those of a decision."""
    return [*(before.get("transitions") or ()), *_walks(transitions)]


def _walks(transitions: Iterable[Transition]) -> list[Wire]:
    """One entry for each state machine that moved in a pass, with all events on its way, in order.

    A sequential step is three entries (what ended, what began, the Task) instead of seven: a patch and every later
    Job's input cost in proportion to size.
    """
    walks: dict[tuple[str | None, Role | None], Wire] = {}
    for transition in transitions:
        walk = walks.setdefault((transition.step, transition.role), _walk(transition))
        walk["events"].append(transition.event)
        walk["to"] = transition.target
        if transition.attempt:
            walk["attempt"] = transition.attempt
        if transition.message:
            walk["message"] = transition.message[:_MESSAGE_LIMIT]
    if len(walks) > MAX_TRANSITIONS:
        _shorten(walks.values(), _MESSAGES_LIMIT // len(walks))
    return list(walks.values())


def _shorten(walks: Iterable[Wire], room: int) -> None:
    for walk in walks:
        if "message" in walk:
            walk["message"] = walk["message"][:room]


def _walk(first: Transition) -> Wire:
    wire = present(
        at=rfc3339(first.at),
        step=first.step,
        role=first.role if first.role is Role.COMPENSATION else None,
        attempt=first.attempt,
    )
    return {**wire, "from": first.source, "to": first.target, "events": []}
