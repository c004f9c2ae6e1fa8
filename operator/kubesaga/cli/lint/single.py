"""What is wrong with one object: what the API server says of any object, and the operator's findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from kubesaga.api import constants as c
from kubesaga.api.environments import in_environment
from kubesaga.api.findings import Code, Finding, check_action, check_task, check_template
from kubesaga.api.findings.finding import did_you_mean
from kubesaga.api.findings.plain import to_plain_json
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.models.base import is_logical_name
from kubesaga.api.object_names import MAX_TASK_NAME, is_object_name
from kubesaga.cli.lint.documents import Document
from kubesaga.cli.lint.places import below_pointer, value_at
from kubesaga.cli.lint.problem import Problem, Severity

_KINDS = (c.TEMPLATE_KIND, c.TASK_KIND, c.ACTION_KIND)
_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
# The operator may have a default image.
_WARNINGS = frozenset({Code.MISSING_IMAGE})
_IN_A_SCHEMA = re.compile(r"(/\S*): ")


def check_object(document: Document, environment: str | None = None) -> list[Problem]:
    """Everything that is wrong with the object by itself; a template also as it is in ``environment``."""
    if document.kind not in _KINDS:
        meant = did_you_mean(document.kind, _KINDS)
        remedy = f"did you mean {meant}?" if meant else f"the kinds are: {', '.join(_KINDS)}"
        return [document.problem(Code.INVALID_FIELD, "kind", f"{c.GROUP} has no kind {document.kind!r:.100}", remedy)]
    found = [*_of_any_object(document)]
    found += [_problem(document, each) for each in _findings(document, environment)]
    return found


def _findings(document: Document, environment: str | None) -> list[Finding]:
    spec = document.spec
    if not isinstance(spec, dict):
        return []  # Said by _of_any_object.
    match document.kind:
        case c.TASK_KIND:
            return check_task(spec)
        case c.ACTION_KIND:
            return check_action(spec)
    found = check_template(spec, name=document.name or None)
    return found or _in_environment(spec, environment, document.name or None)


def _in_environment(spec: dict[str, Any], environment: str | None, name: str | None) -> list[Finding]:
    """What is wrong only with what the template becomes in the environment."""
    if environment is None:
        return []
    try:
        template = in_environment(TaskTemplateSpec.read(spec), environment)
    except ValidationError:  # It has findings of its shape then.
        return []
    return [
        replace(each, message=f"{each.message} (in environment {environment})")
        for each in check_template(template, name=name)
    ]


def _problem(document: Document, found: Finding) -> Problem:
    path = found.path
    pointer = _IN_A_SCHEMA.match(found.message)
    if pointer and path.endswith("Schema"):
        path = below_pointer(path, pointer[1], value_at(document.value, path))
    severity = Severity.WARNING if found.code in _WARNINGS else Severity.ERROR
    line, column = document.place(path)
    return Problem(
        severity, found.code, document.file, line, column, document.title, found.path, found.message, found.remedy
    )


def _of_any_object(document: Document) -> Iterator[Problem]:
    value = document.value
    version = value.get("apiVersion")
    if version != c.API_VERSION:
        message = "is required" if version is None else f"{version} is not served"
        yield document.problem(Code.INVALID_FIELD, "apiVersion", message, f"write {c.API_VERSION}")
    for field in value:
        if field not in _FIELDS:
            meant = did_you_mean(str(field), _FIELDS)
            remedy = f"did you mean {meant}?" if meant else "remove it: what a user writes stands in spec"
            yield document.problem(Code.INVALID_FIELD, str(field), "unknown field", remedy)
    if not isinstance(value.get("spec"), dict):
        said = "is required" if value.get("spec") is None else "is not an object"
        yield document.problem(Code.INVALID_FIELD, "spec", said, "write fields and their values below it")
    _, odd = to_plain_json(value.get("metadata"), "metadata")
    yield from (_problem(document, each) for each in odd)
    yield from _of_the_name(document)


def _of_the_name(document: Document) -> Iterator[Problem]:
    metadata = document.value.get("metadata")
    where = "metadata.name"
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if name is None:
        if not (isinstance(metadata, dict) and metadata.get("generateName")):
            yield document.problem(Code.INVALID_FIELD, where, "is required", "give the object a name")
        return
    if not isinstance(name, str) or not is_object_name(name):
        remedy = "write lower-case letters, digits, - and ., first and last a letter or digit"
        yield document.problem(Code.INVALID_FIELD, where, f"{name!r:.100} is no object's name", remedy)
        return
    if document.kind == c.TASK_KIND and len(name) > MAX_TASK_NAME:
        message = f"has {len(name)} characters, but it becomes a label"
        yield document.problem(Code.INVALID_FIELD, where, message, f"write at most {MAX_TASK_NAME}")
    lacks_name = isinstance(document.spec, dict) and document.spec.get("name") is None
    if document.kind == c.TEMPLATE_KIND and lacks_name and not is_logical_name(name):
        message = f"{name!r:.100} is no logical name (it has a dot, or starts with a digit)"
        yield document.problem(Code.INVALID_FIELD, where, message, "give spec.name")
