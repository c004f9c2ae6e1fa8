"""The two checks: of a TaskTemplate's spec and of a Task's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import MAX_FINDINGS
from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.graph import graph_findings
from kubesaga.api.findings.plain import to_plain_json
from kubesaga.api.findings.pods import pod_findings
from kubesaga.api.findings.programs import program_findings
from kubesaga.api.findings.schema import input_schema_findings
from kubesaga.api.findings.shape import shape_findings
from kubesaga.api.models import TaskSpec, TaskTemplateSpec


def check_template(
    spec: Mapping[str, Any] | TaskTemplateSpec, path: str = "spec", *, default_image: str | None = None
) -> list[Finding]:
    """Everything that is wrong with a TaskTemplate's spec, as the user wrote it or read; never raises.

    ``path`` is what the findings' paths begin with; ``default_image`` is the operator's, for steps without
    one. At most 100 findings; the last one then says how many are left out.
    """
    written = spec.write() if isinstance(spec, TaskTemplateSpec) else spec
    plain, found = to_plain_json(written, path)
    if not isinstance(plain, dict):
        return found or [_no_object(path)]
    found += shape_findings(TaskTemplateSpec, plain, path)
    found += graph_findings(plain, path)
    found += program_findings(plain, path, default_image)
    found += pod_findings(plain, path)
    found += input_schema_findings(plain, path)
    return _bounded(found, path)


def check_task(spec: Mapping[str, Any] | TaskSpec, path: str = "spec") -> list[Finding]:
    """Everything that is wrong with a Task's spec by itself; never raises.

    Whether its context is right is for the template's inputSchema to say.
    """
    written = spec.write() if isinstance(spec, TaskSpec) else spec
    plain, found = to_plain_json(written, path)
    if not isinstance(plain, dict):
        return found or [_no_object(path)]
    return _bounded(found + shape_findings(TaskSpec, plain, path), path)


def _no_object(path: str) -> Finding:
    return finding(Code.INVALID_FIELD, path, "is not an object", "write fields and their values below it")


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
