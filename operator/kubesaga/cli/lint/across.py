"""What several objects say of each other: names that are taken, Tasks that their templates refuse, sub-workflows in a
circle.

Only what is in the same files is known here. A template that is not among them may be on the cluster, and nothing is
said about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from kubesaga.api import constants as c
from kubesaga.api.compile import effective_context
from kubesaga.api.findings import Code, check_task
from kubesaga.api.findings.finding import did_you_mean, listed
from kubesaga.api.findings.plain import to_plain_json
from kubesaga.api.input_schema import InvalidSchemaError, input_check
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.versions import pick_version
from kubesaga.cli.lint.documents import Document
from kubesaga.cli.lint.places import below_pointer
from kubesaga.cli.lint.problem import LintCode, Problem, Severity
from kubesaga.engine.graph import find_cycle
from kubesaga.engine.vocabulary import IdentityStrategy

_MOST_CYCLES = 10


@dataclass(frozen=True)
class Template:
    """A template that can be read."""

    document: Document
    spec: TaskTemplateSpec

    @property
    def key(self) -> tuple[str, str, str]:
        """What its versions share: namespace, domain and name."""
        return self.document.namespace, self.spec.domain, self.spec.name or self.document.name

    @cached_property
    def identity(self) -> str:
        """``domain/name@version``, with the namespace where one is written."""
        namespace, domain, name = self.key
        return f"{namespace + ':' if namespace else ''}{domain}/{name}@{self.spec.version}"


def check_across(documents: Iterable[Document]) -> list[Problem]:
    """Everything that is wrong between the objects."""
    every = list(documents)
    templates = [template for document in every if (template := _read(document))]
    known = _Known(templates)
    found = [*_same_object(every), *_same_version(templates), *_cycles(templates, known)]
    for document in every:
        if document.kind == c.TASK_KIND and isinstance(document.spec, dict) and not check_task(document.spec):
            found += _request(document, known)
    for template in templates:
        for path, reference in _references(template.spec):
            found += _unknown_version(template.document, path, reference, known)
    return found


class _Known:
    """The templates at hand, by what references name."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self.versions: dict[tuple[str, str, str], dict[str, Template]] = {}
        for template in templates:
            self.versions.setdefault(template.key, {}).setdefault(template.spec.version, template)

    def find(self, namespace: str, reference: dict[str, Any]) -> tuple[dict[str, Template], Template | None]:
        """All versions of the template that a reference names, and the one that it gets."""
        key = (namespace, reference.get("domain") or c.DEFAULT_DOMAIN, reference["name"])
        versions = self.versions.get(key, {})
        picked = pick_version(versions, reference.get("version"))
        return versions, versions[picked] if picked else None


def _read(document: Document) -> Template | None:
    if document.kind != c.TEMPLATE_KIND or not document.name:
        return None
    if to_plain_json(document.spec, "spec")[0] is None:
        return None  # Too large to be read at all.
    try:
        return Template(document, TaskTemplateSpec.read(document.spec))
    except (ValidationError, ValueError, TypeError, AttributeError, RecursionError):
        return None  # Its own findings say why.


def _same_object(documents: list[Document]) -> Iterator[Problem]:
    first: dict[tuple[str, str, str], Document] = {}
    for document in documents:
        if not document.name:
            continue
        other = first.setdefault((document.kind, document.namespace, document.name), document)
        if other is not document:
            message = f"{document.title} is there twice: also in {_where(other, 'metadata.name')}"
            remedy = "give one of the two another name: applied together, the later one replaces the other"
            yield document.problem(LintCode.DUPLICATE_OBJECT, "metadata.name", message, remedy)


def _same_version(templates: list[Template]) -> Iterator[Problem]:
    first: dict[str, Template] = {}
    for template in templates:
        other = first.setdefault(template.identity, template).document
        if other.name != template.document.name:
            message = f"TaskTemplate {other.name} is {template.identity} too: {_where(other, 'spec.version')}"
            remedy = "give one of the two another spec.version or spec.name"
            yield template.document.problem(LintCode.DUPLICATE_VERSION, "spec.version", message, remedy)


def _request(task: Document, known: _Known) -> Iterator[Problem]:
    reference = task.spec["templateRef"]
    _, template = known.find(task.namespace, reference)
    if template is None:
        yield from _unknown_version(task, "spec.templateRef", reference, known)
        return
    spec = template.spec
    if spec.identity_strategy is IdentityStrategy.CALLER_PROVIDED and not task.spec.get("idempotencyKey"):
        message = f"has no idempotencyKey, but {template.identity} has identityStrategy CallerProvided"
        yield task.problem(LintCode.MISSING_IDEMPOTENCY_KEY, "spec.idempotencyKey", message, "give it one")
    yield from _bypassed(task, template)
    yield from _context(task, template)


def _context(task: Document, template: Template) -> Iterator[Problem]:
    if template.spec.input_schema is None:
        return
    context = effective_context(template.spec, task.spec)
    try:
        violations = input_check(template.spec.input_schema)(context)
    except InvalidSchemaError:
        return  # The template's own findings say why.
    for violation in violations:
        path = below_pointer("spec.context", violation.pointer, task.spec.get("context"))
        message = f"{violation.message} ({violation.pointer or '/'} by the inputSchema of {template.identity})"
        yield task.problem(LintCode.INVALID_CONTEXT, path, message, "correct the context, or ask for another version")


def _bypassed(task: Document, template: Template) -> Iterator[Problem]:
    steps = {step.name: step for step in template.spec.steps}
    for i, name in enumerate(task.spec.get("bypassSteps") or ()):
        path = f"spec.bypassSteps[{i}]"
        if name not in steps:
            meant = did_you_mean(name, steps)
            remedy = f"did you mean {meant}?" if meant else f"the steps are: {listed(steps)}"
            yield task.problem(Code.UNKNOWN_STEP, path, f"{template.identity} has no step {name!r}", remedy)
        elif not steps[name].skippable:
            message = f"step {name!r} of {template.identity} is not skippable"
            yield task.problem(Code.UNKNOWN_STEP, path, message, "remove it, or make the step skippable")


def _unknown_version(document: Document, path: str, reference: dict[str, Any], known: _Known) -> Iterator[Problem]:
    versions, template = known.find(document.namespace, reference)
    if versions and template is None:
        wanted = reference.get("version") or "any release"
        message = f"none of the versions of {reference['name']} in these files is {wanted}: {listed(versions)}"
        remedy = "correct the version, unless the cluster has one that fits"
        yield document.problem(LintCode.UNKNOWN_VERSION, path, message, remedy, Severity.WARNING)


def _references(spec: TaskTemplateSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where a template refers to another, and to which."""
    for i, step in enumerate(spec.steps):
        if step.task is not None:
            yield f"spec.steps[{i}].task.templateRef", step.task.template_ref.write()


def _cycles(templates: list[Template], known: _Known) -> Iterator[Problem]:
    edges: dict[str, list[str]] = {template.identity: [] for template in templates}
    places: dict[tuple[str, str], tuple[Document, str]] = {}
    for template in templates:
        for path, reference in _references(template.spec):
            _, child = known.find(template.document.namespace, reference)
            # One that runs itself has a finding of its own.
            if child is not None and child.key != template.key:
                edges[template.identity].append(child.identity)
                places.setdefault((template.identity, child.identity), (template.document, path))
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(edges)
        if cycle is None:
            return
        last, first = cycle[-2], cycle[-1]
        document, path = places[last, first]
        message = f"these templates run each other without end: {' -> '.join(cycle)}"
        yield document.problem(Code.SUB_WORKFLOW_CYCLE, path, message, "remove one of these sub-workflows")
        edges[last] = [other for other in edges[last] if other != first]


def _where(document: Document, path: str) -> str:
    line, column = document.place(path)
    return f"{document.file}:{line}:{column}"
