"""What is drawn while a Task is followed: lines into a file, a tree on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

from kubesaga.cli.following import Lines
from kubesaga.cli.tables import tree_table
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


def test_on_a_narrow_terminal_only_notes_are_cut() -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=60)
    console.print(tree_table(rows(stories.told(stories.blocked()), now=0.0)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "BlockedByFailures" in shown
    assert "└─ bye (finally)" in shown
    assert all(len(line) <= 60 for line in shown.splitlines())
