"""A report as one HTML file that needs nothing beside it: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from kubesaga.cli.views.report import Bar, Report, Section

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2024; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; vertical-align: top; }
th { border-bottom: 2px solid #c8ccd0; } td { border-bottom: 1px solid #e6e8ea; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; }
.bars { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; align-items: center; }
.lane { position: relative; height: 1rem; background: #f2f4f5; }
.bar { position: absolute; top: 0; bottom: 0; min-width: 2px; background: #3b7dd8; }
.bar.bad { background: #d64545; } .bar.undo { background: #b58a2b; }
.child { border-left: 4px solid #c8ccd0; padding-left: 1.2rem; margin-top: 2.5rem; }
@media (prefers-color-scheme: dark) {
  body { background: #16191c; color: #e4e7ea; } th { border-color: #4a5056; } td { border-color: #2c3136; }
  .lane { background: #22272b; }
}
"""


def html_page(report: Report) -> str:
    """The whole page."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            f'<head><meta charset="utf-8"><title>{escape(report.title)}</title><style>{_STYLE}</style></head>',
            "<body>",
            *_body(report),
            "</body>",
            "</html>",
            "",
        ]
    )


def _body(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(report.title)}</h1>"
    yield "<dl>"
    yield from (f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in report.summary)
    yield "</dl>"
    if report.bars:
        yield '<h2>The run</h2><div class="bars">'
        yield from (_bar(bar) for bar in report.bars)
        yield "</div>"
    for section in report.sections:
        yield from _section(section)
    for child in report.children:
        yield '<div class="child">'
        yield from _body(child)
        yield "</div>"


def _bar(bar: Bar) -> str:
    kind = "bar" + (" undo" if bar.undo else "") + ("" if bar.good else " bad")
    style = f"left:{100 * bar.begin:.2f}%;width:{100 * (bar.end - bar.begin):.2f}%"
    return f'<span>{escape(bar.label)}</span><div class="lane"><div class="{kind}" style="{style}"></div></div>'


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    if not section.rows:
        yield f"<p>{escape(section.empty)}</p>"
        return
    yield "<table><thead><tr>"
    yield "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    yield "</tr></thead><tbody>"
    for row in section.rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"
