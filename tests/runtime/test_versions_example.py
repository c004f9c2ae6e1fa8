"""examples/versions without a cluster: its templates are right, and its Tasks get the versions that its page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubesaga.api.findings import check_task, check_template
from kubesaga.engine.records import PinnedTemplate

from .templating import NS, Shop, play

FOLDER = Path(__file__).parents[2] / "examples" / "versions"
ROWS = re.findall(r"^\| `(quote-\w+)` \| .*? \| ([\d.]+)", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)


def manifests(kind: str) -> list[dict[str, Any]]:
    listed = [each for path in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]
    return [each for each in listed if each["kind"] == kind]


def test_nothing_is_wrong_with_the_manifests() -> None:
    assert [finding for each in manifests("TaskTemplate") for finding in check_template(each["spec"])] == []
    assert [finding for each in manifests("Task") for finding in check_task(each["spec"])] == []
    assert all("namespace" not in each["metadata"] for each in manifests("Task") + manifests("TaskTemplate"))


def test_the_page_has_a_row_for_each_task() -> None:
    assert sorted(name for name, _ in ROWS) == sorted(each["metadata"]["name"] for each in manifests("Task"))


@pytest.mark.parametrize(("name", "version"), ROWS)
def test_each_task_gets_the_version_that_the_page_says(name: str, version: str) -> None:
    async def act(shop: Shop) -> None:
        for each in manifests("TaskTemplate"):
            each["metadata"].update(namespace=NS, generation=1)
            shop.apply(each)
        await shop.settle()
        (task,) = (each for each in manifests("Task") if each["metadata"]["name"] == name)
        task["metadata"].update(namespace=NS, resourceVersion="999")
        found = await shop.templates.find(task)
        assert isinstance(found, PinnedTemplate)
        assert found.version == version

    play(act)
