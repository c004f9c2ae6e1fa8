"""The rules of an import one by one: names, callables, retries, versions, schemas, conditions."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.cli.importing.branching import Branch, add_conditions
from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.fields import Fields
from kubesaga.cli.importing.notes import Notes
from kubesaga.cli.importing.retry import replaced_retry, step_retry, timeout
from kubesaga.cli.importing.schemas import upgraded
from kubesaga.cli.importing.versioning import convert_version
from kubesaga.cli.importing.words import StepNames, logical_name, object_name, step_name


def fields(**values: Any) -> Fields:
    """The fields of an object at the root of a document."""
    return Fields(values, "", Notes())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("charge_card", "charge_card"),
        ("ChargeCard", "charge_card"),
        ("charge-card 2", "charge_card_2"),
        ("HTTPCall", "http_call"),
        ("2nd look", "step_2nd_look"),
        ("a" * 50, "a" * 40),
    ],
)
def test_a_step_gets_a_name_that_expressions_can_read(written: str, name: str) -> None:
    assert step_name(written) == name


def test_templates_and_objects_get_names_that_the_api_takes() -> None:
    assert logical_name("api_task/Integration") == "api_task-integration"
    assert logical_name("42") == "t-42"
    assert object_name("shop", "process_order", "1.0.0-rc.1") == "shop-process-order-1-0-0-rc-1"
    assert len(object_name("x" * 100)) == 63


def test_two_steps_never_get_the_same_name() -> None:
    names, notes = StepNames(), Notes()
    assert [names.declare(name, "steps", notes) for name in ("ship", "Ship", "SHIP", "ship")] == [
        "ship", "ship_2", "ship_3", "ship",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.handlers.Ship", "shop.handlers:Ship"),
        ("shop.handlers:Ship", "shop.handlers:Ship"),
        ("Shop::StepHandlers::Ship", "shop.step_handlers:Ship"),
        ("::Shop::Ship", "shop:Ship"),
        ("Class::Ship", "class_:Ship"),
        ("Email::Queue::Ship", "email_.queue:Ship"),
        ("Ship", "Ship"),
        ("ship", "ship"),
        ("shop:stripe:ship", "shop_stripe_ship"),
        ("class:ship it", "class_ship_it"),
        ("ship-it", "ship-it"),
    ],
)
def test_a_class_becomes_a_callable(name: str, expected: str) -> None:
    assert Callables().convert(name, "", Notes()) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Shop::Ship", "team.shop:Ship"),
        ("Ship", "team:Ship"),
        ("shop.handlers.Ship", "shop.handlers:Ship"),
        ("Old::Ship", "new.shipping:ShipIt"),
        ("Old::Pay", "new:Pay"),
        ("Old::Steps::Pay", "new.steps:Pay"),
        ("Older::Pay", "team.older:Pay"),
    ],
)
def test_package_and_map_say_where_classes_are_now(name: str, expected: str) -> None:
    callables = Callables("team", {"Old::Ship": "new.shipping:ShipIt", "Old": "new"})
    assert callables.convert(name, "", Notes()) == expected


@pytest.mark.parametrize(
    ("step", "retry"),
    [
        ({}, {}),
        ({"default_retryable": True}, {}),
        ({"default_retryable": True, "default_retry_limit": 5}, {"maxAttempts": 5}),
        ({"default_retryable": False, "default_retry_limit": 5}, {"maxAttempts": 1}),
        ({"retry_limit": 0}, {"maxAttempts": 1}),
        ({"retry": {"max_attempts": 2}}, {"maxAttempts": 2}),
        ({"retry": {"limit": 7, "backoff": ":none"}}, {"maxAttempts": 7, "backoff": "None"}),
        ({"retry": {"backoff": "BackoffStrategy.FIBONACCI"}}, {"backoff": "Fibonacci"}),
        ({"retry": {"backoff_base_ms": 100, "max_backoff_ms": 3_600_000}},
         {"initialInterval": "100ms", "maxInterval": "1h"}),
        ({"retry": {"backoff_base_ms": -1}}, {}),
    ],
)  # fmt: skip
def test_limits_of_retries_are_attempts_in_total(step: dict[str, Any], retry: dict[str, Any]) -> None:
    assert step_retry(fields(**step)) == retry


def test_an_environments_retry_says_what_tasker_would_fill_in() -> None:
    assert replaced_retry(fields(backoff_base_ms=50)) == {
        "maxAttempts": 3, "backoff": "Exponential", "initialInterval": "50ms",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"timeout_seconds": 90}, "1m30s"),
        ({"timeout_ms": 1500}, "1s500ms"),
        ({"timeout_ms": 200}, "1s"),
        ({"timeout_seconds": 0}, None),
        ({"timeout_seconds": "soon"}, None),
        ({}, None),
    ],
)
def test_timeouts_are_durations(values: dict[str, Any], expected: str | None) -> None:
    found = fields(**values)
    assert timeout(found) == expected
    found.close()
    assert bool(found.notes.all) == (expected == "1s" or (expected is None and bool(values)))


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1", "1.2.3-rc.1"),
        ("v2", "2.0.0"),
        (1.5, "1.5.0"),
        (3, "3.0.0"),
        ("1.0.0+build5", "1.0.0"),
        ("next", "0.1.0"),
        (None, "0.1.0"),
    ],
)
def test_versions_are_semantic(written: Any, version: str) -> None:
    found = fields(version=written)
    assert convert_version(found, always=True) == version
    assert bool(found.notes.all) == (written != version)


def test_older_schemas_become_draft_2020_12() -> None:
    old = {
        "properties": {"a": {"type": "integer", "maximum": 3, "exclusiveMaximum": True, "minimum": 0,
                             "exclusiveMinimum": False}, "dependencies": {"type": "object"}},
        "dependencies": {"a": ["b"], "b": {"required": ["c"]}},
        "definitions": {"x": {"items": [{"type": "string"}]}},
    }  # fmt: skip
    assert upgraded(old, "schema", Notes()) == {
        "properties": {
            "a": {"type": "integer", "exclusiveMaximum": 3, "minimum": 0},
            "dependencies": {"type": "object"},
        },
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"b": {"required": ["c"]}},
        "definitions": {"x": {"prefixItems": [{"type": "string"}]}},
    }


def test_a_schema_of_today_stays_as_it_is() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}, "$defs": {"b": True}}
    notes = Notes()
    assert upgraded(schema, "schema", notes) == schema
    assert notes.all == []


def test_what_follows_two_choices_asks_for_both() -> None:
    def branch(name: str, type_: str, *before: str) -> Branch:
        return Branch(name, type_, name, {"name": name, "dependsOn": list(before)})

    first, second = branch("first", "decision"), branch("second", "decision", "first")
    both = branch("both", "standard", "first", "second")
    add_conditions([first, second, both])
    assert "when" not in first.step
    assert '"second" in steps.first' in second.step["when"]
    assert both.step["when"].startswith('steps.second.outcome != "Skipped" && ')
    assert both.step["when"].count('"both" in ') == 2
