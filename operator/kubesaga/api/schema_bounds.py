"""The bounds of a JSON Schema, which make the cost of a check a matter of the size of what is checked.

No reference leaves the document, none leads back to where it stands, every pattern matches in linear time,
and with all references followed there are at most so many subschemas. Without them a small schema can take
exponential time on a small input. Used by ``input_schema``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SUBSCHEMAS = 5000
MAX_DEPTH = 64

# The keywords that hold subschemas; what is under any other keyword is data.
_SINGLE = frozenset(
    {
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """Why a schema cannot be used; ``pointer`` is a JSON pointer into it, ``remote`` that it refers
    elsewhere."""

    pointer: str
    message: str
    remedy: str
    remote: bool = False


class _TooLargeError(Exception):
    """The walk ends here: the bounds are passed."""


def json_pointer(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer (RFC 6901); the whole document is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def structure_problems(schema: Mapping[str, Any], is_pattern: Callable[[str], bool]) -> list[SchemaProblem]:
    """Every reference that cannot be followed, every unusable pattern, and whether the bounds are kept."""
    walk = _Walk(schema, is_pattern)
    try:
        walk.visit(schema, "", ())
    except _TooLargeError:
        walk.report(
            "",
            f"followed, its references make over {MAX_SUBSCHEMAS} subschemas, or {MAX_DEPTH} nested ones",
            "describe less of the input, or refer to a definition from fewer places",
        )
    return list(walk.problems.values())


class _Walk:
    """One pass over a schema with its references followed."""

    def __init__(self, root: Mapping[str, Any], is_pattern: Callable[[str], bool]) -> None:
        self.root = root
        self.is_pattern = is_pattern
        self.visited = 0
        self.problems: dict[tuple[str, str], SchemaProblem] = {}

    def report(self, pointer: str, message: str, remedy: str, *, remote: bool = False) -> None:
        self.problems.setdefault((pointer, message), SchemaProblem(pointer, message, remedy, remote))

    def visit(self, node: Any, pointer: str, following: tuple[str, ...], depth: int = 0) -> None:
        """Look at one subschema; ``following`` are the references on the way to it."""
        self.visited += 1
        if self.visited > MAX_SUBSCHEMAS or depth > MAX_DEPTH:
            raise _TooLargeError
        if not isinstance(node, Mapping):
            return
        self._check_identity(node, pointer)
        self._check_patterns(node, pointer)
        for key, value in node.items():
            if key == "$ref":
                self._follow(value, pointer, following, depth)
            elif key in ("$dynamicRef", "$recursiveRef"):
                self.report(
                    f"{pointer}/{key}",
                    f"{key} is not supported",
                    "write $ref with a path such as #/$defs/item",
                )
        for child, below in _subschemas(node, pointer):
            self.visit(child, below, following, depth + 1)

    def _check_identity(self, node: Mapping[str, Any], pointer: str) -> None:
        dialect = node.get("$schema", DIALECT)
        if not isinstance(dialect, str) or dialect.rstrip("#") != DIALECT:
            self.report(
                f"{pointer}/$schema",
                f"only JSON Schema draft 2020-12 is read, not {dialect!r:.100}",
                f"write {DIALECT}, or leave it out",
            )
        if pointer and "$id" in node:
            self.report(f"{pointer}/$id", "a subschema cannot have an $id", "leave it out and refer by #/$defs/…")

    def _check_patterns(self, node: Mapping[str, Any], pointer: str) -> None:
        patterns = [(f"{pointer}/pattern", node.get("pattern"))]
        by_name = node.get("patternProperties")
        if isinstance(by_name, Mapping):
            patterns += [(f"{pointer}/patternProperties", pattern) for pattern in by_name]
        for where, pattern in patterns:
            if isinstance(pattern, str) and not self.is_pattern(pattern):
                self.report(
                    where,
                    f"{pattern!r:.100} is no pattern that can be matched in linear time",
                    "write a short pattern without lookaround and back-references",
                )

    def _follow(self, target: Any, pointer: str, following: tuple[str, ...], depth: int) -> None:
        where = f"{pointer}/$ref"
        if not isinstance(target, str) or target == "#" or target.startswith("#/"):
            found = _resolve(self.root, target)
        elif target.startswith("#"):
            return self.report(where, f"{target!r:.100} is an anchor", "write a path such as #/$defs/item")
        else:
            return self.report(
                where,
                f"{target!r:.100} is outside of the schema, and nothing is fetched",
                "copy what it refers to into $defs and write #/$defs/…",
                remote=True,
            )
        if not isinstance(found, Mapping | bool):
            return self.report(where, f"{target!r:.100} leads to no schema", "refer to something under $defs")
        if target in following or target == "#":
            return self.report(
                where,
                f"{target!r:.100} leads back to itself: a recursive schema has no bound",
                "write out as many levels as the input has",
            )
        return self.visit(found, target[1:], (*following, target), depth + 1)


def _subschemas(node: Mapping[str, Any], pointer: str) -> Iterator[tuple[Any, str]]:
    for key, value in node.items():
        if key in _SINGLE:
            yield value, f"{pointer}/{key}"
        elif key in _LISTS and isinstance(value, list):
            yield from ((item, f"{pointer}/{key}/{i}") for i, item in enumerate(value))
        elif key in _MAPS and isinstance(value, Mapping):
            yield from ((item, pointer + json_pointer([key, name])) for name, item in value.items())


def _resolve(root: Any, reference: Any) -> Any:
    """What a ``#/…`` reference leads to; None if to nothing."""
    if not isinstance(reference, str):
        return None
    node = root
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(name)
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node
