"""What is wrong with a template's inputSchema."""

from __future__ import annotations

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, an_object
from kubesaga.api.input_schema import schema_problems


def input_schema_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about ``inputSchema``; their messages begin with the JSON pointer into the schema."""
    return [
        finding(
            Code.REMOTE_REFERENCE if problem.remote else Code.INVALID_INPUT_SCHEMA,
            f"{path}.inputSchema",
            f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message,
            problem.remedy,
        )
        for problem in schema_problems(an_object(spec, "inputSchema"))
    ]
