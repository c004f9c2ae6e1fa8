"""What is wrong with the steps as a graph: names that are not unique or not there, and cycles.

Two graphs: that of the steps, and that of finally, which begins when the other is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kubesaga.api.constants import MAX_STEPS
from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.raw import Raw, a_list, all_steps, objects, step_names
from kubesaga.engine.graph import find_cycle

_MOST_CYCLES = 10


def graph_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about the names, ``dependsOn`` and ``runAfter`` of all steps."""
    forward, final = step_names(spec, "steps"), step_names(spec, "finally")
    found = [*_number_findings(spec, path), *_name_findings(spec, path)]
    for i, step in named_steps(spec, "steps"):
        found += _dependency_findings(step, f"{path}.steps[{i}]", forward, final, _FINAL_REMEDY)
    for i, step in named_steps(spec, "finally"):
        found += _dependency_findings(step, f"{path}.finally[{i}]", final, forward, _FORWARD_REMEDY)
    for field in ("steps", "finally"):
        found += _cycle_findings(named_steps(spec, field), f"{path}.{field}")
    return found


def named_steps(spec: Raw, field: str) -> Iterator[tuple[int, Raw]]:
    """The steps in this list that have a name, with their indices."""
    return ((i, step) for i, step in objects(spec, field) if isinstance(step.get("name"), str))


def edges(steps: Iterator[tuple[int, Raw]]) -> dict[str, list[str]]:
    """What each step waits for, by name; of two with one name the first counts."""
    found: dict[str, list[str]] = {}
    for _, step in steps:
        found.setdefault(step["name"], [other for _, _, other in _dependencies(step) if other != step["name"]])
    return found


def ancestors(name: str, waits_for: Mapping[str, list[str]]) -> set[str]:
    """All steps before this one, as far as they are there."""
    found: set[str] = set()
    ahead = set(waits_for.get(name, ()))
    while ahead:
        other = ahead.pop()
        if other in waits_for:
            found.add(other)
            ahead |= set(waits_for[other]) - found
    return found


_FINAL_REMEDY = "remove it: {name!r} is a step of finally, and those start when all others are over"
_FORWARD_REMEDY = "remove it: all steps of the workflow are over when finally begins, and their results can be seen"


def _number_findings(spec: Raw, path: str) -> Iterator[Finding]:
    steps, final = len(a_list(spec, "steps")), len(a_list(spec, "finally"))
    # More than that in one list is a matter of its shape.
    if max(steps, final) <= MAX_STEPS < steps + final:
        yield finding(
            Code.TOO_MANY_STEPS,
            f"{path}.finally",
            f"{steps + final} steps together with those of the workflow, of which {MAX_STEPS} are allowed",
            "split the workflow",
        )


def _name_findings(spec: Raw, path: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for where, _, step in all_steps(spec, path):
        name = step.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            yield finding(
                Code.DUPLICATE_STEP,
                f"{where}.name",
                f"{name!r} is already the name of {first[name].removeprefix(f'{path}.')}",
                "give each step a name of its own",
            )
        first.setdefault(name, where)


def _dependencies(step: Raw) -> Iterator[tuple[str, int, str]]:
    for field in ("dependsOn", "runAfter"):
        for i, other in enumerate(a_list(step, field)):
            if isinstance(other, str):
                yield field, i, other


def _dependency_findings(
    step: Raw, path: str, names: Collection[str], others: Collection[str], others_remedy: str
) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for field, i, other in _dependencies(step):
        where = f"{path}.{field}[{i}]"
        if other == step["name"]:
            yield finding(Code.SELF_DEPENDENCY, where, f"step {other!r} waits for itself", "remove it")
        elif other in names:
            if other in seen:
                yield finding(
                    Code.DUPLICATE_DEPENDENCY,
                    where,
                    f"{other!r} already stands in {seen[other]}",
                    "remove one of the two",
                )
        elif other in others:
            message = f"step {step['name']!r} cannot wait for {other!r}"
            yield finding(Code.UNKNOWN_DEPENDENCY, where, message, others_remedy.format(name=other))
        else:
            meant = did_you_mean(other, (name for name in names if name != step["name"]))
            remedy = f"did you mean {meant}?" if meant else f"the steps are: {listed(names)}"
            yield finding(Code.UNKNOWN_DEPENDENCY, where, f"there is no step {other!r}", remedy)
        seen.setdefault(other, field)


def _cycle_findings(steps: Iterator[tuple[int, Raw]], path: str) -> Iterator[Finding]:
    named = list(steps)
    index: dict[str, int] = {}
    for i, step in named:
        index.setdefault(step["name"], i)
    waits_for = edges(iter(named))
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(waits_for)
        if cycle is None:
            return
        yield finding(
            Code.DEPENDENCY_CYCLE,
            f"{path}[{index[cycle[0]]}]",
            "these steps wait for each other: " + " -> ".join(cycle),
            "remove one of these dependencies",
        )
        # Without its last edge the cycle is open, and the next search finds another one.
        waits_for[cycle[-2]] = [other for other in waits_for[cycle[-2]] if other != cycle[-1]]
