"""What is wrong with CEL expressions: their grammar, and the steps that they look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kubesaga.api.constants import MAX_EXPRESSION
from kubesaga.api.expressions import VARIABLES, check_expression
from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.graph import ancestors, edges, named_steps
from kubesaga.api.findings.plain import below
from kubesaga.api.findings.raw import Raw, an_object, has, step_names


@dataclass(frozen=True, slots=True)
class _Sight:
    """Which steps an expression sees, of which there are; ``remedy`` for one that it does not see."""

    seen: Collection[str]
    all: Collection[str]
    remedy: str


def expression_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about ``when``, ``contextFrom`` and ``output``."""
    forward, everything = step_names(spec, "steps"), step_names(spec, "steps", "finally")
    of_output = _Sight(forward, everything, "leave it out: the output is made before the steps of finally run")
    found = [*_findings(spec.get("output"), of_output, f"{path}.output")]
    for field, seen_by_all in (("steps", ()), ("finally", forward)):
        waits_for = edges(named_steps(spec, field))
        for i, step in named_steps(spec, field):
            sources = list(_sources(step, f"{path}.{field}[{i}]"))
            if not sources:
                continue
            sight = _Sight({*seen_by_all, *ancestors(step["name"], waits_for)}, everything, _WAIT)
            for where, source, condition in sources:
                found += _findings(source, sight, where, condition=condition)
    return found


_WAIT = "name it in dependsOn or runAfter, or leave it out: an expression sees the steps before its own only"


def _sources(step: Raw, path: str) -> Iterator[tuple[str, object, bool]]:
    """The step's expressions: path, source, and whether it has to be true or false."""
    if has(step, "when"):
        yield f"{path}.when", step["when"], True
    for name, source in an_object(an_object(step, "task"), "contextFrom").items():
        yield below(f"{path}.task.contextFrom", name), source, False


def _findings(source: object, sight: _Sight, path: str, *, condition: bool = False) -> Iterator[Finding]:
    # What is not text, or is too short or too long, is a matter of its shape.
    if not isinstance(source, str) or not 1 <= len(source) <= MAX_EXPRESSION:
        return
    for problem in check_expression(source, allowed_steps=sight.seen, condition=condition):
        place = f"line {problem.line}, column {problem.column}"
        if problem.step is None:
            remedy = f"see docs/workflow-language.md; the variables are {', '.join(sorted(VARIABLES))}"
            yield finding(Code.INVALID_EXPRESSION, path, f"{place}: {problem.message}", remedy)
        elif problem.step in sight.all:
            message = f"{place}: step {problem.step!r} does not come before"
            yield finding(Code.NOT_AN_ANCESTOR, path, message, sight.remedy)
        else:
            meant = did_you_mean(problem.step, sight.seen)
            remedy = f"did you mean {meant}?" if meant else f"it can see: {listed(sorted(sight.seen)) or 'no step'}"
            yield finding(Code.UNKNOWN_STEP, path, f"{place}: there is no step {problem.step!r}", remedy)
