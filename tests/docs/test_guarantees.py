"""docs/guarantees.md names the guarantees that the checks know, and says truly where each of them is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page
from tests.guarantees.identifiers import Guarantee

TEXT = page("guarantees")
TESTS = ROOT / "tests"
ENGINE = [TESTS / "engine" / "invariants.py"]
AFTERWARDS = [TESTS / "guarantees" / "test_afterwards.py"]
CHECKS = [
    *(file for file in (TESTS / "guarantees").glob("*.py") if not file.name.startswith(("test_", "identifiers"))),
    TESTS / "simulation" / "guards" / "guards.py",
    TESTS / "simulation" / "simulation.py",
]


def named(files: Iterable[Path]) -> set[str]:
    """The guarantees that the code of these files names."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Guarantee":
                found.add(Guarantee[node.attr].value)
    return found


def explained() -> list[str]:
    """The guarantees that the page has a section for, in its order."""
    return re.findall(r"^### `([a-z-]+)`$", TEXT, flags=re.MULTILINE)


def marked(column: str) -> set[str]:
    """The guarantees that have a mark in this column of the page's table."""
    head, *rows = (line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| "))
    place = [cell.strip() for cell in head].index(column)
    return {row[0].strip("`") for row in rows if len(row) > place and row[place].strip() == "yes"}


def test_the_page_explains_every_guarantee_once_and_no_other() -> None:
    assert sorted(explained()) == sorted(guarantee.value for guarantee in Guarantee)


def test_every_guarantee_is_asked_for_by_a_check() -> None:
    assert named(CHECKS) == set(explained())


@pytest.mark.parametrize(("column", "files"), [("Engine", ENGINE), ("Simulation", CHECKS), ("Afterwards", AFTERWARDS)])
def test_the_page_says_truly_where_a_guarantee_is_asked_for(column: str, files: list[Path]) -> None:
    assert marked(column) == named(files)


def test_the_table_has_the_order_of_the_sections() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", TEXT, flags=re.MULTILINE)
    assert rows == explained()


def test_every_module_that_the_page_names_is_there() -> None:
    modules = re.findall(r"`((?:engine|api|runtime|tests)/[\w./*]+\.py)`", TEXT)
    missing = [
        name for name in modules if not list(ROOT.glob(name)) and not list(ROOT.glob(f"operator/kubesaga/{name}"))
    ]
    assert len(modules) > 15
    assert missing == []
