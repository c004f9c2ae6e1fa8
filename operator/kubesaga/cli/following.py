"""Following a Task with the eyes: its tree drawn again with every change, or a line for each change into a file.

Used by ``tree --watch``, ``submit --wait``, ``wait`` (which draws nothing) and ``run``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TextIO

from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.output import console, is_terminal, note
from kubesaga.cli.stories import Stories
from kubesaga.cli.tables import tree_table
from kubesaga.cli.views.questions import Question, questions
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.tree import Row, rows

if TYPE_CHECKING:
    from rich.live import Live

    from kubesaga.client import AsyncKubesaga, Task

_BRANCHES = "│├└─ "
REDRAW = 1.0
"""Seconds between two drawings while nothing is heard: durations grow, and children are looked at."""


class Canvas(Protocol):
    """Where a story is drawn again and again."""

    def draw(self, story: Story) -> None:
        """Show it as it is now."""

    def say(self, text: str) -> None:
        """Tell the human something beside it."""


class Asking:
    """Says what a Task asks of humans, on a canvas, once for each time that it asks.

    ``pointed`` adds to a command which cluster is meant.
    """

    def __init__(self, canvas: Canvas, pointed: Callable[[str], str] = str) -> None:
        self._canvas = canvas
        self._pointed = pointed
        self._open: list[Question] = []

    def look(self, story: Story, now: float) -> None:
        """Tell what is new."""
        found = questions(story, now)
        for question in found:
            if question not in self._open:
                self._canvas.say(question.what)
                self._canvas.say(f"hint: {self._pointed(question.command)}")
        self._open = found


async def follow(
    saga: AsyncKubesaga,
    task: Task,
    there: Callable[[Task], bool],
    canvas: Canvas,
    timeout: float | None = None,
    *,
    asking: Asking | None = None,
    pause: float = REDRAW,
) -> Task:
    """Draw the Task until it is ``there``, and return it.

    ``task`` is it as it was read last. ``asking`` says what it asks of humans meanwhile; ``pause`` in seconds is the
    longest between two looks at its sub-workflows. Raises CliError where it is deleted, or ``timeout`` (seconds) over.
    """
    import asyncio

    from kubesaga.client import ServerFault, Unreachable

    stories = Stories(saga)
    latest = task
    try:
        async with asyncio.timeout(timeout), aclosing(_ticking(saga, task.name, pause)) as told:
            async for latest in told:
                if latest.deleted:
                    break
                arrived = there(latest)
                with suppress(ServerFault, Unreachable):  # the watch knows how long that is to be borne
                    story = await stories.of(latest)
                    canvas.draw(story)
                    if asking is not None and not arrived:
                        asking.look(story, time.time())
                if arrived:
                    return latest
    except TimeoutError:
        raise too_late(latest, timeout) from None
    raise CliError(f"Task {task.name} was deleted meanwhile", None, ExitCode.NOT_FOUND)


def too_late(latest: Task, timeout: float | None) -> CliError:
    """The time to wait is over."""
    message = f"Task {latest.name} was waited for in vain for {timeout:g} s: it is {latest.state}"
    hint = f"see what it waits for: kubesaga explain {latest.name} -n {latest.namespace}"
    return CliError(message, hint, ExitCode.TIMEOUT)


async def _ticking(saga: AsyncKubesaga, name: str, pause: float) -> AsyncGenerator[Task, None]:
    """The Task with every change, and again when nothing was heard for ``pause`` seconds."""
    import asyncio

    news: asyncio.Queue[Task | None] = asyncio.Queue()

    async def listen() -> None:
        try:
            async for task in saga.watch(name):
                news.put_nowait(task)
        finally:
            news.put_nowait(None)

    listening = asyncio.create_task(listen())
    latest: Task | None = None
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause if latest is not None else None):
                    latest = await news.get()
            if latest is None:
                break
            yield latest
        await listening
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)  # its connection is given up before the client closes


@contextmanager
def canvas(stream: TextIO, clock: Callable[[], float] = time.time) -> Iterator[Canvas]:
    """A live tree on a terminal, lines elsewhere; for as long as the block runs. ``clock`` is that of the stories."""
    if not is_terminal(stream):
        yield Lines(stream, clock)
        return
    from rich.live import Live

    with Live(console=console(stream), auto_refresh=False) as live:
        yield _Screen(live, clock)


class _Screen:
    """The whole tree, drawn over itself."""

    def __init__(self, live: Live, clock: Callable[[], float]) -> None:
        self._live = live
        self._clock = clock

    def draw(self, story: Story) -> None:
        """Show it as it is now."""
        self._live.update(tree_table(rows(story, self._clock()), self._live.console.width), refresh=True)

    def say(self, text: str) -> None:
        """Above the tree, where it stays."""
        self._live.console.print(text, soft_wrap=True)


class Quiet:
    """Nothing is drawn; what is said goes to stderr."""

    def draw(self, story: Story) -> None:
        """Nobody looks."""

    def say(self, text: str) -> None:
        """On a line of its own."""
        note(text)


class Lines:
    """A line for each row that has changed: for logs of CI, which cannot be drawn over."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._clock = clock
        self._shown: dict[str, tuple[str, str, str]] = {}

    def draw(self, story: Story) -> None:
        """Tell what is new."""
        for name, row in _named(rows(story, self._clock())):
            told = (row.state, row.attempts, row.note)
            if self._shown.get(name) != told and (name in self._shown or row.state != "Pending"):
                print(_line(name, row), file=self._stream, flush=True)
            self._shown[name] = told

    def say(self, text: str) -> None:
        """Between the lines."""
        print(text, file=self._stream, flush=True)


def _named(drawn: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with a name of its own: a step's with those above it, since two children may have steps of one name."""
    above: list[tuple[int, str]] = []
    for row in drawn:
        label = row.label.lstrip(_BRANCHES)
        depth = len(row.label) - len(label)
        above = [each for each in above if each[0] < depth]
        if depth == 0 or label.startswith("Task "):
            yield label, row
        else:
            above.append((depth, label))
            yield "/".join(name for _, name in above).replace("/undo", " undo"), row


def _line(name: str, row: Row) -> str:
    attempt = f", attempt {row.attempts}" if row.attempts.isdigit() else f" {row.attempts}" if row.attempts else ""
    return f"{name}: {row.state}{attempt}" + (f": {row.note}" if row.note else "")
