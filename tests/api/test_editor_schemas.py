"""The editors' JSON Schemas: they accept the example and mark what is wrong while it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api.editor_schemas import task_schema, task_template_schema

EXAMPLE = Path(__file__).parents[2] / "examples" / "order-fulfillment"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLE / name).read_text(encoding="utf-8")))


def problems(schema: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(manifest)]


@pytest.fixture
def template() -> dict[str, Any]:
    return documents("template.yaml")[0]


def test_the_schemas_are_schemas() -> None:
    for schema in (task_schema(), task_template_schema()):
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


def test_nothing_of_kubernetes_own_dialect_is_left() -> None:
    assert "x-kubernetes" not in json.dumps([task_schema(), task_template_schema()])
