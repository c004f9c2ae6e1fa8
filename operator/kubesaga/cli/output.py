"""What goes to stdout: tables, JSON, YAML. What is said about it goes to stderr, so that stdout can be piped.

A table has colours if it goes to a terminal, and is plain otherwise; its lines are whole either way.
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
    print(json.dumps(data, indent=2, ensure_ascii=_lacks_characters(sys.stdout)))


def print_yaml(data: Any, *, documents: bool = False) -> None:
    """YAML in the order of the data; a list as many documents if ``documents``."""
    from kubesaga.cli.yaml_dumper import to_yaml

    print(to_yaml(data if documents else [data], ascii_only=_lacks_characters(sys.stdout)).rstrip("\n"))


def _lacks_characters(stream: TextIO) -> bool:
    """Whether its encoding does not have all of them, so that programs are given escapes."""
    return not (stream.encoding or "utf-8").lower().startswith("utf")


def print_lines(lines: Iterable[str]) -> None:
    """Each on a line of its own."""
    for line in lines:
        print(line)


def note(text: str) -> None:
    """Say something to the human that is no part of the output."""
    print(text, file=sys.stderr)


def print_table(table: Table) -> None:
    """The table, coloured on a terminal; without rows nothing. No line is cut or folded: names are to be copied."""
    if not table.rows:
        return
    header = [column.upper() for column in table.columns]
    widths = [max(len(row[i]) for row in [header, *table.rows]) for i in range(len(header))]
    if is_terminal(sys.stdout):
        _print_coloured(table, header, widths)
        return
    for row in [header, *table.rows]:
        print(_GAP.join(_cells(row, widths)).rstrip())


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _print_coloured(table: Table, header: Sequence[str], widths: Sequence[int]) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(_GAP.join(_cells(header, widths)).rstrip(), style="bold"), soft_wrap=True)
    for row in table.rows:
        cells = zip(row, _cells(row, widths), strict=True)
        line = Text(_GAP).join(Text(padded, style=table.styles.get(cell, "")) for cell, padded in cells)
        line.rstrip()
        out.print(line, soft_wrap=True)


def console(stream: TextIO | None = None) -> Console:
    """A rich console on stdout, or on another stream; without colour if NO_COLOR is set or it is no terminal."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether a human looks at the stream, on something that can place a cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
