"""A template's inputSchema: which can be used, and what it says about a Task's context."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.input_schema import (
    MAX_MESSAGE,
    MAX_VIOLATIONS,
    InvalidSchemaError,
    input_check,
    schema_check,
    schema_problems,
)
from kubesaga.api.schema_bounds import MAX_SUBSCHEMAS, json_pointer

ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["customer", "items"],
    "additionalProperties": False,
    "properties": {
        "customer": {"type": "string", "minLength": 1},
        "email": {"type": "string", "format": "email"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "a/b~c": {"type": "integer"},
    },
    "$defs": {"item": {"type": "object", "properties": {"sku": {"type": "string", "pattern": "^[a-z]+$"}}}},
}


def test_a_context_that_fits_has_no_violation() -> None:
    context = {"customer": "carol", "items": [{"sku": "teapot"}], "email": "carol@example.com"}
    assert input_check(ORDER)(context) == []


def test_every_violation_is_told_with_its_pointer() -> None:
    context = {"customer": "", "items": [{}, {"sku": "X"}], "a/b~c": "1", "email": "carol", "color": "red"}
    pointers = [violation.pointer for violation in input_check(ORDER)(context)]
    assert sorted(pointers) == ["", "/a~1b~0c", "/customer", "/email", "/items/1/sku"]


def test_what_is_missing_is_named() -> None:
    messages = [violation.message for violation in input_check(ORDER)({"customer": "carol"})]
    assert messages == ['"items" is a required property']


def test_a_flood_of_violations_is_cut() -> None:
    check = input_check({"properties": {"n": {"items": {"type": "string"}}}})
    assert len(check({"n": list(range(1000))})) == MAX_VIOLATIONS


def test_a_message_that_quotes_a_large_value_is_cut() -> None:
    violations = input_check({"properties": {"text": {"maxLength": 1}}})({"text": "x" * 10_000})
    assert [len(violation.message) for violation in violations] == [MAX_MESSAGE]


def test_a_pointer_escapes_what_it_must() -> None:
    assert json_pointer([]) == ""
    assert json_pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"


def doubling(levels: int) -> dict[str, Any]:
    """Two references per level: 2^levels subschemas out of a few."""
    definitions: dict[str, Any] = {
        f"level{i}": {"allOf": [{"$ref": f"#/$defs/level{i + 1}"}] * 2} for i in range(levels)
    }
    return {"$ref": "#/$defs/level0", "$defs": {**definitions, f"level{levels}": {"type": "object"}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "pointer", "part"),
    [
        ({"type": "objekt"}, "/type", "objekt"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum", "not of type"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, "/properties/a/pattern", "linear time"),
        ({"pattern": "("}, "/pattern", "linear time"),
        ({"pattern": "(a{1000}){1000}"}, "/pattern", "linear time"),
        ({"patternProperties": {"[": {}}}, "/patternProperties", "linear time"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "2020-12"),
        ({"$ref": "#/$defs/nothing"}, "/$ref", "leads to no schema"),
        ({"$ref": "#item", "$defs": {"i": {"$anchor": "item"}}}, "/$ref", "anchor"),
        ({"$ref": "#"}, "/$ref", "back to itself"),
        ({"$ref": 5}, "/$ref", "leads to no schema"),
        ({"$dynamicRef": "#x"}, "/$dynamicRef", "not supported"),
        ({"properties": {"a": {"$id": "other"}}}, "/properties/a/$id", "cannot have an $id"),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, "/properties/a/$ref", "back to itself"),
        (doubling(20), "", str(MAX_SUBSCHEMAS)),
        (nested(100), "", str(MAX_SUBSCHEMAS)),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], pointer: str, part: str) -> None:
    problems = schema_problems(schema)
    assert [problem for problem in problems if problem.pointer == pointer and part in problem.message]
    assert all(problem.remedy for problem in problems)
    with pytest.raises(InvalidSchemaError):
        input_check(schema)


@pytest.mark.parametrize("target", ["https://example.com/x.json", "file:///etc/passwd", "other.json", "urn:x"])
def test_nothing_is_fetched(target: str) -> None:
    problems = schema_problems({"properties": {"a": {"$ref": target}}})
    assert [(problem.pointer, problem.remote) for problem in problems] == [("/properties/a/$ref", True)]


def test_all_problems_are_found_at_once() -> None:
    schema = {"type": "objekt", "properties": {"a": {"$ref": "x.json"}, "b": {"pattern": "["}}}
    assert len(schema_problems(schema)) == 3


@pytest.mark.parametrize("schema", [{}, ORDER, doubling(8), nested(30), {"properties": {"$ref": {"type": "string"}}}])
def test_an_ordinary_schema_is_accepted(schema: dict[str, Any]) -> None:
    assert schema_problems(schema) == []


def test_a_recursive_mutual_reference_is_found() -> None:
    schema = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"properties": {"b": {"$ref": "#/$defs/b"}}},
            "b": {"properties": {"a": {"$ref": "#/$defs/a"}}},
        },
    }
    assert any("back to itself" in problem.message for problem in schema_problems(schema))


@pytest.mark.parametrize("value", [None, 1, 1.5, "x", [1], {"a": 1}, True])
def test_a_value_of_any_type_can_be_checked(value: Any) -> None:
    assert schema_check({}, "resultSchema")(value) == []
    assert len(schema_check({"not": {"const": value}}, "resultSchema")(value)) == 1


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(("type_", "value"), [("object", deep(1000)), ("array", {"half \ud83d": 1})])
def test_a_value_that_cannot_be_checked_is_a_violation_and_no_failure(type_: str, value: Any) -> None:
    violations = schema_check({"type": type_}, "resultSchema")(value)
    assert [violation.pointer for violation in violations] == [""]
    assert "cannot be checked" in violations[0].message


def test_a_refusal_names_the_field_of_the_schema() -> None:
    with pytest.raises(InvalidSchemaError, match=r"^outputSchema/type: "):
        schema_check({"type": "objekt"}, "outputSchema")
