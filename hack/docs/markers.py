"""Pages of which parts are generated: what stands between two markers is made anew, the rest is written by hand.

Called by the programs that make these parts, ``states`` and ``cli``.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class MarkerError(Exception):
    """The page lacks a marker, so that nobody knows where a part belongs."""


def with_parts(page: str, parts: Mapping[str, str]) -> str:
    """The page with its parts replaced, each between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``.

    Raises MarkerError.
    """
    for name, content in parts.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise MarkerError(f"the page must have one `{begin}` with one `{end}` below it, each on its own line")
        page = pattern.sub(lambda markers, text=content: f"{markers[1]}\n{text}\n{markers[2]}", page)  # type: ignore[misc]
    return page


def write_or_compare(
    generated: Callable[[str], str], default: Path, arguments: Sequence[str] | None, *, program: str, about: str | None
) -> int:
    """The command line of such a program. Exit code 1 if ``--check`` finds a difference, else 0."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--check", action="store_true", help="compare only, print what differs, exit with 1 if so")
    parser.add_argument("--page", type=Path, default=default, help=f"the page (default: docs/{default.name})")
    options = parser.parse_args(arguments)
    found = options.page.read_text(encoding="utf-8")
    expected = generated(found)
    if not options.check:
        options.page.write_text(expected, encoding="utf-8")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            found.splitlines(keepends=True),
            expected.splitlines(keepends=True),
            fromfile=f"{options.page} (as it is)",
            tofile=f"{options.page} (as the sources say; run `make generate`)",
        )
    )
    return int(found != expected)
