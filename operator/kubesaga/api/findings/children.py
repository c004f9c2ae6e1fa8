"""What is wrong with sub-workflows: a template that runs itself, a value that is given twice."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.plain import below
from kubesaga.api.findings.raw import Raw, an_object, called, has, objects


def child_findings(spec: Raw, path: str, object_name: str | None) -> list[Finding]:
    """Findings about ``steps[].task``. ``object_name`` is the template's metadata.name, if it is known.

    A cycle over several templates is found when a child Task starts: any of them may change.
    """
    name = spec.get("name") if has(spec, "name") else object_name
    own = (spec.get("domain") or DEFAULT_DOMAIN, name)
    found: list[Finding] = []
    for i, step in objects(spec, "steps"):
        child, where = an_object(step, "task"), f"{path}.steps[{i}].task"
        reference = an_object(child, "templateRef")
        if name and (reference.get("domain") or DEFAULT_DOMAIN, reference.get("name")) == own:
            found.append(
                finding(
                    Code.SUB_WORKFLOW_CYCLE,
                    f"{where}.templateRef",
                    f"step {called(step, i)} would run this very template, and so without end",
                    "refer to another template",
                )
            )
        found += _given_twice(child, where)
    return found


def _given_twice(child: Raw, path: str) -> Iterator[Finding]:
    values = an_object(child, "context")
    for name in an_object(child, "contextFrom"):
        if name in values:
            yield finding(
                Code.DUPLICATE_ENTRY,
                below(f"{path}.contextFrom", name),
                f"{name!r} is there twice: context has a value for it",
                "remove one of the two",
            )
