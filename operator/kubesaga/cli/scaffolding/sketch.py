"""What a template asks of the code behind it: which handlers with which methods, and what they may be given.

Read by the generators of handlers, tests and types from a template's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.findings import check_template
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.inputs import parse_documents, read_text, shown_name

_ANY_IMAGE = "any"


@dataclass(frozen=True, slots=True)
class StepSketch:
    """One step with a handler: its name, callable and config, what is before it, what it makes, how it is undone."""

    name: str
    description: str
    callable: str
    method: str
    config: Mapping[str, Any]
    before: tuple[str, ...]
    result_schema: Mapping[str, Any] | None
    undone: bool
    """Whether its own handler undoes it, by the method `compensate`."""
    of: str | None = None
    """The step that it undoes, where it is a compensation with a handler of its own."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A template: its names, schemas and steps with handlers, in the order of the file."""

    name: str
    domain: str
    version: str
    input_schema: Mapping[str, Any] | None
    output_schema: Mapping[str, Any] | None
    steps: tuple[StepSketch, ...]
    result_schemas: Mapping[str, Mapping[str, Any]]
    """By step, of whatever kind."""
    programs: tuple[str, ...]
    """The steps that run a handler or a container, those of `finally` too."""
    open_ended: bool
    """Whether it runs other templates, or waits for a human."""


def read_sketches(path: str) -> list[Sketch]:
    """The templates of a file. Raises CliError if there is none, or one that the operator would refuse."""
    name = shown_name(path)
    documents = parse_documents(read_text(path), name)
    templates = [each for each in documents if isinstance(each, dict) and each.get("kind") == c.TEMPLATE_KIND]
    if not templates:
        raise CliError(f"{name}: has no {c.TEMPLATE_KIND}", "name a file with a template")
    return [_sketch(each, name) for each in templates]


def _sketch(manifest: Mapping[str, Any], file: str) -> Sketch:
    metadata, spec = manifest.get("metadata"), manifest.get("spec")
    title = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(spec, Mapping):
        raise CliError(f"{file}: template {title} has no spec", "write it, or start from `kubesaga generate template`")
    found = check_template(spec, default_image=_ANY_IMAGE, name=title if isinstance(title, str) else None)
    if found:
        raise CliError(f"{file}: {found[0]}", f"see all of it: kubesaga lint {file}", ExitCode.NO)
    model = TaskTemplateSpec.read(spec)
    return Sketch(
        name=model.name or str(title),
        domain=model.domain,
        version=model.version,
        input_schema=model.input_schema,
        output_schema=model.output_schema,
        steps=tuple(_steps(model)),
        result_schemas={step.name: step.result_schema for step in model.steps if step.result_schema},
        programs=tuple(step.name for step in (*model.steps, *(model.finally_ or ())) if step.handler or step.container),
        open_ended=any(step.task or step.approval for step in model.steps),
    )


def _steps(model: TaskTemplateSpec) -> Iterator[StepSketch]:
    before = {step.name: [*(step.depends_on or ()), *(step.run_after or ())] for step in model.steps}
    for step in model.steps:
        ancestors = tuple(name for name in before if name in _all_before(step.name, before))
        if step.handler:
            yield StepSketch(
                name=step.name,
                description=step.description or "",
                callable=step.handler.callable,
                method=step.handler.method,
                config=step.handler.config or {},
                before=ancestors,
                result_schema=step.result_schema,
                undone=_undone_by_itself(step.compensation),
            )
        undo = step.compensation.handler if step.compensation else None
        if undo:
            yield StepSketch(
                name=f"{step.name}_compensation",
                description=f"Undoes {step.name}.",
                callable=undo.callable,
                method=undo.method,
                config=undo.config or {},
                before=ancestors,
                result_schema=None,
                undone=False,
                of=step.name,
            )
    for last in model.finally_ or ():
        if last.handler:
            yield StepSketch(
                name=last.name,
                description=last.description or "",
                callable=last.handler.callable,
                method=last.handler.method,
                config=last.handler.config or {},
                before=tuple(before),
                result_schema=None,
                undone=False,
            )


def _undone_by_itself(compensation: Any) -> bool:
    return compensation is not None and compensation.handler is None and compensation.container is None


def _all_before(step: str, before: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(before[step])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += before.get(name, [])
    return found
