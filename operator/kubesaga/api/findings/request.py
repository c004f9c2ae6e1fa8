"""What is wrong with a Task's spec beyond its shape.

Which steps its template has, and which of them may be skipped, is the engine's to ask when the Task starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, a_list


def request_findings(spec: Raw, path: str) -> Iterator[Finding]:
    """Findings about ``bypassSteps``."""
    seen: set[str] = set()
    for i, name in enumerate(a_list(spec, "bypassSteps")):
        if isinstance(name, str) and name in seen:
            where = f"{path}.bypassSteps[{i}]"
            yield finding(Code.DUPLICATE_ENTRY, where, f"{name!r} is there twice", "remove one of the two")
        if isinstance(name, str):
            seen.add(name)
