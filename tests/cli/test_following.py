"""What is drawn while a Task is followed: lines into a file, a tree on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from kubesaga.cli.following import Lines, canvas
from kubesaga.cli.tables import tree_table
from kubesaga.cli.views.times import span
from kubesaga.cli.views.tree import rows
from tests.cli import stories


def test_lines_tell_each_change_once() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    for make in (stories.waiting_for_retry, stories.blocked, stories.blocked, stories.compensated):
        lines.draw(stories.told(make()))
    told = stream.getvalue().splitlines()
    assert len(told) == len(set(told))
    charge = [line for line in told if line.startswith("charge:")]
    assert charge == [
        "charge: WaitingForRetry, attempt 1: next attempt at 2026-01-02 03:04:09 UTC after Declined: it broke",
        "charge: Complete, attempt 2",
    ]
    assert not any("Pending" in line for line in told)


def test_steps_of_one_name_in_parent_and_child_are_told_apart() -> None:
    child = replace(stories.told(stories.blocked()), name="order-1-ship")
    parent = replace(stories.told(stories.compensated()), children={"ship": child})
    stream = io.StringIO()
    Lines(stream).draw(parent)
    assert sum("NoTruck" in line and "Error" in line for line in stream.getvalue().splitlines()) >= 3


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_durations_are_those_of_the_clock_that_the_story_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    story, stream = stories.told(stories.blocked()), Screen()
    begun = story.status.started_at
    assert begun is not None
    with canvas(stream, lambda: begun + 7200.0) as drawn:
        drawn.draw(story)
    assert span(7200.0) in stream.getvalue()


def test_on_a_narrow_terminal_only_notes_are_cut() -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=60)
    console.print(tree_table(rows(stories.told(stories.blocked()), now=0.0), 60))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "BlockedByFailures" in shown
    assert "└─ bye (finally)" in shown
    assert all(len(line) <= 60 for line in shown.splitlines())


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_long_note_takes_no_column_away(width: int) -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(tree_table(rows(stories.told(stories.waiting_for_retry()), now=0.0), width))
    assert isinstance(console.file, io.StringIO)
    head, task, *steps = console.file.getvalue().splitlines()
    assert head.split() == ["STEP", "STATE", "ATTEMPTS", "TIME", "NOTE"]
    assert "0/" in task or "1/" in task
    assert any("WaitingForRetry" in line and " 1 " in line and "nex" in line for line in steps)
    assert all(len(line) <= width for line in (head, task, *steps))


def test_where_no_room_is_left_names_are_cut_before_states() -> None:
    from rich.console import Console

    story = replace(stories.told(stories.blocked()), name="an-order-with-a-name-that-is-longer-than-a-terminal-is-wide")
    console = Console(file=io.StringIO(), width=60)
    console.print(tree_table(rows(story, now=0.0), 60))
    assert isinstance(console.file, io.StringIO)
    head = console.file.getvalue().splitlines()[1]
    assert head.startswith("an-order-")
    assert "BlockedByFailures" in head
