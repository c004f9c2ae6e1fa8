"""What is wrong with a template's JSON Schemas: of its input, its output, and its steps' results."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, an_object, objects
from kubesaga.api.input_schema import schema_problems


def schema_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about each schema; their messages begin with the JSON pointer into the schema."""
    found = [*_findings(spec, "inputSchema", path, Code.INVALID_INPUT_SCHEMA)]
    found += _findings(spec, "outputSchema", path, Code.INVALID_OUTPUT_SCHEMA)
    for i, step in objects(spec, "steps"):
        found += _findings(step, "resultSchema", f"{path}.steps[{i}]", Code.INVALID_RESULT_SCHEMA)
    return found


def _findings(owner: Raw, field: str, path: str, code: Code) -> Iterator[Finding]:
    schema = an_object(owner, field)
    if not schema:
        return
    for problem in schema_problems(schema):
        yield finding(
            Code.REMOTE_REFERENCE if problem.remote else code,
            f"{path}.{field}",
            f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message,
            problem.remedy,
        )
