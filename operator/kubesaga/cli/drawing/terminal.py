"""The workflow as text: a line for each step, in layers. Steps of one layer can run side by side."""

from __future__ import annotations

from kubesaga.cli.drawing.workflow import DrawnStep, Workflow
from kubesaga.cli.errors import one_line

_GAP = "  "


def as_text(drawn: Workflow) -> str:
    """Plain ASCII as far as the names are: the layer, the step, its kind, what it runs, marks, whom it waits for."""
    rows = _rows(drawn.layers())
    finals = _rows(drawn.final_layers())
    widths = [max(len(row[i]) for row in (*rows, *finals)) for i in range(len(rows[0]))]
    lines = [f"{drawn.title} ({drawn.about})", ""]
    lines += [_line(row, widths) for row in rows]
    if finals:
        lines += ["finally, when all is over:", *(_line(row, widths) for row in finals)]
    legend = _legend(drawn)
    return one_line_each([*lines, *(["", legend] if legend else [])])


def one_line_each(lines: list[str]) -> str:
    """The lines without what would steer a terminal; spaces are kept."""
    return "\n".join(line if line.isprintable() else one_line(line) for line in lines)


def _rows(layers: list[list[DrawnStep]]) -> list[tuple[str, ...]]:
    return [
        (
            str(number) if place == 0 else "",
            step.name,
            step.kind,
            step.runs,
            " ".join(step.all_marks),
            _waits(step),
        )
        for number, layer in enumerate(layers, start=1)
        for place, step in enumerate(layer)
    ]


def _waits(step: DrawnStep) -> str:
    after = [f"<- {', '.join(step.depends_on)}"] if step.depends_on else []
    order = [f"<~ {', '.join(step.run_after)}"] if step.run_after else []
    return " ".join((*after, *order))


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    shown = [(cell, width) for cell, width in zip(row, widths, strict=True) if width]
    return _GAP.join(cell.ljust(width) for cell, width in shown).rstrip()


def _legend(drawn: Workflow) -> str:
    every = (*drawn.steps, *drawn.final)
    said = [
        "undo: has a compensation" if any(step.undone_by for step in every) else "",
        f"<- {drawn.waits}" if any(step.depends_on for step in every) else "",
        "<~ runAfter" if any(step.run_after for step in every) else "",
    ]
    return "   ".join(filter(None, said))
