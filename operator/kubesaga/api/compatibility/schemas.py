"""How two JSON Schemas differ: in what the new one accepts that the old one did not, and the reverse.

Keyword by keyword, over the bounded schemas that templates may have (local references, no recursion). What cannot be
decided by looking at a keyword alone counts as undecided, which callers take for the worse. Used by ``changes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubesaga.api.compatibility import keywords
from kubesaga.api.compatibility.difference import Difference, Effect
from kubesaga.api.compatibility.keywords import ANNOTATIONS, SUBSCHEMAS, came

Schema = Mapping[str, Any] | bool


def compare_schemas(old: Schema, new: Schema) -> list[Difference]:
    """Every difference between two schemas that can be used, in the order of the keywords."""
    return list(_Comparison(old, new).compare(old, new, ""))


class _Comparison:
    """One pass over two schemas; each resolves the references of its own document."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old_root = old
        self.new_root = new

    def compare(self, before: Schema, after: Schema, pointer: str) -> Iterator[Difference]:
        old, new = _resolved(before, self.old_root), _resolved(after, self.new_root)
        if isinstance(old, bool) or isinstance(new, bool):
            yield from _of_booleans(old, new, pointer)
            return
        yield from keywords.types(old, new, pointer)
        yield from keywords.enumerations(old, new, pointer)
        yield from keywords.required(old, new, pointer)
        yield from self._properties(old, new, pointer)
        yield from self._subschemas(old, new, pointer)
        yield from self._combinations(old, new, pointer)
        yield from keywords.bounds(old, new, pointer)
        yield from keywords.others(old, new, pointer)

    def _properties(self, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in (each for each in before if each not in after):
            effect, said = _dropped(new.get("additionalProperties", True))
            where = f"{pointer}/properties/{_escaped(name)}"
            yield Difference(where, before[name], None, effect, f"property {name!r} {said}")
        for name in after:
            where = f"{pointer}/properties/{_escaped(name)}"
            if name in before:
                yield from self.compare(before[name], after[name], where)
            else:
                yield Difference(where, None, after[name], Effect.ADDED, f"property {name!r} is new")

    def _subschemas(self, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
        for keyword in SUBSCHEMAS:
            if keyword in old or keyword in new:
                yield from self.compare(old.get(keyword, True), new.get(keyword, True), f"{pointer}/{keyword}")

    def _combinations(self, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
        # More of allOf accepts less, more of the others accepts more.
        for keyword, more in (("allOf", Effect.NARROWED), ("anyOf", Effect.WIDENED), ("oneOf", Effect.WIDENED)):
            before, after = old.get(keyword, []), new.get(keyword, [])
            where = f"{pointer}/{keyword}"
            if bool(before) != bool(after):
                effect = Effect.NARROWED if after else Effect.WIDENED
                yield Difference(where, before or None, after or None, effect, f"{keyword} is {came(after)}")
                continue
            for i, (one, other) in enumerate(zip(before, after, strict=False)):
                yield from self.compare(one, other, f"{where}/{i}")
            less = Effect.WIDENED if more is Effect.NARROWED else Effect.NARROWED
            if len(before) != len(after):
                effect = more if len(after) > len(before) else less
                message = f"{keyword} has {len(after)} alternatives instead of {len(before)}"
                yield Difference(where, before, after, effect, message)


def _dropped(additional: Schema) -> tuple[Effect, str]:
    """What becomes of a property that is no longer described, by what its object says of those."""
    if additional is False:
        return Effect.DROPPED, "is refused now"
    if _accepts_all(additional):
        return Effect.WIDENED, "is no longer described"
    return Effect.UNDECIDED, "is one of additionalProperties now"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """What a local reference leads to, with what stands beside it over that."""
    while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and isinstance(root, Mapping):
        target: Any = root
        for part in schema["$ref"].split("/")[1:]:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**target, **beside} if isinstance(target, Mapping) else target
    return schema


def _of_booleans(old: Schema, new: Schema, pointer: str) -> Iterator[Difference]:
    if old == new or (_accepts_all(old) and _accepts_all(new)):
        return
    if old is False or _accepts_all(new):
        yield Difference(pointer, old, new, Effect.WIDENED, "more is accepted")
    else:
        said = "nothing else is accepted" if new is False else "not everything is accepted any more"
        yield Difference(pointer, old, new, Effect.NARROWED, said)


def _accepts_all(schema: Schema) -> bool:
    return schema is True or (isinstance(schema, Mapping) and not schema.keys() - ANNOTATIONS)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
