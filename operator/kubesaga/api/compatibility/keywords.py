"""The keywords of a JSON Schema that hold no other schema: what another value of each does.

Called by ``schemas`` for each pair of schemas. ``pointer`` is where they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubesaga.api.compatibility.difference import Difference, Effect

ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly", "$schema", "$id"}
)
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
SUBSCHEMAS = ("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
_ALL_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})


def types(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """What ``type`` says; absent is any."""
    before, after = _types_of(old), _types_of(new)
    if before == after:
        return
    effect = _by_sets(before, after)
    yield Difference(
        f"{pointer}/type",
        old.get("type"),
        new.get("type"),
        effect,
        f"type is {_type_words(new)}, was {_type_words(old)}",
    )


def _types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    written = schema.get("type")
    if written is None:
        return _ALL_TYPES
    named = {written} if isinstance(written, str) else set(written)
    return frozenset(named | ({"integer"} if "number" in named else set()))


def _type_words(schema: Mapping[str, Any]) -> str:
    written = schema.get("type", "any")
    return written if isinstance(written, str) else " or ".join(written)


def enumerations(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """What ``enum`` and ``const`` say."""
    before, after = _values_of(old), _values_of(new)
    if before == after:
        return
    shown = [
        schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else None
        for schema in (old, new)
    ]
    if before is None or after is None:
        effect = Effect.NARROWED if before is None else Effect.WIDENED
        said = "only certain values are accepted now" if before is None else "any value is accepted now"
    else:
        effect = _by_sets(before, after)
        gone, come = sorted(before - after), sorted(after - before)
        parts = [f"{word} {', '.join(values)}" for word, values in (("without", gone), ("with", come)) if values]
        said = f"the values are {' and '.join(parts)} now"
    yield Difference(f"{pointer}/enum", shown[0], shown[1], effect, said)


def _values_of(schema: Mapping[str, Any]) -> frozenset[str] | None:
    if "const" in schema:
        return frozenset({_canonical(schema["const"])})
    return frozenset(map(_canonical, schema["enum"])) if "enum" in schema else None


def required(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """One difference for each name."""
    before, after = list(old.get("required", [])), list(new.get("required", []))
    where = f"{pointer}/required"
    for name in after:
        if name not in before:
            yield Difference(where, None, name, Effect.NARROWED, f"{name!r} is required now")
    for name in before:
        if name not in after:
            yield Difference(where, name, None, Effect.WIDENED, f"{name!r} may be left out now")


def bounds(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """Lengths, sizes, limits of numbers, ``uniqueItems`` and ``multipleOf``."""
    for keyword in _LOWER_BOUNDS:
        yield from _bound(old, new, pointer, keyword, tighter=lambda after, before: after > before)
    for keyword in _UPPER_BOUNDS:
        yield from _bound(old, new, pointer, keyword, tighter=lambda after, before: after < before)
    yield from _bound(old, new, pointer, "uniqueItems", tighter=lambda after, before: after and not before)
    yield from _multiples(old, new, pointer)


def _bound(
    old: Mapping[str, Any], new: Mapping[str, Any], pointer: str, keyword: str, tighter: Callable[[Any, Any], bool]
) -> Iterator[Difference]:
    before, after = old.get(keyword), new.get(keyword)
    if before == after:
        return
    narrowed = before is None or (after is not None and tighter(after, before))
    effect = Effect.NARROWED if narrowed else Effect.WIDENED
    yield Difference(
        f"{pointer}/{keyword}", before, after, effect, f"{keyword} is {_shown(after)}, was {_shown(before)}"
    )


def _multiples(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    before, after = old.get("multipleOf"), new.get("multipleOf")
    if before == after:
        return
    if before is None or (after is not None and after % before == 0):
        effect = Effect.NARROWED
    else:
        effect = Effect.WIDENED if after is None or before % after == 0 else Effect.UNDECIDED
    message = f"multipleOf is {_shown(after)}, was {_shown(before)}"
    yield Difference(f"{pointer}/multipleOf", before, after, effect, message)


_HANDLED = frozenset(
    {
        *_LOWER_BOUNDS, *_UPPER_BOUNDS, *SUBSCHEMAS, "uniqueItems", "multipleOf", "type", "enum", "const", "required",
        "properties", "allOf", "anyOf", "oneOf", "$ref", "$defs", "definitions",
    }
)  # fmt: skip


def others(old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """Annotations, and keywords whose new value says nothing about what is accepted beside the old one."""
    for keyword in dict.fromkeys((*old, *new)):
        before, after = old.get(keyword), new.get(keyword)
        if keyword in _HANDLED or before == after:
            continue
        if keyword in ANNOTATIONS:
            effect = Effect.NONE
        elif before is None or after is None:
            effect = Effect.NARROWED if before is None else Effect.WIDENED
        else:
            effect = Effect.UNDECIDED
        yield Difference(f"{pointer}/{keyword}", before, after, effect, f"{keyword} is {came(after, before)}")


def _by_sets(before: frozenset[str], after: frozenset[str]) -> Effect:
    if after < before:
        return Effect.NARROWED
    return Effect.WIDENED if after > before else Effect.UNDECIDED


def came(after: Any, before: Any = None) -> str:
    """What happened to a keyword, in a word."""
    if after and before:
        return "another one"
    return "new" if after else "gone"


def _shown(value: Any) -> str:
    return "absent" if value is None else _canonical(value)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
