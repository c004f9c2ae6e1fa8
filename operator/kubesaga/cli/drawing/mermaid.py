"""The workflow as a Mermaid flowchart, which many Markdown renderers draw."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.cli.drawing.workflow import DrawnStep, Workflow

_SHAPES = {
    "handler": ("(", ")"),
    "container": ("[", "]"),
    "sub-workflow": ("[[", "]]"),
    "approval": ("{{", "}}"),
}
# Mermaid's own entities: `#` begins one, quotes end a label, a backtick makes it Markdown, `<` makes it HTML.
_ENTITIES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}


def as_mermaid(drawn: Workflow) -> str:
    """Rounded boxes are handlers, boxes containers, doubled boxes sub-workflows, hexagons approvals.

    Solid arrows are dependsOn, dotted ones runAfter; steps with a compensation have a thick border.
    """
    lines = ["---", f"title: {_title(drawn.title)}", "---", "flowchart TD"]
    lines += [f"  {line}" for line in _steps(drawn.steps, "s")]
    if drawn.final:
        lines += ['  subgraph f ["finally"]', *(f"    {line}" for line in _steps(drawn.final, "f")), "  end"]
    undone = [f"s{i}" for i, step in enumerate(drawn.steps) if step.undone_by]
    if undone:
        lines += ["  classDef undone stroke-width:3px", f"  class {','.join(undone)} undone"]
    return "\n".join(lines)


def _steps(steps: tuple[DrawnStep, ...], prefix: str) -> Iterator[str]:
    ids = {step.name: f"{prefix}{i}" for i, step in enumerate(steps)}
    for step in steps:
        before, after = _SHAPES.get(step.kind, ("[", "]"))
        yield f'{ids[step.name]}{before}"{_label(step)}"{after}'
    for step in steps:
        yield from (f"{ids[other]} --> {ids[step.name]}" for other in step.depends_on)
        yield from (f"{ids[other]} -.-> {ids[step.name]}" for other in step.run_after)


def _label(step: DrawnStep) -> str:
    lines = [step.name, step.runs or step.kind, ", ".join(step.all_marks)]
    return "<br/>".join(_escaped(line) for line in lines if line)


def _escaped(text: str) -> str:
    return "".join(_ENTITIES.get(character, character if character.isprintable() else " ") for character in text)


def _title(text: str) -> str:
    """A YAML string, since the title stands in a front matter."""
    return '"' + "".join(c for c in text if c.isprintable()).replace("\\", "\\\\").replace('"', '\\"') + '"'
