"""The generated CRDs: structural, bounded, small, and the same as those in crds/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from kubesaga.api import generate
from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
from kubesaga.api.models import TaskActionSpec, TaskSpec, TaskTemplateSpec
from kubesaga.api.models.action import WITH_STEP, WITHOUT_STEP
from kubesaga.api.structural import SchemaError, structural_schema
from kubesaga.engine.vocabulary import ActionPhase, ActionType, Backoff, DesiredState, FailureStrategy, TaskState

ROOT = Path(__file__).parents[2]
CRDS = {"tasks": task_crd(), "tasktemplates": task_template_crd(), "taskactions": task_action_crd()}
CHANGEABLE = ["cancellation", "desiredState", "ttlAfterFinished"]
FILES = generate.generated_files()
ANNOTATION_LIMIT = 256 * 1024


def openapi(crd: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from nodes(schema[key], path + suffix)


def test_the_generated_files_are_those_in_the_project() -> None:
    stale = [name for name, content in FILES.items() if (ROOT / name).read_text(encoding="utf-8") != content]
    assert stale == [], "run `python -m kubesaga.api.generate` and commit the result"


def test_checking_prints_what_differs_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--root", str(tmp_path)]) == 0
    assert generate.main(["--root", str(tmp_path), "--check"]) == 0
    crd = tmp_path / "crds" / "kubesaga.dev_tasks.yaml"
    crd.write_text(crd.read_text(encoding="utf-8").replace("shortNames", "nicknames"), encoding="utf-8")
    (tmp_path / "schemas" / "task.json").unlink()
    capsys.readouterr()
    assert generate.main(["--root", str(tmp_path), "--check"]) == 1
    printed = capsys.readouterr()
    assert "-    nicknames:" in printed.out
    assert "+    shortNames:" in printed.out
    assert "task.json (as it is)" in printed.out
    assert "python -m kubesaga.api.generate" in printed.err


@pytest.mark.parametrize("name", FILES)
def test_each_file_fits_into_the_annotation_of_a_client_side_apply(name: str) -> None:
    assert len(FILES[name].encode()) < ANNOTATION_LIMIT


@pytest.mark.parametrize("crd", CRDS.values(), ids=CRDS)
def test_every_node_has_a_type_or_preserves_what_it_does_not_know(crd: dict[str, Any]) -> None:
    untyped = [
        path
        for path, node in nodes(openapi(crd))
        if "type" not in node
        and not node.get("x-kubernetes-preserve-unknown-fields")
        and not node.get("x-kubernetes-int-or-string")
    ]
    assert untyped == []


@pytest.mark.parametrize("crd", CRDS.values(), ids=CRDS)
def test_everything_that_a_user_writes_is_bounded(crd: dict[str, Any]) -> None:
    unbounded = []
    for path, node in nodes(openapi(crd)["properties"]["spec"], "spec"):
        bound = {"string": {"maxLength", "enum"}, "array": {"maxItems"}}.get(node.get("type", ""), set())
        if "additionalProperties" in node:
            bound = {"maxProperties"}
        if bound and not bound & node.keys():
            unbounded.append(path)
    assert unbounded == []


@pytest.mark.parametrize("crd", CRDS.values(), ids=CRDS)
def test_everything_is_described(crd: dict[str, Any]) -> None:
    silent = [
        f"{path}.{name}"
        for part in ("spec", "status")
        for path, node in nodes(openapi(crd)["properties"][part], part)
        for name, field in node.get("properties", {}).items()
        if "description" not in field
    ]
    assert silent == []


@pytest.mark.parametrize("crd", [task_crd(), task_template_crd()], ids=["tasks", "tasktemplates"])
def test_the_keys_of_list_maps_are_required(crd: dict[str, Any]) -> None:
    maps = [node for _, node in nodes(openapi(crd)) if node.get("x-kubernetes-list-type") == "map"]
    assert maps
    for node in maps:
        assert set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"])


def test_words_come_from_the_engine() -> None:
    task, template, action = (openapi(crd)["properties"] for crd in CRDS.values())
    assert task["status"]["properties"]["state"]["enum"] == list(TaskState)
    spec = template["spec"]["properties"]
    assert spec["failureStrategy"]["enum"] == list(FailureStrategy)
    step = spec["steps"]["items"]["properties"]
    assert step["retry"]["properties"]["backoff"]["enum"] == list(Backoff)
    assert action["spec"]["properties"]["type"]["enum"] == list(ActionType)
    assert action["status"]["properties"]["phase"]["enum"] == list(ActionPhase)


def test_every_field_of_a_task_is_immutable_but_for_what_its_owner_still_wants() -> None:
    spec = openapi(task_crd())["properties"]["spec"]
    rules = [rule["rule"] for rule in spec["x-kubernetes-validations"]]
    fields = [field.alias or name for name, field in TaskSpec.model_fields.items()]
    fixed = [field for field in fields if any(f"self.{field} == oldSelf.{field}" in rule for rule in rules)]
    assert sorted(set(fields) - set(fixed)) == CHANGEABLE


def test_a_task_runs_unless_it_says_otherwise() -> None:
    spec = openapi(task_crd())["properties"]["spec"]["properties"]
    assert spec["desiredState"]["default"] == DesiredState.RUNNING
    assert "default" not in spec["cancellation"]


def test_every_type_of_action_knows_whether_it_needs_a_step() -> None:
    with_or_without = {ActionType.RETRY, ActionType.RESOLVE, ActionType.RETRY_COMPENSATION}
    assert {*WITH_STEP, *WITHOUT_STEP, *with_or_without} == set(ActionType)
    assert len(WITH_STEP) + len(WITHOUT_STEP) + len(with_or_without) == len(ActionType)


def test_an_action_says_who_asks_for_it() -> None:
    schema = structural_schema(TaskActionSpec)
    assert sorted(schema["required"]) == ["requestedBy", "taskRef", "type"]
    assert schema["properties"]["requestedBy"]["minLength"] == 1


def test_a_range_of_versions_is_refused_with_words_instead_of_a_pattern() -> None:
    version = structural_schema(TaskSpec)["properties"]["templateRef"]["properties"]["version"]
    assert "pattern" not in version
    (rule,) = version["x-kubernetes-validations"]
    assert "^2.1, ~1.4" in rule["message"]


def test_results_may_be_anything_and_null_too() -> None:
    status = openapi(task_crd())["properties"]["status"]["properties"]
    for node in (status["result"], status["steps"]["items"]["properties"]["result"]):
        assert "type" not in node
        assert node["nullable"] is True
        assert node["x-kubernetes-preserve-unknown-fields"] is True


def test_kubectl_shows_the_story_of_a_task() -> None:
    version = task_crd()["spec"]["versions"][0]
    columns = {column["name"]: column["priority"] for column in version["additionalPrinterColumns"]}
    assert columns == {
        "State": 0,
        "Outcome": 0,
        "Progress": 0,
        "Template": 0,
        "Version": 1,
        "Message": 1,
        "Age": 0,
    }
    assert version["subresources"] == {"status": {}}


def test_kubectl_shows_which_templates_can_be_used() -> None:
    columns = task_template_crd()["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = {column["name"]: column["priority"] for column in columns}
    assert shown == {"Domain": 0, "Template": 0, "Version": 0, "Ready": 0, "Revision": 1, "Age": 0}


def test_kubectl_shows_what_became_of_an_action() -> None:
    version = task_action_crd()["spec"]["versions"][0]
    shown = {column["name"]: column["priority"] for column in version["additionalPrinterColumns"]}
    assert shown == {"Task": 0, "Type": 0, "Step": 0, "Phase": 0, "Message": 1, "Age": 0}
    assert version["subresources"] == {"status": {}}


def test_short_names_and_category_are_those_of_the_docs() -> None:
    names = [crd["spec"]["names"] for crd in CRDS.values()]
    assert [name["shortNames"] for name in names] == [["ktask"], ["ktt"], ["kta"]]
    assert all(name["categories"] == ["kubesaga"] for name in names)


def test_a_model_that_a_structural_schema_cannot_say_is_refused() -> None:
    class Either(BaseModel):
        value: int | str

    with pytest.raises(SchemaError, match="a union of 2 types"):
        structural_schema(Either)


def test_defaults_are_those_of_the_models() -> None:
    schema = structural_schema(TaskTemplateSpec)["properties"]
    assert schema["failureStrategy"]["default"] == "Abort"
    assert schema["blockedTimeout"]["default"] == "0s"
    assert "default" not in schema["timeout"]


def test_the_files_are_yaml_without_anchors() -> None:
    for name, content in FILES.items():
        if name.endswith(".yaml"):
            assert yaml.safe_load(content)["kind"] == "CustomResourceDefinition"
            assert not any(isinstance(token, yaml.AnchorToken) for token in yaml.scan(content))
