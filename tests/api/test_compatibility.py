"""Which changes of a template concern whom, and which version numbers admit them."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.compatibility import Bump, Change, Impact, compare_templates, judge, worst

BREAKING, FEATURE, INTERNAL = Impact.BREAKING, Impact.FEATURE, Impact.INTERNAL
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def step(name: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    kinds = {"container", "task", "approval"} & fields.keys()
    runs = {} if kinds else {"handler": {"callable": f"shop:{name.title()}", "image": "shop:1"}}
    return {"name": name, **runs, **({"dependsOn": list(depends_on)} if depends_on else {}), **fields}


def spec(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "order", "version": "1.0.0", "steps": list(steps) or [step("a"), step("b", "a")], **fields}


def impacts(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Impact]]:
    return [(change.path, change.impact) for change in compare_templates(old, new)]


def of_schemas(field: str, old: Any, new: Any) -> set[Impact]:
    given = [spec(**({} if schema is None else {field: schema})) for schema in (old, new)]
    return {change.impact for change in compare_templates(*given)}


# What a schema becomes, and whom that concerns if it is of the input, and if it is of the output.
SCHEMAS: dict[str, tuple[Any, Any, Impact, Impact]] = {
    "added": (None, {"type": "object"}, BREAKING, FEATURE),
    "removed": ({"type": "object"}, None, FEATURE, BREAKING),
    "required added": (
        {"properties": {"a": STRING}},
        {"properties": {"a": STRING}, "required": ["a"]},
        BREAKING,
        FEATURE,
    ),
    "required removed": ({"required": ["a", "b"]}, {"required": ["b"]}, FEATURE, BREAKING),
    "property added": ({"properties": {}}, {"properties": {"a": STRING}}, FEATURE, FEATURE),
    "property added to a closed object": (
        {"additionalProperties": False, "properties": {}},
        {"additionalProperties": False, "properties": {"a": STRING}},
        FEATURE,
        FEATURE,
    ),
    "property removed": ({"properties": {"a": STRING}}, {"properties": {}}, FEATURE, BREAKING),
    "property removed from a closed object": (
        {"additionalProperties": False, "properties": {"a": STRING}},
        {"additionalProperties": False, "properties": {}},
        BREAKING,
        BREAKING,
    ),
    "closed": ({}, {"additionalProperties": False}, BREAKING, FEATURE),
    "opened": ({"additionalProperties": False}, {"additionalProperties": True}, FEATURE, BREAKING),
    "additional properties of a type": (
        {"additionalProperties": STRING},
        {"additionalProperties": INTEGER},
        BREAKING,
        BREAKING,
    ),
    "type narrowed": ({"type": ["string", "null"]}, {"type": "string"}, BREAKING, FEATURE),
    "number to integer": ({"type": "number"}, {"type": "integer"}, BREAKING, FEATURE),
    "integer to number": ({"type": "integer"}, {"type": "number"}, FEATURE, BREAKING),
    "type changed": ({"type": "string"}, {"type": "integer"}, BREAKING, BREAKING),
    "type added": ({}, {"type": "string"}, BREAKING, FEATURE),
    "enum reduced": ({"enum": ["a", "b"]}, {"enum": ["a"]}, BREAKING, FEATURE),
    "enum extended": ({"enum": ["a"]}, {"enum": ["a", "b"]}, FEATURE, BREAKING),
    "enum changed": ({"enum": ["a"]}, {"enum": ["b"]}, BREAKING, BREAKING),
    "enum to const": ({"enum": ["a", "b"]}, {"const": "a"}, BREAKING, FEATURE),
    "minimum raised": ({"minimum": 1}, {"minimum": 2}, BREAKING, FEATURE),
    "minimum lowered": ({"minimum": 2}, {"minimum": 1}, FEATURE, BREAKING),
    "maximum added": ({}, {"maximum": 9}, BREAKING, FEATURE),
    "maxLength lowered": ({"maxLength": 9}, {"maxLength": 8}, BREAKING, FEATURE),
    "maxItems removed": ({"maxItems": 9}, {}, FEATURE, BREAKING),
    "uniqueItems": ({}, {"uniqueItems": True}, BREAKING, FEATURE),
    "no uniqueItems": ({"uniqueItems": True}, {"uniqueItems": False}, FEATURE, BREAKING),
    "multipleOf coarser": ({"multipleOf": 2}, {"multipleOf": 4}, BREAKING, FEATURE),
    "multipleOf finer": ({"multipleOf": 4}, {"multipleOf": 2}, FEATURE, BREAKING),
    "multipleOf other": ({"multipleOf": 3}, {"multipleOf": 2}, BREAKING, BREAKING),
    "pattern added": ({}, {"pattern": "^a"}, BREAKING, FEATURE),
    "pattern removed": ({"pattern": "^a"}, {}, FEATURE, BREAKING),
    "pattern changed": ({"pattern": "^a"}, {"pattern": "^b"}, BREAKING, BREAKING),
    "format added": ({}, {"format": "date"}, BREAKING, FEATURE),
    "items narrowed": ({"items": {"type": ["string", "null"]}}, {"items": STRING}, BREAKING, FEATURE),
    "nested": (
        {"properties": {"a": {"properties": {"b": INTEGER}}}},
        {"properties": {"a": {"properties": {"b": {"type": "number"}}}}},
        FEATURE,
        BREAKING,
    ),
    "alternative added": ({"anyOf": [STRING]}, {"anyOf": [STRING, INTEGER]}, FEATURE, BREAKING),
    "alternative removed": ({"oneOf": [STRING, INTEGER]}, {"oneOf": [STRING]}, BREAKING, FEATURE),
    "alternatives added": ({}, {"anyOf": [STRING, INTEGER]}, BREAKING, FEATURE),
    "one of the alternatives narrowed": (
        {"anyOf": [{"minimum": 1}, STRING]},
        {"anyOf": [{"minimum": 2}, STRING]},
        BREAKING,
        FEATURE,
    ),
    "condition added to all": ({"allOf": [STRING]}, {"allOf": [STRING, {"minLength": 1}]}, BREAKING, FEATURE),
    "not changed": ({"not": STRING}, {"not": INTEGER}, BREAKING, BREAKING),
    "behind a reference": (
        {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"minimum": 1}}},
        {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"minimum": 2}}},
        BREAKING,
        FEATURE,
    ),
    "description": ({"title": "a"}, {"title": "b", "description": "c"}, INTERNAL, INTERNAL),
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_a_schema_concerns_those_on_its_side(case: str) -> None:
    old, new, on_input, on_output = SCHEMAS[case]
    assert of_schemas("inputSchema", old, new) == {on_input}
    assert of_schemas("outputSchema", old, new) == {on_output}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "object"}, {"type": ["object"]}),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
        ({"required": ["a", "b"]}, {"required": ["b", "a"]}),
        ({"const": 1}, {"enum": [1]}),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": STRING}}, {"properties": {"a": STRING}}),
        ({}, {"additionalProperties": True}),
        (None, {}),
    ],
)
def test_what_accepts_the_same_is_no_change(old: Any, new: Any) -> None:
    assert of_schemas("inputSchema", old, new) == set()


def test_a_required_value_that_the_template_supplies_breaks_nobody() -> None:
    old = spec(inputSchema={"type": "object"})
    new = spec(inputSchema={"type": "object", "required": ["a", "b"]}, defaultContext={"a": 1})
    assert ("inputSchema/required", BREAKING) in impacts(old, new)
    only_a = spec(inputSchema={"type": "object", "required": ["a"]}, defaultContext={"a": 1})
    assert {impact for _, impact in impacts(old, only_a)} == {FEATURE}


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, Impact]]]] = {
    "nothing": (spec(), spec(), []),
    "a default written out": (spec(), spec(failureStrategy="Abort", domain="default"), []),
    "the version alone": (spec(), spec(version="2.0.0"), []),
    "the order of the steps": (spec(step("a"), step("b", "a")), spec(step("b", "a"), step("a")), []),
    "the domain": (spec(), spec(domain="shop"), [("domain", BREAKING)]),
    "the name": (spec(), spec(name="orders"), [("name", BREAKING)]),
    "the description": (spec(), spec(description="x"), [("description", INTERNAL)]),
    "the timeout": (spec(timeout="1m"), spec(timeout="2m"), [("timeout", INTERNAL)]),
    "the failure strategy": (spec(), spec(failureStrategy="Compensate"), [("failureStrategy", BREAKING)]),
    "the identity": (spec(), spec(identityStrategy="Strict"), [("identityStrategy", BREAKING)]),
    "an image for all": (
        spec(defaults={"image": "a:1", "timeout": "1m"}),
        spec(defaults={"image": "a:2", "timeout": "1m"}),
        [("defaults.image", INTERNAL)],
    ),
    "the output": (spec(output="steps.a.result"), spec(output="steps.b.result"), [("output", BREAKING)]),
    "an output of its own": (spec(), spec(output="steps.b.result"), [("output", BREAKING)]),
    "a default for the context": (spec(), spec(defaultContext={"a": 1}), [("defaultContext.a", FEATURE)]),
    "another default for the context": (
        spec(defaultContext={"a": 1}),
        spec(defaultContext={"a": 2}),
        [("defaultContext.a", FEATURE)],
    ),
    "no default for the context": (spec(defaultContext={"a": 1}), spec(), [("defaultContext.a", BREAKING)]),
    "no default for the options": (spec(defaultOptions={"a": 1}), spec(), [("defaultOptions.a", BREAKING)]),
    "a step less": (
        spec(step("a"), step("b", "a"), output="1"),
        spec(step("b"), output="1"),
        [("steps[a]", BREAKING), ("steps[b].dependsOn", INTERNAL)],
    ),
    "a step more in between": (
        spec(step("a"), step("c", "a")),
        spec(step("a"), step("b", "a"), step("c", "b")),
        [("steps[b]", FEATURE), ("steps[c].dependsOn", INTERNAL)],
    ),
    "a step more at the end": (
        spec(step("a"), output="1"),
        spec(step("a"), step("b", "a"), output="1"),
        [("steps[b]", FEATURE)],
    ),
    "a step more at the end of the default output": (
        spec(step("a")),
        spec(step("a"), step("b", "a")),
        [("output", BREAKING), ("output", FEATURE), ("steps[b]", FEATURE)],
    ),
    "a step more beside the last one": (
        spec(step("a")),
        spec(step("a"), step("b")),
        [("output", FEATURE), ("steps[b]", FEATURE)],
    ),
    "another handler": (
        spec(step("a", retry={"maxAttempts": 2})),
        spec({**step("a", retry={"maxAttempts": 3}), "handler": {"callable": "shop:B", "image": "shop:1"}}),
        [("steps[a].handler.callable", INTERNAL), ("steps[a].retry.maxAttempts", INTERNAL)],
    ),
    "a handler that is an approval now": (
        spec(step("a")),
        spec(step("a", approval={})),
        [("steps[a].approval", BREAKING), ("steps[a].handler", INTERNAL)],
    ),
    "an approval that is none any more": (
        spec(step("a", approval={})),
        spec(step("a")),
        [("steps[a].approval", BREAKING), ("steps[a].handler", INTERNAL)],
    ),
    "an approval that waits less": (
        spec(step("a", approval={"timeout": "2h"})),
        spec(step("a", approval={"timeout": "1h"})),
        [("steps[a].approval.timeout", INTERNAL)],
    ),
    "a step that may be skipped": (spec(step("a")), spec(step("a", skippable=True)), [("steps[a].skippable", FEATURE)]),
    "a step that may not be skipped": (
        spec(step("a", skippable=True)),
        spec(step("a")),
        [("steps[a].skippable", BREAKING)],
    ),
    "a compensation": (spec(step("a")), spec(step("a", compensation={})), [("steps[a].compensation", INTERNAL)]),
    "a step of finally more and one less": (
        spec(**{"finally": [step("x")]}),
        spec(**{"finally": [step("y")]}),
        [("finally[x]", BREAKING), ("finally[y]", FEATURE)],
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_a_field_concerns_whom_it_should(case: str) -> None:
    old, new, expected = FIELDS[case]
    assert impacts(old, new) == expected


def test_the_objects_name_stands_in_for_the_templates() -> None:
    old = {key: value for key, value in spec().items() if key != "name"}
    assert compare_templates(old, spec(), names=("order", None)) == []
    assert [change.path for change in compare_templates(old, spec(), names=("order-1", None))] == ["name"]


def test_the_worst_change_comes_first_and_is_the_worst_of_all() -> None:
    changes = compare_templates(spec(), spec(description="x", domain="shop", defaultContext={"a": 1}))
    assert [change.impact for change in changes] == [BREAKING, FEATURE, INTERNAL]
    assert (worst(changes), worst([])) == (BREAKING, None)
    assert all(change.reason for change in changes if change.impact is not INTERNAL)


@pytest.mark.parametrize(("before", "after", "kind"), [(None, 1, "added"), (1, None, "removed"), (1, 2, "changed")])
def test_a_change_says_what_it_is(before: Any, after: Any, kind: str) -> None:
    assert Change("x", before, after, INTERNAL, "").kind == kind


# From, to, the worst change; what it needs, what is given, whether that will do, the least number that would.
NUMBERS = [
    ("1.2.3", "2.0.0", BREAKING, Bump.MAJOR, Bump.MAJOR, True, None),
    ("1.2.3", "1.3.0", BREAKING, Bump.MAJOR, Bump.MINOR, False, "2.0.0"),
    ("1.2.3", "1.2.4", BREAKING, Bump.MAJOR, Bump.PATCH, False, "2.0.0"),
    ("1.2.3", "1.3.0", FEATURE, Bump.MINOR, Bump.MINOR, True, None),
    ("1.2.3", "1.2.4", FEATURE, Bump.MINOR, Bump.PATCH, False, "1.3.0"),
    ("1.2.3", "2.0.0", FEATURE, Bump.MINOR, Bump.MAJOR, True, None),
    ("1.2.3", "1.2.4", INTERNAL, Bump.PATCH, Bump.PATCH, True, None),
    ("1.2.3", "1.2.3", INTERNAL, Bump.PATCH, Bump.NONE, False, "1.2.4"),
    ("1.2.3", "1.2.3", None, Bump.NONE, Bump.NONE, True, None),
    ("1.2.3", "1.2.4", None, Bump.NONE, Bump.PATCH, True, None),
    ("2.0.0", "1.9.9", FEATURE, Bump.MINOR, Bump.MAJOR, False, "2.1.0"),
    # Below 1.0.0 the leftmost part that is not zero is the one that breaks.
    ("0.3.1", "0.4.0", BREAKING, Bump.MINOR, Bump.MINOR, True, None),
    ("0.3.1", "0.3.2", BREAKING, Bump.MINOR, Bump.PATCH, False, "0.4.0"),
    ("0.3.1", "0.3.2", FEATURE, Bump.PATCH, Bump.PATCH, True, None),
    ("0.3.1", "1.0.0", BREAKING, Bump.MINOR, Bump.MAJOR, True, None),
    ("0.0.3", "0.0.4", BREAKING, Bump.PATCH, Bump.PATCH, True, None),
    # Pre-releases promise nothing to what they lead to, but count as the version that they lead to.
    ("1.1.0-rc.1", "1.1.0-rc.2", BREAKING, Bump.MAJOR, Bump.PATCH, True, None),
    ("1.1.0-rc.1", "1.1.0", BREAKING, Bump.MAJOR, Bump.PATCH, True, None),
    ("1.1.0-rc.1", "1.1.0-rc.1", BREAKING, Bump.MAJOR, Bump.NONE, True, None),
    ("1.1.0-rc.2", "1.1.0-rc.1", BREAKING, Bump.MAJOR, Bump.PATCH, False, "1.1.0"),
    ("1.1.0-rc.1", "1.1.1", BREAKING, Bump.MAJOR, Bump.PATCH, False, "1.1.0"),
    ("1.0.0", "1.1.0-rc.1", FEATURE, Bump.MINOR, Bump.MINOR, True, None),
    ("1.0.0", "1.1.0-rc.1", BREAKING, Bump.MAJOR, Bump.MINOR, False, "2.0.0"),
    ("1.0.0", "2.0.0-rc.1", BREAKING, Bump.MAJOR, Bump.MAJOR, True, None),
    ("1.1.0", "1.1.0-rc.1", INTERNAL, Bump.PATCH, Bump.PATCH, False, "1.1.1"),
]


@pytest.mark.parametrize(("old", "new", "impact", "needed", "given", "admitted", "suggestion"), NUMBERS)
def test_a_number_admits_what_semantic_versions_say(
    old: str, new: str, impact: Impact | None, needed: Bump, given: Bump, admitted: bool, suggestion: str | None
) -> None:
    verdict = judge(old, new, impact)
    assert (verdict.needed, verdict.given, verdict.admitted) == (needed, given, admitted)
    assert verdict.suggestion == suggestion
    assert verdict.reason


@pytest.mark.parametrize(
    ("old", "new", "impact"), [(old, new, impact) for old, new, impact, _, _, admitted, _ in NUMBERS if not admitted]
)
def test_the_number_that_is_suggested_admits_the_changes(old: str, new: str, impact: Impact) -> None:
    suggestion = judge(old, new, impact).suggestion
    assert suggestion is not None
    assert judge(old, suggestion, impact).admitted
