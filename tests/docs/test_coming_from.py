"""The pages for those who come from elsewhere: what they say of the importer is what it does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.convert import Imported, Rules, convert_files
from kubesaga.cli.importing.notes import Kind, Notes
from tests.docs.pages import page

PAGE = page("coming-from-tasker")
COMMAND = re.compile(r"`kubesaga import tasker (\S+) --image (\S+)`")


def blocks(language: str, text: str = PAGE) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def taskers_templates() -> list[str]:
    """The blocks in Tasker's own formats."""
    return [block for block in blocks("yaml") if "namespace_name:" in block]


def ours(kind: str) -> list[Any]:
    """The page's objects of ours."""
    found = [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("apiVersion: kubesaga.dev/")]
    return [each for each in found if each["kind"] == kind]


def import_text(text: str, file: Path, image: str | None = None) -> Imported:
    """What the importer makes of a block."""
    file.write_text(text, "utf-8")
    (found,) = convert_files([str(file)], Rules(image=image))
    return found


@pytest.mark.parametrize("number", range(2))
def test_each_template_becomes_what_the_page_shows(number: int, tmp_path: Path) -> None:
    file, image = COMMAND.findall(PAGE)[number]
    found = import_text(taskers_templates()[number], tmp_path / file, image)
    assert found.manifest == ours("TaskTemplate")[number]
    assert found.findings == ()


def test_the_request_becomes_what_the_page_shows(tmp_path: Path) -> None:
    (request,) = (block for block in blocks("json") if "context" in json.loads(block))
    found = import_text(request, tmp_path / "checkout.json")
    assert [found.manifest] == ours("Task")
    assert found.findings == ()


def test_the_table_of_callables_is_the_rule() -> None:
    table = PAGE.partition("| A handler in Tasker |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([^`]+)`[^|]*\| `([^`]+)`[^|]*\| (`[^`]+`|the same) \|$", table, flags=re.MULTILINE)
    assert len(rows) == 4
    for name, alone, packaged in rows:
        below = alone if packaged == "the same" else packaged.strip("`")
        assert Callables().convert(name, "", Notes()) == alone
        assert Callables("shop").convert(name, "", Notes()) == below


def test_the_page_explains_every_kind_of_note() -> None:
    assert [kind for kind in Kind if f"| `{kind}` |" not in PAGE] == []


@pytest.mark.parametrize("name", ["coming-from-tasker", "coming-from-argo"])
def test_every_block_of_yaml_is_yaml(name: str) -> None:
    for block in blocks("yaml", page(name)):
        assert all(isinstance(document, dict) for document in yaml.safe_load_all(block))
