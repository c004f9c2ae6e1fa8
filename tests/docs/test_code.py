"""The Python in the docs is Python, and what it takes from the SDK is there."""

from __future__ import annotations

import ast
import re

import pytest

import kubesaga_sdk
from kubesaga_sdk import StepContext
from tests.docs.pages import DOCS, ROOT

FILES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", *sorted((ROOT / "examples").glob("*/README.md"))]
BLOCKS = [
    pytest.param(block, id=f"{file.relative_to(ROOT)}-{number}")
    for file in FILES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", file.read_text("utf-8"), flags=re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_uses_what_there_is(block: str) -> None:
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "kubesaga_sdk":
            assert [name.name for name in node.names if not hasattr(kubesaga_sdk, name.name)] == []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "context":
            assert hasattr(StepContext, node.attr), f"StepContext has no {node.attr}"


def test_there_is_code_to_look_at() -> None:
    assert len(BLOCKS) >= 3
