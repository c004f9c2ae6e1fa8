"""Pages as rich tables for a terminal, with one colour for each kind of state; and as lines for a pipe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubesaga.cli.output import Table
from kubesaga.cli.views.tree import Row

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_GOOD, _BUSY, _BAD, _IDLE = "green", "cyan", "red", "dim"
STYLES = {
    "Complete": _GOOD,
    "Succeeded": _GOOD,
    "ResolvedManually": _GOOD,
    "PartiallySucceeded": "yellow",
    "Skipped": _IDLE,
    "Pending": _IDLE,
    "Error": _BAD,
    "Failed": _BAD,
    "Aborted": _BAD,
    "CompensationFailed": _BAD,
    "BlockedByFailures": _BAD,
    "Compensated": "yellow",
    "Compensating": "yellow",
    "WaitingForRetry": "yellow",
    "Cancelled": _IDLE,
    "InProgress": _BUSY,
    "Enqueued": _BUSY,
    "StepsInProcess": _BUSY,
    "ok": _GOOD,
    "warn": "yellow",
    "fail": _BAD,
}
"""How cells that hold one of these words look."""

_GAP = 3
_SHORTEST = 12
"""To how many characters the name of a step, with the branches before it, may be cut."""

TREE_COLUMNS = ("Step", "State", "Attempts", "Time", "Note")


def tree_lines(rows: Iterable[Row]) -> Table:
    """A tree for ``output.print_table``."""
    table = Table(TREE_COLUMNS, styles=STYLES)
    for row in rows:
        table.add(row.label, row.state, row.attempts, row.time, row.note)
    return table


def tree_table(rows: Iterable[Row], width: int) -> RichTable:
    """A tree for a terminal of this width: each row on one line. Notes are cut first, or left out, then names."""
    from rich.table import Table as RichTable
    from rich.text import Text

    lines = [(row.label, row.state, row.attempts, row.time, row.note) for row in rows]
    shown = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    step, *rest, note = (max(len(column), *(len(line[i]) for line in lines)) for i, column in enumerate(TREE_COLUMNS))
    left = width - sum(rest) - _GAP * len(rest)
    step = min(step, max(_SHORTEST, left))
    room = left - step - _GAP
    # All widths are told to rich: for a column that it may choose itself, it takes others away.
    widths = [step, *rest, *([min(note, room)] if room >= len(TREE_COLUMNS[-1]) else [])]
    for column, each in zip(TREE_COLUMNS, widths, strict=False):
        shown.add_column(column.upper(), no_wrap=True, overflow="ellipsis", min_width=each, max_width=each)
    for label, state, *others in lines:
        coloured = Text(state, style=STYLES.get(state.rpartition("/")[2], ""))
        shown.add_row(label, coloured, *others[: len(widths) - 2])
    return shown
