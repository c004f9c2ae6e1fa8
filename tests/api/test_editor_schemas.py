"""The editors' JSON Schemas: they accept the example and mark what is wrong while it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api.editor_schemas import task_action_schema, task_schema, task_template_schema

EXAMPLE = Path(__file__).parents[2] / "examples" / "order-fulfillment"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLE / name).read_text(encoding="utf-8")))


def problems(schema: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(manifest)]


@pytest.fixture
def template() -> dict[str, Any]:
    return documents("template.yaml")[0]


def test_the_schemas_are_schemas() -> None:
    for schema in (task_schema(), task_template_schema(), task_action_schema()):
        jsonschema_rs.meta.validate(schema)


def test_the_example_is_right(template: dict[str, Any]) -> None:
    assert problems(task_template_schema(), template) == []
    tasks = [document for document in documents("tasks.yaml") if document["kind"] == "Task"]
    assert [problems(task_schema(), task) for task in tasks] == [[], [], []]


def test_a_typing_error_is_marked(template: dict[str, Any]) -> None:
    template["spec"]["failurestrategy"] = "Abort"
    assert "failurestrategy" in problems(task_template_schema(), template)[0]


def test_a_step_with_two_programs_or_none_is_marked(template: dict[str, Any]) -> None:
    step = template["spec"]["steps"][0]
    assert problems(task_template_schema(), template) == []
    step["container"] = {"image": "busybox"}
    assert problems(task_template_schema(), template)
    del step["container"], step["handler"]
    assert problems(task_template_schema(), template)


@pytest.mark.parametrize("kind", ["task", "approval"])
def test_a_step_may_be_of_any_kind_but_of_one_only(template: dict[str, Any], kind: str) -> None:
    step = template["spec"]["steps"][0]
    given = {"task": {"templateRef": {"name": "payment", "version": "^1.0"}}, "approval": {"timeout": "1h"}}
    step[kind] = given[kind]
    assert problems(task_template_schema(), template)
    del step["handler"]
    assert problems(task_template_schema(), template) == []


def test_a_version_that_is_no_range_is_marked() -> None:
    task: dict[str, Any] = {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "a"},
        "spec": {"templateRef": {"name": "order", "version": ">=1 <3"}},
    }
    assert problems(task_schema(), task) == []
    task["spec"]["templateRef"]["version"] = "latest"
    assert problems(task_schema(), task)


def test_an_action_is_completed_and_checked() -> None:
    action: dict[str, Any] = {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "TaskAction",
        "metadata": {"generateName": "repair-"},
        "spec": {"taskRef": {"name": "order-1"}, "type": "Complete", "step": "charge", "requestedBy": "carol"},
    }
    for result in (None, 5, "x", [1], {"paid": True}):
        assert problems(task_action_schema(), {**action, "spec": {**action["spec"], "result": result}}) == []
    assert problems(task_action_schema(), {**action, "spec": {**action["spec"], "type": "Redo"}})


def test_nothing_of_kubernetes_own_dialect_is_left() -> None:
    assert "x-kubernetes" not in json.dumps([task_schema(), task_template_schema(), task_action_schema()])
