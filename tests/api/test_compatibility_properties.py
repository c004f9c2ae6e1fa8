"""What is not called breaking breaks nobody: every pair of many small schemas, judged by what they accept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jsonschema_rs
import pytest

from kubesaga.api.compatibility.difference import Effect
from kubesaga.api.compatibility.schemas import compare_schemas

pytestmark = pytest.mark.slow

SCALARS = [None, True, -1, 0, 1, 2, 3, 4, 0.5, "", "x", "xy", "yyyy"]
LISTS = [[], [1], [1, 1], [0.5, "x"], [1, 2, 3, None], [[]], [{"a": 1}]]
OBJECTS = [
    {},
    *({"a": value} for value in [*SCALARS, [], [1, 1], {}, {"a": "x"}, {"b": 1}]),
    *({"b": value} for value in (None, 1, 3, "x")),
    {"a": 1, "b": "x"},
    {"a": "x", "c": 0.5},
    {"a": 1, "b": 2, "c": 3},
]
VALUES: list[Any] = [*SCALARS, *LISTS, *OBJECTS]

LEAVES: list[Any] = [
    True,
    False,
    {},
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": ["number", "string"]},
    {"type": "object"},
    {"type": "array"},
    {"enum": [1, "x"]},
    {"enum": [1]},
    {"const": 1},
    {"const": "x"},
    {"minimum": 1},
    {"minimum": 2},
    {"exclusiveMaximum": 2},
    {"multipleOf": 2},
    {"multipleOf": 4},
    {"minLength": 1, "type": "string"},
    {"pattern": "^x"},
    {"pattern": "y$"},
    {"uniqueItems": True},
    {"maxItems": 1},
    {"minProperties": 1},
    {"required": ["a"]},
    {"required": ["a", "b"]},
    {"type": "integer", "maximum": 3},
    {"additionalProperties": False},
    {"additionalProperties": {"type": "integer"}},
]
WRAPPERS: list[Callable[[Any], Any]] = [
    lambda leaf: {"properties": {"a": leaf}},
    lambda leaf: {"properties": {"a": leaf}, "additionalProperties": False},
    lambda leaf: {"properties": {"b": True}, "additionalProperties": leaf},
    lambda leaf: {"properties": {"a": {"$ref": "#/$defs/leaf"}}, "required": ["a"], "$defs": {"leaf": leaf}},
    lambda leaf: {"items": leaf},
    lambda leaf: {"propertyNames": leaf},
    lambda leaf: {"anyOf": [leaf, {"type": "string"}]},
    lambda leaf: {"anyOf": [leaf]},
    lambda leaf: {"allOf": [leaf, {"type": "object"}]},
    lambda leaf: {"not": leaf},
    lambda leaf: {"if": {"type": "object"}, "then": leaf},
]
SCHEMAS = [*LEAVES, *(wrap(leaf) for wrap, leaf in product(WRAPPERS, LEAVES))]
# A property that is described anew counts as a feature, although an open object took any value there before.
HARMLESS_FOR_INPUT = {Effect.WIDENED, Effect.NONE}
HARMLESS_FOR_OUTPUT = {Effect.NARROWED, Effect.NONE}


def accepted(schema: Any) -> list[bool]:
    """Which of the values are right."""
    validator = jsonschema_rs.Draft202012Validator(schema)
    return [validator.is_valid(value) for value in VALUES]


def test_what_is_not_called_breaking_breaks_nobody() -> None:
    wrong, judged = [], 0
    known = [(schema, accepted(schema)) for schema in SCHEMAS]
    for (old, before), (new, after) in product(known, known):
        effects = {difference.effect for difference in compare_schemas(old, new)}
        lost = [value for value, was, is_ in zip(VALUES, before, after, strict=True) if was and not is_]
        gained = [value for value, was, is_ in zip(VALUES, before, after, strict=True) if is_ and not was]
        if effects <= HARMLESS_FOR_INPUT and lost:
            wrong.append(("refuses what was right", old, new, lost))
        if effects <= HARMLESS_FOR_OUTPUT and gained:
            wrong.append(("may yield what was ruled out", old, new, gained))
        judged += effects <= HARMLESS_FOR_INPUT or effects <= HARMLESS_FOR_OUTPUT
    assert wrong == []
    assert judged > 5_000, "too few pairs to say anything"


def test_a_schema_is_no_change_of_itself() -> None:
    assert [schema for schema in SCHEMAS if compare_schemas(schema, schema)] == []
