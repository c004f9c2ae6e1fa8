"""What is wrong with what a template does differently in an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubesaga.api.constants import ALL_STEPS
from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.plain import below
from kubesaga.api.findings.programs import a_kind, kinds_of
from kubesaga.api.findings.raw import Raw, all_steps, an_object, has, objects
from kubesaga.api.findings.retry import override_findings
from kubesaga.api.models.environments import OVERRIDDEN_NAME_PATTERN

_NAME = re.compile(OVERRIDDEN_NAME_PATTERN)

# What an override may set, and for which kinds of step it means something.
_MEANT_FOR = {
    "handler": ("handler",),
    "retry": ("handler", "container", "task"),
    "timeout": ("handler", "container"),
}


def environment_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about ``environments``."""
    steps = {step["name"]: step for _, _, step in all_steps(spec, path) if isinstance(step.get("name"), str)}
    found: list[Finding] = []
    for name in an_object(spec, "environments"):
        environment = an_object(an_object(spec, "environments"), name)
        seen: set[str] = set()
        for i, override in objects(environment, "steps"):
            where = f"{below(f'{path}.environments', name)}.steps[{i}]"
            found += override_findings(an_object(override, "retry"), f"{where}.retry")
            if isinstance(override.get("name"), str):
                found += _override_findings(override, steps, seen, where)
                seen.add(override["name"])
    return found


def _override_findings(override: Raw, steps: dict[str, Raw], seen: set[str], path: str) -> Iterator[Finding]:
    name = override["name"]
    if name in seen:
        yield finding(Code.DUPLICATE_ENTRY, f"{path}.name", f"{name!r} is there twice", "remove one of the two")
    if name == ALL_STEPS:
        return
    if name not in steps:
        if not _NAME.fullmatch(name):
            return  # No step can have it: its shape is reported.
        meant = did_you_mean(name, [*steps, ALL_STEPS])
        remedy = f"did you mean {meant}?" if meant else f"the steps are: {listed(steps)}"
        yield finding(Code.UNKNOWN_STEP, f"{path}.name", f"there is no step {name!r}", remedy)
        return
    own = kinds_of(steps[name])
    for field, kinds in _MEANT_FOR.items():
        if has(override, field) and len(own) == 1 and own[0] not in kinds:
            yield finding(
                Code.FIELD_WITHOUT_EFFECT,
                f"{path}.{field}",
                f"has no effect: step {name} is {a_kind(own[0])}",
                f"remove it: it is for {' or '.join(map(a_kind, kinds))}",
            )
