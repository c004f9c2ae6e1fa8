"""A report as Markdown, for tickets and post-mortems."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubesaga.cli.views.report import Report, Section

_SPECIAL = re.compile(r"([\\|<>\[\]`*])")


def markdown(report: Report) -> str:
    """The whole document, sub-workflows below their parent."""
    return "\n".join(_lines(report, 1)) + "\n"


def _lines(report: Report, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_plain(report.title)}"
    yield ""
    yield from (f"- **{key}:** {_plain(value)}" for key, value in report.summary)
    for section in report.sections:
        yield ""
        yield f"{'#' * (level + 1)} {section.title}"
        yield ""
        yield from _table(section)
    for child in report.children:
        yield ""
        yield from _lines(child, min(level + 1, 5))


def _table(section: Section) -> Iterator[str]:
    if not section.rows:
        yield section.empty
        return
    yield _row(section.columns)
    yield _row(["---"] * len(section.columns))
    yield from (_row([_plain(cell) for cell in row]) for row in section.rows)


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would take for markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
