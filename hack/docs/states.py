"""Draw both state machines into docs/states.md: ``python -m hack.docs.states [--check]``.

What stands between the page's markers is made from the tables of ``kubesaga.engine.states``: a Mermaid diagram and a
table of events for each machine. ``make generate`` writes them, ``make check`` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from hack.docs.markers import with_parts, write_or_compare
from hack.docs.meanings import STEP_EVENTS, TASK_EVENTS
from kubesaga.engine.states import (
    FINAL_STEP_STATES,
    LIVE_TASK_STATES,
    STEP_TRANSITIONS,
    TASK_TRANSITIONS,
    TERMINAL_TASK_STATES,
)
from kubesaga.engine.vocabulary import StepState, TaskState

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)
Transitions = Mapping[Event, Mapping[State, frozenset[State]]]
Groups = Mapping[str, frozenset[State]]
"""Sets of states that a reader knows by one name; an event that leaves all of one is drawn as a single arrow."""

TASK_GROUPS: Groups[TaskState] = {"any live state": LIVE_TASK_STATES, "any terminal state": TERMINAL_TASK_STATES}
STEP_GROUPS: Groups[StepState] = {
    "any state that is not final": frozenset(StepState) - FINAL_STEP_STATES,
    "any final state": FINAL_STEP_STATES,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if ``--check`` finds a difference, else 0."""
    return write_or_compare(generated, PAGE, arguments, program="hack.docs.states", about=__doc__)


def generated(page: str) -> str:
    """The page with its four parts made anew. Raises MarkerError."""
    parts = {
        "task diagram": diagram(TASK_TRANSITIONS, TASK_GROUPS, TaskState.PENDING),
        "task events": table(TASK_TRANSITIONS, TASK_GROUPS, TASK_EVENTS),
        "step diagram": diagram(STEP_TRANSITIONS, STEP_GROUPS, StepState.PENDING),
        "step events": table(STEP_TRANSITIONS, STEP_GROUPS, STEP_EVENTS),
    }
    return with_parts(page, parts)


def diagram(transitions: Transitions[Event, State], groups: Groups[State], first: State) -> str:
    """A Mermaid state diagram; arrows between the same two ends share a line."""
    labels: dict[tuple[str, str], list[str]] = {}
    for event, rows in transitions.items():
        for source, targets in _arrows(rows, groups):
            for target in targets:
                labels.setdefault((_identifier(source), target), []).append(event)
    used = {source for source, _ in labels}
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        *(f'  state "{name}" as {_identifier(name)}' for name in groups if _identifier(name) in used),
        f"  [*] --> {first}",
        *(f"  {source} --> {target}: {', '.join(events)}" for (source, target), events in labels.items()),
        "```",
    ]
    return "\n".join(lines) + "\n"


def table(transitions: Transitions[Event, State], groups: Groups[State], meanings: Mapping[Event, str]) -> str:
    """A row for each event: from where, to where, and when it happens."""
    lines = ["| Event | From | To | When |", "| --- | --- | --- | --- |"]
    for event, rows in transitions.items():
        arrows = list(_arrows(rows, groups))
        sources = ", ".join(source for source, _ in arrows)
        targets = ", ".join(dict.fromkeys(target for _, some in arrows for target in some))
        lines.append(f"| **{event}** | {sources} | {targets} | {meanings[event]} |")
    return "\n".join(lines) + "\n"


def _arrows(rows: Mapping[State, frozenset[State]], groups: Groups[State]) -> Iterator[tuple[str, Sequence[State]]]:
    """Each source, or group of sources, with where it leads; every order is that of the vocabulary."""
    left = set(rows)
    for name, members in groups.items():
        if members <= left and len({rows[member] for member in members}) == 1:
            left -= members
            yield name, _in_order(rows[next(iter(members))])
    for source in _in_order(left):
        yield source, _in_order(rows[source])


def _in_order(states: Iterable[State]) -> list[State]:
    some = set(states)
    return [state for state in type(next(iter(some))) if state in some] if some else []


def _identifier(name: str) -> str:
    return name.title().replace(" ", "") if " " in name else name


if __name__ == "__main__":
    sys.exit(main())
