"""What is drawn: steps in layers, what each runs, whom it waits for; and the same for their undoing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubesaga.api.constants import COMPENSATION_METHOD, DEFAULT_DOMAIN, DEFAULT_METHOD
from kubesaga.api.findings.raw import a_list, an_object, has, objects
from kubesaga.engine.graph import Graph, GraphError

_KINDS = {"handler": "handler", "container": "container", "task": "sub-workflow", "approval": "approval"}
_MARKS = ("when", "skippable", "continueOnError")


@dataclass(frozen=True)
class DrawnStep:
    """One step.

    ``runs`` is what it runs (a callable, an image, a template), ``undone_by`` the kind and that of its compensation;
    ``marks`` say what is special about it.
    """

    name: str
    kind: str
    runs: str
    depends_on: tuple[str, ...] = ()
    run_after: tuple[str, ...] = ()
    undone_by: tuple[str, str] | None = None
    marks: tuple[str, ...] = ()

    @property
    def all_marks(self) -> tuple[str, ...]:
        """The marks, first whether it has a compensation."""
        return ("undo", *self.marks) if self.undone_by else self.marks


@dataclass(frozen=True)
class Workflow:
    """A title, the steps, and apart from them those of finally; ``waits`` is what ``depends_on`` means."""

    title: str
    about: str
    steps: tuple[DrawnStep, ...]
    final: tuple[DrawnStep, ...] = ()
    waits: str = "dependsOn"

    @cached_property
    def graph(self) -> Graph:
        """The steps without those of finally."""
        return _graph(self.steps)

    def layers(self) -> list[list[DrawnStep]]:
        """The steps by how many others must be over before them, one after the other."""
        return _layers(self.steps, self.graph)

    def final_layers(self) -> list[list[DrawnStep]]:
        """The same for finally."""
        return _layers(self.final, _graph(self.final))


def workflow(spec: Mapping[str, Any], name: str | None = None) -> Workflow:
    """What is to be drawn of a TaskTemplate's spec. Raises GraphError if the steps form no graph."""
    written = dict(spec)
    identity = f"{written.get('domain') or DEFAULT_DOMAIN}/{written.get('name') or name or '?'}"
    version = written.get("version")
    steps = tuple(_steps(written, "steps"))
    if not steps:
        raise GraphError("the template has no steps")
    about = f"{len(steps)} step{'s' if len(steps) != 1 else ''}"
    drawn = Workflow(
        title=f"{identity}@{version}" if version else identity,
        about=f"{about}, failureStrategy {written.get('failureStrategy') or 'Abort'}",
        steps=steps,
        final=tuple(_steps(written, "finally")),
    )
    drawn.layers()
    drawn.final_layers()
    return drawn


def undoing(drawn: Workflow) -> Workflow:
    """The compensations that run when every step was done, each waiting for those of the steps after it."""
    graph = drawn.graph
    due = frozenset(i for i, step in enumerate(drawn.steps) if step.undone_by)
    if not due:
        raise GraphError("no step of the template has a compensation")
    steps = tuple(
        DrawnStep(
            drawn.steps[i].name,
            *(drawn.steps[i].undone_by or ("", "")),
            depends_on=tuple(graph.names[j] for j in graph.nearest_descendants(i, among=due)),
        )
        for i in reversed(graph.order)
        if i in due
    )
    about = f"{len(due)} of {len(drawn.steps)} steps have a compensation"
    return Workflow(f"undoing {drawn.title}", about, steps, waits="after the undoing of")


def _steps(spec: dict[str, Any], field: str) -> Iterator[DrawnStep]:
    image = str(an_object(spec, "defaults").get("image") or "")
    for i, step in objects(spec, field):
        key = next((each for each in _KINDS if has(step, each)), "")
        yield DrawnStep(
            name=str(step.get("name") or f"step {i + 1}"),
            kind=_KINDS.get(key, "nothing"),
            runs=_runs(an_object(step, key), key, image),
            depends_on=_names(step, "dependsOn"),
            run_after=_names(step, "runAfter"),
            undone_by=_undone_by(step, key, image) if field == "steps" else None,
            marks=tuple(mark for mark in _MARKS if step.get(mark)),
        )


def _runs(program: dict[str, Any], key: str, image: str, method: str = DEFAULT_METHOD) -> str:
    match key:
        case "handler":
            method = str(program.get("method") or method)
            return f"{program.get('callable') or ''}{'' if method == DEFAULT_METHOD else f'.{method}'}"
        case "container":
            return str(program.get("image") or image)
        case "task":
            reference = an_object(program, "templateRef")
            name = f"{reference.get('domain') or DEFAULT_DOMAIN}/{reference.get('name')}"
            return f"{name}@{reference['version']}" if has(reference, "version") else name
        case "approval" if has(program, "timeout"):
            return f"within {program['timeout']}"
    return ""


def _undone_by(step: dict[str, Any], key: str, image: str) -> tuple[str, str] | None:
    """The kind of a step's compensation, and what it runs; None if there is none."""
    compensation = an_object(step, "compensation")
    for own in ("handler", "container"):
        if has(compensation, own):
            return own, _runs(an_object(compensation, own), own, image)
    if key == "task":  # Undone by its child Task, without being asked.
        return _KINDS[key], _runs(an_object(step, key), key, image)
    if not has(step, "compensation"):
        return None
    program = {"callable": an_object(step, key).get("callable")}
    return _KINDS.get(key, "nothing"), _runs(program, key, image, COMPENSATION_METHOD)


def _names(step: dict[str, Any], field: str) -> tuple[str, ...]:
    return tuple(str(name) for name in a_list(step, field))


def _graph(steps: tuple[DrawnStep, ...]) -> Graph:
    return Graph.of([(step.name, step.depends_on, step.run_after) for step in steps])


def _layers(steps: tuple[DrawnStep, ...], graph: Graph) -> list[list[DrawnStep]]:
    depth = [0] * len(steps)
    for i in graph.order:
        depth[i] = max((depth[parent] + 1 for parent in graph.parents[i]), default=0)
    layers: list[list[DrawnStep]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for i, step in enumerate(steps):
        layers[depth[i]].append(step)
    return layers
