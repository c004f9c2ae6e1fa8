"""Every example is whole: its manifests pass the checks, its handlers exist, and its page and histories are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubesaga.api import constants as c
from kubesaga_sdk.loader import load
from tests.docs.pages import ROOT, Manifest, findings

FOLDERS = [folder for folder in sorted((ROOT / "examples").iterdir()) if folder.is_dir()]


def manifests(folder: Path, pattern: str = "*.yaml") -> Iterator[Manifest]:
    """The objects that `kubectl apply` of these files makes."""
    for path in sorted(folder.glob(pattern)):
        yield from (found for found in yaml.safe_load_all(path.read_text("utf-8")) if found)


def of_kind(folder: Path, kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [found for found in manifests(folder) if found["kind"] == kind]


def name_of(template: Manifest) -> str:
    """The logical name of a template."""
    return str(template["spec"].get("name", template["metadata"]["name"]))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestEveryExample:
    def test_its_objects_pass_the_checks_in_any_namespace(self, folder: Path) -> None:
        found = [*manifests(folder), *manifests(folder, "actions/*.yaml")]
        ours = [each for each in found if str(each["apiVersion"]).startswith(f"{c.GROUP}/")]
        assert {each["metadata"]["name"]: findings(each) for each in ours if findings(each)} == {}
        assert [each["metadata"]["name"] for each in found if "namespace" in each["metadata"]] == []

    def test_its_tasks_and_sub_workflows_refer_to_its_templates(self, folder: Path) -> None:
        templates, tasks = of_kind(folder, c.TEMPLATE_KIND), of_kind(folder, c.TASK_KIND)
        named = {name_of(template) for template in templates}
        children = [step["task"] for template in templates for step in template["spec"]["steps"] if "task" in step]
        assert tasks
        assert {ref["templateRef"]["name"] for ref in (*(task["spec"] for task in tasks), *children)} == named

    def test_its_handlers_exist(self, folder: Path) -> None:
        for template in of_kind(folder, c.TEMPLATE_KIND):
            for step in [*template["spec"]["steps"], *template["spec"].get("finally", [])]:
                if "handler" in step:
                    load(step["handler"]["callable"], step["handler"].get("method", c.DEFAULT_METHOD))
                    if step.get("compensation") == {}:
                        load(step["handler"]["callable"], c.COMPENSATION_METHOD)

    def test_its_page_names_its_files_and_its_tasks(self, folder: Path) -> None:
        page = (folder / "README.md").read_text("utf-8")
        for task in of_kind(folder, c.TASK_KIND):
            assert f"`{task['metadata']['name']}`" in page
        assert f"kubectl apply -f examples/{folder.name}/" in page

    def test_it_has_a_golden_history_of_each_task(self, folder: Path) -> None:
        golden = {file.stem.split(".")[0] for file in (folder / "history").glob("*.yaml")}
        assert golden == {task["metadata"]["name"] for task in of_kind(folder, c.TASK_KIND)}


def test_the_readme_lists_every_page_and_every_example() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]
    assert [path for path in (*pages, *(f"examples/{folder.name}/" for folder in FOLDERS)) if path not in readme] == []
