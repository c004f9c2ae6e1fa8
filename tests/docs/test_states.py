"""docs/states.md draws the machines as their tables say, and has a sentence for every word of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hack.docs import states
from hack.docs.markers import MarkerError
from hack.docs.meanings import STEP_EVENTS, TASK_EVENTS
from kubesaga.api import constants as c
from kubesaga.engine.states import STEP_TRANSITIONS, TASK_TRANSITIONS
from kubesaga.engine.vocabulary import StepEvent, StepState, TaskEvent, TaskOutcome, TaskState

PAGE = states.PAGE.read_text()
CONDITIONS = {
    c.READY, c.SUCCEEDED, c.FINISHED, c.RECONCILING, c.STALLED, c.NEEDS_ATTENTION, c.SUSPENDED, c.STALE,
    c.FINALLY_FAILED,
}  # fmt: skip


def first_cells(heading: str) -> list[str]:
    """The words that the table below this heading explains."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("<!-- generated")[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


def test_the_page_is_as_the_tables_say() -> None:
    assert states.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("A Task's states", TaskState),
        ("A step's states", StepState),
        ("How a Task ended", TaskOutcome),
    ],
)
def test_every_word_has_its_row(heading: str, words: type[StrEnum]) -> None:
    assert sorted(first_cells(heading)) == sorted(words)


def test_every_condition_has_its_row() -> None:
    assert set(first_cells("Conditions")) == CONDITIONS


def test_every_event_has_its_meaning() -> None:
    assert set(TASK_EVENTS) == set(TaskEvent)
    assert set(STEP_EVENTS) == set(StepEvent)


def drawn(diagram: str) -> set[tuple[str, str, str]]:
    """The arrows of a diagram, one for each event; names of groups are taken apart."""
    groups = {
        identifier: members
        for named in (states.TASK_GROUPS, states.STEP_GROUPS)
        for name, members in named.items()
        for identifier in re.findall(rf'state "{name}" as (\w+)', diagram)
    }
    arrows = set()
    for source, target, events in re.findall(r"^  (\w+) --> (\w+): (.+)$", diagram, flags=re.MULTILINE):
        for each in groups.get(source, {source}):
            arrows |= {(str(each), target, event) for event in events.split(", ")}
    return arrows


def test_the_diagrams_have_every_transition_and_no_other() -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(diagrams) == 2
    tables: tuple[Mapping[Any, Mapping[Any, frozenset[Any]]], ...] = (TASK_TRANSITIONS, STEP_TRANSITIONS)
    for diagram, table in zip(diagrams, tables, strict=True):
        expected = {
            (str(source), str(target), str(event))
            for event, rows in table.items()
            for source, targets in rows.items()
            for target in targets
        }
        assert drawn(diagram) == expected


def test_a_page_that_drifted_is_told_apart_and_can_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "states.md"
    page.write_text(PAGE.replace("Pending --> Initializing: Start", "Pending --> Complete: Start"))
    assert states.main(["--check", "--page", str(page)]) == 1
    assert "+  Pending --> Initializing: Start" in capsys.readouterr().out
    assert states.main(["--page", str(page)]) == 0
    assert page.read_text() == PAGE


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(MarkerError, match="generated: step events"):
        states.generated(PAGE.replace("<!-- end: step events -->", ""))


def test_a_page_is_the_same_however_often_it_is_made() -> None:
    pages = [PAGE]
    pages += [states.generated(pages[-1]) for _ in range(2)]
    assert all(one == next_ for one, next_ in pairwise(pages))
