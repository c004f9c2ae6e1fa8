"""What goes to stdout: tables, JSON, YAML. What is said about it goes to stderr, so that stdout can be piped.

A table has colours and fits the terminal's width if it goes to a terminal, and is plain, whole and stable otherwise.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from kubesaga.cli.options import Format

if TYPE_CHECKING:
    from rich.console import Console

_GAP = "   "


@dataclass
class Table:
    """Rows under headings; ``wide`` names the columns that only ``-o wide`` shows, ``styles`` colours by cell."""

    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    wide: frozenset[str] = frozenset()
    styles: Mapping[str, str] = field(default_factory=dict)

    def add(self, *cells: object) -> None:
        """Add a row; None is an empty cell."""
        self.rows.append(["" if cell is None else str(cell) for cell in cells])

    def narrowed(self) -> Table:
        """The table without its wide columns."""
        kept = [i for i, column in enumerate(self.columns) if column not in self.wide]
        return Table([self.columns[i] for i in kept], [[row[i] for i in kept] for row in self.rows], styles=self.styles)


def show(format_: Format, data: Any, table: Table, names: Iterable[str] = ()) -> None:
    """Show the same thing as ``-o`` asks: ``data`` as JSON or YAML, the table, or the names, one to a line."""
    match format_:
        case Format.JSON:
            print_json(data)
        case Format.YAML:
            print_yaml(data)
        case Format.NAME:
            print_lines(names)
        case Format.WIDE:
            print_table(table)
        case Format.TABLE:
            print_table(table.narrowed())


def print_json(data: Any) -> None:
    """JSON, indented, in the order of the data."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_yaml(data: Any, *, documents: bool = False) -> None:
    """YAML in the order of the data; a list as many documents if ``documents``."""
    import yaml

    parts = data if documents else [data]
    print(yaml.safe_dump_all(parts, sort_keys=False, allow_unicode=True, width=120).rstrip("\n"))


def print_lines(lines: Iterable[str]) -> None:
    """Each on a line of its own."""
    for line in lines:
        print(line)


def note(text: str) -> None:
    """Say something to the human that is no part of the output."""
    print(text, file=sys.stderr)


def print_table(table: Table) -> None:
    """The table, coloured on a terminal; without rows nothing."""
    if not table.rows:
        return
    if is_terminal(sys.stdout):
        _print_rich(table)
        return
    rows = [[column.upper() for column in table.columns], *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    for row in rows:
        print(_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def console(stream: TextIO | None = None) -> Console:
    """A rich console on stdout, or on another stream; without colour if NO_COLOR is set or it is no terminal."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether a human looks at the stream, on something that can place a cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _print_rich(table: Table) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, len(_GAP), 0, 0))
    for column in table.columns:
        shown.add_column(column.upper(), overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(cell, style=table.styles.get(cell, "")) for cell in row))
    console().print(shown)
