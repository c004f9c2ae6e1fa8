"""What differs between two versions of a template, field by field and step by step, and whom each change concerns.

Callers create Tasks (by domain and name, with a context that fits inputSchema), read results (``output``, or the
results of the steps that no other waits for), look at outcomes, and act on steps by their names. The rest is internal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubesaga.api.compatibility.change import Change, Impact
from kubesaga.api.compatibility.difference import Difference, Effect
from kubesaga.api.compatibility.schemas import compare_schemas
from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.engine.graph import Graph

_KINDS = ("handler", "container", "task", "approval")

_ON_INPUT = {
    Effect.NARROWED: Impact.BREAKING,
    Effect.WIDENED: Impact.FEATURE,
    Effect.ADDED: Impact.FEATURE,
    Effect.DROPPED: Impact.BREAKING,
    Effect.UNDECIDED: Impact.BREAKING,
    Effect.NONE: Impact.INTERNAL,
}
_ON_OUTPUT = {
    **_ON_INPUT,
    Effect.NARROWED: Impact.FEATURE,
    Effect.WIDENED: Impact.BREAKING,
}
# Fields that callers notice although they do not describe data.
_NOTICED = {
    "failureStrategy": "Tasks that fail end with another outcome",
    "identityStrategy": "other requests count as the same",
}
_STEPS = ("steps", "finally")
_OWN_RULES = frozenset(
    {"domain", "name", "version", "inputSchema", "outputSchema", "output", "defaultContext", "defaultOptions", *_STEPS}
)


def compare_templates(
    old: Mapping[str, Any], new: Mapping[str, Any], *, names: tuple[str | None, str | None] = (None, None)
) -> list[Change]:
    """Every change between two specs, the worst first.

    Both must be free of findings; ``names`` are the objects' own, which stand in where a spec has none. Defaults are
    filled in first, so that writing one out is no change. Raises pydantic.ValidationError for what is no spec.
    """
    before, after = TaskTemplateSpec.read(old).write(), TaskTemplateSpec.read(new).write()
    before.setdefault("name", names[0])
    after.setdefault("name", names[1])
    found = [
        *_identity(before, after),
        *_input(before, after),
        *_output(before, after),
        *_defaults(before, after),
        *_fields(before, after),
        *_all_steps(before, after),
    ]
    order = list(Impact)
    return sorted(found, key=lambda change: order.index(change.impact))


def worst(changes: list[Change]) -> Impact | None:
    """The worst impact of all; None if there are no changes."""
    order = list(Impact)
    return min((change.impact for change in changes), key=order.index, default=None)


def _identity(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field, default in (("domain", DEFAULT_DOMAIN), ("name", None)):
        before, after = old.get(field) or default, new.get(field) or default
        if before != after:
            yield Change(field, before, after, Impact.BREAKING, "Tasks that refer to the old one do not get this one")


def _input(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    supplied = new.get("defaultContext", {})
    for difference in compare_schemas(old.get("inputSchema", True), new.get("inputSchema", True)):
        impact, reason = _ON_INPUT[difference.effect], difference.message
        if difference.pointer == "/required" and difference.after in supplied:
            impact, reason = Impact.FEATURE, f"{reason}, and defaultContext has it"
        yield _of_schema("inputSchema", difference, impact, reason)


def _output(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for difference in compare_schemas(old.get("outputSchema", True), new.get("outputSchema", True)):
        yield _of_schema("outputSchema", difference, _ON_OUTPUT[difference.effect], difference.message)
    before, after = old.get("output"), new.get("output")
    if before != after:
        yield Change("output", before, after, Impact.BREAKING, "the Task's result is made in another way")
    elif before is None:
        yield from _default_output(_last_steps(old), _last_steps(new))


def _default_output(before: list[str], after: list[str]) -> Iterator[Change]:
    """Without ``output`` the result has a member for each step that no other waits for."""
    for name in before:
        if name not in after:
            reason = f"the Task's result no longer has {name!r}: another step waits for it, or it is gone"
            yield Change("output", before, after, Impact.BREAKING, reason)
    for name in after:
        if name not in before:
            yield Change("output", before, after, Impact.FEATURE, f"the Task's result has {name!r} too")


def _last_steps(spec: dict[str, Any]) -> list[str]:
    graph = Graph.of([(step["name"], step.get("dependsOn", ()), step.get("runAfter", ())) for step in spec["steps"]])
    return [graph.names[i] for i in graph.sinks]


def _of_schema(field: str, difference: Difference, impact: Impact, reason: str) -> Change:
    return Change(f"{field}{difference.pointer}", difference.before, difference.after, impact, reason)


def _defaults(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field in ("defaultContext", "defaultOptions"):
        before, after = old.get(field, {}), new.get(field, {})
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) == after.get(key) and (key in before) == (key in after):
                continue
            gone = key not in after
            reason = "who relied on the default has to give it" if gone else "who leaves it out gets another value"
            impact = Impact.BREAKING if gone else Impact.FEATURE
            yield Change(f"{field}.{key}", before.get(key), after.get(key), impact, reason)


def _fields(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field in dict.fromkeys((*old, *new)):
        before, after = old.get(field), new.get(field)
        if field in _OWN_RULES or before == after:
            continue
        if field in _NOTICED:
            yield Change(field, before, after, Impact.BREAKING, _NOTICED[field])
        else:
            yield from _internal(field, before, after)


def _all_steps(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field in _STEPS:
        before = {step["name"]: step for step in old.get(field, ())}
        after = {step["name"]: step for step in new.get(field, ())}
        for name in (each for each in before if each not in after):
            reason = "who acts on the step, skips it or looks at it by its name does not find it"
            yield Change(f"{field}[{name}]", before[name], None, Impact.BREAKING, reason)
        for name, step in after.items():
            path = f"{field}[{name}]"
            if name in before:
                yield from _step(before[name], step, path)
            else:
                yield Change(path, None, step, Impact.FEATURE, f"{_kind(step)} is new")


def _step(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
    for field in dict.fromkeys((*old, *new)):
        before, after = old.get(field), new.get(field)
        if before == after:
            continue
        where = f"{path}.{field}"
        if field == "approval" and (before is None or after is None):
            reason = "a human has to approve it now" if before is None else "who approves it is refused now"
            yield Change(where, before, after, Impact.BREAKING, reason)
        elif field == "skippable":
            reason = "it may be skipped now" if after else "who skips it is refused now"
            yield Change(where, before, after, Impact.FEATURE if after else Impact.BREAKING, reason)
        else:
            yield from _internal(where, before, after)


def _internal(path: str, before: Any, after: Any) -> Iterator[Change]:
    """The members that differ; a list is one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                yield from _internal(f"{path}.{key}", before.get(key), after.get(key))
    else:
        yield Change(path, before, after, Impact.INTERNAL, "")


def _kind(step: dict[str, Any]) -> str:
    kind = next((kind for kind in _KINDS if kind in step), "step")
    return {"task": "a sub-workflow", "approval": "an approval"}.get(kind, f"a {kind}")
