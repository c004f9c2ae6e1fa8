"""The workflow in DOT, Graphviz' language."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.cli.drawing.workflow import DrawnStep, Workflow

_SHAPES = {
    "handler": 'shape=box style="rounded"',
    "container": "shape=box",
    "sub-workflow": "shape=box peripheries=2",
    "approval": "shape=hexagon",
}


def as_dot(drawn: Workflow) -> str:
    """The same shapes and arrows as in Mermaid; runAfter is dashed, finally a cluster of its own."""
    lines = [
        f"digraph {_quoted(drawn.title)} {{",
        f"  label={_quoted(drawn.title)}",
        "  labelloc=t",
        "  rankdir=TB",
        '  node [fontname="sans-serif"]',
        *(f"  {line}" for line in _steps(drawn.steps, "s")),
    ]
    if drawn.final:
        inner = ('label="finally"', 'style="dashed"', *_steps(drawn.final, "f"))
        lines += ["  subgraph cluster_finally {", *(f"    {line}" for line in inner), "  }"]
    return "\n".join([*lines, "}"])


def _steps(steps: tuple[DrawnStep, ...], prefix: str) -> Iterator[str]:
    ids = {step.name: f"{prefix}{i}" for i, step in enumerate(steps)}
    for step in steps:
        width = " penwidth=3" if step.undone_by else ""
        yield f"{ids[step.name]} [label={_quoted(*_lines(step))} {_SHAPES.get(step.kind, 'shape=box')}{width}]"
    for step in steps:
        yield from (f"{ids[other]} -> {ids[step.name]}" for other in step.depends_on)
        yield from (f"{ids[other]} -> {ids[step.name]} [style=dashed]" for other in step.run_after)


def _lines(step: DrawnStep) -> Iterator[str]:
    yield step.name
    yield step.runs or step.kind
    if step.all_marks:
        yield ", ".join(step.all_marks)


def _quoted(*lines: str) -> str:
    return '"' + r"\n".join(_escaped(line) for line in lines) + '"'


def _escaped(text: str) -> str:
    kept = "".join(character for character in text if character.isprintable())
    return kept.replace("\\", "\\\\").replace('"', '\\"')
