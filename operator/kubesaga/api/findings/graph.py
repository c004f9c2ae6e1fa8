"""What is wrong with the steps as a graph: names that are not unique or not there, and cycles."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.raw import Raw, a_list, objects
from kubesaga.engine.graph import find_cycle

_MOST_CYCLES = 10


def graph_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about ``steps[].name``, ``dependsOn`` and ``runAfter``."""
    steps = [(i, step) for i, step in objects(spec, "steps") if isinstance(step.get("name"), str)]
    first: dict[str, int] = {}
    for i, step in steps:
        first.setdefault(step["name"], i)
    found = [
        finding(
            Code.DUPLICATE_STEP,
            f"{path}.steps[{i}].name",
            f"{step['name']!r} is already the name of steps[{first[step['name']]}]",
            "give each step a name of its own",
        )
        for i, step in steps
        if first[step["name"]] != i
    ]
    for i, step in steps:
        found += _dependency_findings(step, f"{path}.steps[{i}]", list(first))
    found += _cycle_findings([step for i, step in steps if first[step["name"]] == i], first, path)
    return found


def _dependencies(step: Raw) -> Iterator[tuple[str, int, str]]:
    for field in ("dependsOn", "runAfter"):
        for i, other in enumerate(a_list(step, field)):
            if isinstance(other, str):
                yield field, i, other


def _dependency_findings(step: Raw, path: str, names: list[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for field, i, other in _dependencies(step):
        where = f"{path}.{field}[{i}]"
        if other == step["name"]:
            yield finding(Code.SELF_DEPENDENCY, where, f"step {other!r} waits for itself", "remove it")
        elif other not in names:
            meant = did_you_mean(other, (name for name in names if name != step["name"]))
            remedy = f"did you mean {meant}?" if meant else f"the steps are: {listed(names)}"
            yield finding(Code.UNKNOWN_DEPENDENCY, where, f"there is no step {other!r}", remedy)
        elif other in seen:
            yield finding(
                Code.DUPLICATE_DEPENDENCY,
                where,
                f"{other!r} already stands in {seen[other]}",
                "remove one of the two",
            )
        seen.setdefault(other, field)


def _cycle_findings(steps: list[Raw], index: dict[str, int], path: str) -> Iterator[Finding]:
    edges = {step["name"]: [other for _, _, other in _dependencies(step) if other != step["name"]] for step in steps}
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(edges)
        if cycle is None:
            return
        yield finding(
            Code.DEPENDENCY_CYCLE,
            f"{path}.steps[{index[cycle[0]]}]",
            "these steps wait for each other: " + " -> ".join(cycle),
            "remove one of these dependencies",
        )
        # Without its last edge the cycle is open, and the next search finds another one.
        edges[cycle[-2]] = [other for other in edges[cycle[-2]] if other != cycle[-1]]
