"""What lint finds between objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubesaga.cli.lint.check import check_files
from tests.cli.manifests import step, task, template, write

SCHEMA = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": "string"}, "items": {"type": "array", "items": {"type": "integer"}}},
}


def found(tmp_path: Path, *documents: dict[str, Any]) -> list[tuple[str, str, str]]:
    report = check_files([write(tmp_path / "all.yaml", *documents)])
    return [(str(each.code), each.object, each.path) for each in report.problems]


def in_namespace(namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def child(name: str, template_name: str, **reference: Any) -> dict[str, Any]:
    return step(name, task={"templateRef": {"name": template_name, **reference}})


def test_a_context_is_checked_against_the_template_that_the_task_would_get(tmp_path: Path) -> None:
    old, new = template(version="1.0.0"), template(version="1.1.0", inputSchema=SCHEMA)
    assert found(tmp_path, old, new, task(context={})) == [("InvalidContext", "Task/order-1", "spec.context")]
    assert found(tmp_path, old, new, task(context={}, version="~1.0.0")) == []
    assert found(tmp_path, new, task(context={"sku": "cup", "items": [1, "2"]})) == [
        ("InvalidContext", "Task/order-1", "spec.context.items[1]")
    ]


def test_the_templates_default_context_counts(tmp_path: Path) -> None:
    assert found(tmp_path, template(inputSchema=SCHEMA, defaultContext={"sku": "cup"}), task()) == []


def test_a_template_that_is_not_at_hand_may_be_on_the_cluster(tmp_path: Path) -> None:
    assert found(tmp_path, task(template_name="other")) == []
    assert found(tmp_path, in_namespace("a", template(inputSchema=SCHEMA)), in_namespace("b", task())) == []


def test_a_version_that_is_not_at_hand_is_a_warning(tmp_path: Path) -> None:
    report = check_files(
        [
            write(
                tmp_path / "all.yaml",
                template(),
                task(version="^2.0"),
                template("trip", steps=[child("book", "order", version="1.x"), child("pay", "order", version="3.0.0")]),
            )
        ]
    )
    assert [(each.code, each.severity, each.path) for each in report.problems] == [
        ("UnknownVersion", "warning", "spec.templateRef"),
        ("UnknownVersion", "warning", "spec.steps[1].task.templateRef"),
    ]


def test_a_step_that_cannot_be_bypassed_is_told(tmp_path: Path) -> None:
    written = template(steps=[step("charge"), step("notify", skippable=True)])
    assert found(tmp_path, written, task(bypassSteps=["notify", "charge", "notfy"])) == [
        ("UnknownStep", "Task/order-1", "spec.bypassSteps[1]"),
        ("UnknownStep", "Task/order-1", "spec.bypassSteps[2]"),
    ]


def test_an_idempotency_key_that_the_template_asks_for_is_told(tmp_path: Path) -> None:
    written = template(identityStrategy="CallerProvided")
    assert found(tmp_path, written, task(), task("order-2", idempotencyKey="a")) == [
        ("MissingIdempotencyKey", "Task/order-1", "spec.idempotencyKey")
    ]


def test_two_objects_of_one_name_are_told_also_from_two_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.yaml", task(), in_namespace("b", task()))
    second = write(tmp_path / "b.yaml", task())
    (problem,) = check_files([first, second]).problems
    assert (problem.code, problem.file) == ("DuplicateObject", second)
    assert f"{first}:4:3" in problem.message


def test_two_templates_of_one_version_are_told(tmp_path: Path) -> None:
    other = {**template(), "metadata": {"name": "another"}}
    assert found(tmp_path, template(), other) == [("DuplicateVersion", "TaskTemplate/another", "spec.version")]
    assert found(tmp_path, template(), in_namespace("b", other)) == []


def test_a_file_that_is_named_twice_is_read_twice_but_within_folders_once(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", task())
    assert check_files([str(tmp_path), str(tmp_path)]).problems == ()


@pytest.mark.parametrize("length", [2, 3, 5])
def test_templates_that_run_each_other_are_told_once(length: int, tmp_path: Path) -> None:
    names = [f"t{i}" for i in range(length)]
    ring = [template(name, steps=[child("next", names[i - 1])]) for i, name in enumerate(names)]
    (problem,) = found(tmp_path, *ring)
    assert (problem[0], problem[2]) == ("SubWorkflowCycle", "spec.steps[0].task.templateRef")


def test_every_circle_of_templates_is_told(tmp_path: Path) -> None:
    both = template("a", steps=[child("b", "b"), child("c", "c")])
    circles = found(tmp_path, both, template("b", steps=[child("a", "a")]), template("c", steps=[child("a", "a")]))
    assert [code for code, _, _ in circles] == ["SubWorkflowCycle"] * 2


def test_a_version_that_goes_another_way_makes_no_circle(tmp_path: Path) -> None:
    old = template("a", "1.0.0")
    new = template("a", "2.0.0", steps=[child("b", "b")])
    assert found(tmp_path, old, new, template("b", steps=[child("a", "a", version="^1.0")])) == []


def test_what_cannot_be_read_is_not_compared(tmp_path: Path) -> None:
    broken = template(inputSchema={"type": "strin"})
    assert [code for code, _, _ in found(tmp_path, broken, task(context={}))] == ["InvalidInputSchema"]
    assert [code for code, _, _ in found(tmp_path, template(version="v1"), task(context={}))] == ["InvalidVersion"]
    assert [code for code, _, _ in found(tmp_path, template(inputSchema=SCHEMA), task(context=[]))] == ["InvalidField"]
