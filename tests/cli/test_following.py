"""What is drawn while a Task is followed: lines into a file, a tree on a terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.following import Asking, Lines, Quiet, canvas, follow
from kubesaga.cli.tables import tree_table
from kubesaga.cli.views.times import span
from kubesaga.cli.views.tree import rows
from kubesaga.client import AsyncKubesaga, Task, Unreachable
from tests.cli import stories
from tests.cli.recorded import task


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


class Watched(AsyncKubesaga):
    """A client whose watch tells of these Tasks, and then of nothing; and whether that watch was ended."""

    def __init__(self, *versions: Task) -> None:
        self._versions = versions
        self.left = False

    async def watch(self, *_names: Any, **_options: Any) -> AsyncGenerator[Task, None]:
        try:
            for version in self._versions:
                yield version
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            self.left = True


def test_what_cannot_be_read_of_sub_workflows_for_a_while_does_not_end_the_watch_of_their_parent() -> None:
    steps = [{"name": "below", "state": "InProgress", "attempt": 1, "childName": "order-1-below"}]
    waiting = Task(task(status={"state": "WaitingForDependencies", "steps": steps}))
    ended = Task(task(status={"state": "Complete", "outcome": "Succeeded", "steps": steps}))
    looks: list[str] = []

    class Away(Watched):
        async def children(self, name: str, *, namespace: str | None = None) -> list[Task]:
            looks.append(f"{namespace}/{name}")
            raise Unreachable("it does not answer", "wait")

    async def main() -> None:
        saga = Away(waiting, ended)
        assert await follow(saga, waiting, lambda found: found.finished, Quiet(), asking=Asking(Quiet())) is ended

    asyncio.run(main())
    assert looks == ["shop/order-1", "shop/order-1"]


@pytest.mark.parametrize("versions", [(), (Task(task()),)])
def test_who_has_waited_in_vain_is_told_the_state_and_leaves_no_watch_behind(versions: tuple[Task, ...]) -> None:
    saga = Watched(*versions)

    async def main() -> None:
        with pytest.raises(CliError, match=r"waited for in vain for 0\.01 s: it is Pending") as error:
            await follow(saga, Task(task()), lambda found: found.finished, Quiet(), 0.01)
        assert (error.value.code, saga.left) == (ExitCode.TIMEOUT, True)

    asyncio.run(main())
