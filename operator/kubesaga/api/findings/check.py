"""The three checks: of a TaskTemplate's spec, of a Task's and of a TaskAction's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import MAX_FINDINGS
from kubesaga.api.findings.action import action_findings
from kubesaga.api.findings.children import child_findings
from kubesaga.api.findings.environments import environment_findings
from kubesaga.api.findings.expressions import expression_findings
from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.graph import graph_findings
from kubesaga.api.findings.images import image_findings
from kubesaga.api.findings.lifecycle import lifecycle_findings
from kubesaga.api.findings.plain import to_plain_json
from kubesaga.api.findings.pods import pod_findings
from kubesaga.api.findings.programs import program_findings
from kubesaga.api.findings.raw import Raw
from kubesaga.api.findings.request import request_findings
from kubesaga.api.findings.retry import retry_findings
from kubesaga.api.findings.schema import schema_findings
from kubesaga.api.findings.shape import shape_findings
from kubesaga.api.models import TaskActionSpec, TaskSpec, TaskTemplateSpec
from kubesaga.api.models.base import Model

_PARTS = (
    graph_findings,
    program_findings,
    retry_findings,
    pod_findings,
    schema_findings,
    expression_findings,
    environment_findings,
    lifecycle_findings,
)


def check_template(
    spec: Mapping[str, Any] | TaskTemplateSpec,
    path: str = "spec",
    *,
    default_image: str | None = None,
    name: str | None = None,
) -> list[Finding]:
    """Everything that is wrong with a TaskTemplate's spec, as the user wrote it or read; never raises.

    ``path`` is what the findings' paths begin with; ``default_image`` is the operator's, for steps without one;
    ``name`` is the object's metadata.name. At most 100 findings; the last one then says how many are left out.
    """
    plain, found = _plain(spec, path)
    if plain is None:
        return found
    found += shape_findings(TaskTemplateSpec, plain, path)
    for part in _PARTS:
        found += part(plain, path)
    found += image_findings(plain, path, default_image)
    found += child_findings(plain, path, name)
    return _bounded(found, path)


def check_task(spec: Mapping[str, Any] | TaskSpec, path: str = "spec") -> list[Finding]:
    """Everything that is wrong with a Task's spec by itself; never raises.

    Whether its context is right is for the template's inputSchema to say.
    """
    plain, found = _plain(spec, path)
    if plain is None:
        return found
    found += shape_findings(TaskSpec, plain, path)
    found += request_findings(plain, path)
    return _bounded(found, path)


def check_action(spec: Mapping[str, Any], path: str = "spec") -> list[Finding]:
    """Everything that is wrong with a TaskAction's spec, as it was written, by itself; never raises.

    Whether it fits the Task's state is for the engine to say.
    """
    plain, found = _plain(spec, path)
    if plain is None:
        return found
    found += shape_findings(TaskActionSpec, plain, path)
    found += action_findings(plain, path)
    return _bounded(found, path)


def _plain(spec: Mapping[str, Any] | Model, path: str) -> tuple[Raw | None, list[Finding]]:
    """The document as plain JSON values, or None if it is none at all."""
    plain, found = to_plain_json(spec.write() if isinstance(spec, Model) else spec, path)
    if isinstance(plain, dict):
        return plain, found
    return None, found or [
        finding(Code.INVALID_FIELD, path, "is not an object", "write fields and their values below it")
    ]


def _bounded(found: list[Finding], path: str) -> list[Finding]:
    unique = list(dict.fromkeys(found))
    rest = len(unique) - (MAX_FINDINGS - 1)
    if rest <= 1:
        return unique
    more = finding(
        Code.TOO_MANY_FINDINGS,
        path,
        f"{rest} more findings are not listed",
        "correct the others and check again",
    )
    return [*unique[: MAX_FINDINGS - 1], more]
