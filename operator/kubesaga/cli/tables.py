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

TREE_COLUMNS = ("Step", "State", "Attempts", "Time", "Note")


def tree_lines(rows: Iterable[Row]) -> Table:
    """A tree for ``output.print_table``."""
    table = Table(TREE_COLUMNS, styles=STYLES)
    for row in rows:
        table.add(row.label, row.state, row.attempts, row.time, row.note)
    return table


def tree_table(rows: Iterable[Row]) -> RichTable:
    """A tree for a live display: each row on one line; where the terminal is narrow, notes are cut."""
    from rich.table import Table as RichTable
    from rich.text import Text

    lines = [(row.label, row.state, row.attempts, row.time, row.note) for row in rows]
    shown = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for i, column in enumerate(TREE_COLUMNS):
        widest = max((len(line[i]) for line in lines), default=0)
        least = None if i == len(TREE_COLUMNS) - 1 else max(widest, len(column))
        shown.add_column(column.upper(), no_wrap=True, overflow="ellipsis", min_width=least)
    for label, state, *rest in lines:
        shown.add_row(label, Text(state, style=STYLES.get(state.rpartition("/")[2], "")), *rest)
    return shown
