"""docs/client.md names what the client has: its methods, its errors, and what its examples import."""

from __future__ import annotations

import ast
import re

import kubesaga.client
from kubesaga.client import AsyncKubesaga, KubesagaError
from tests.docs.pages import page

TEXT = page("client")


def rows(section: str) -> list[str]:
    """The first cells of the table in a section."""
    lines = TEXT.split(f"## {section}\n")[1].split("\n## ")[0].splitlines()
    return [line.split("|")[1] for line in lines if line.startswith("| `")]


def test_every_method_has_its_row() -> None:
    named = {word for row in rows("What there is") for word in re.findall(r"`(\w+)", row)}
    methods = {name for name in dir(AsyncKubesaga) if not name.startswith("_")}
    assert named <= methods
    assert methods - named == {"act", "close", "connect", "open"}


def test_every_error_has_its_row() -> None:
    named = {word for row in rows("When something goes wrong") for word in re.findall(r"`(\w+)`", row)}
    exported = {name: getattr(kubesaga.client, name) for name in kubesaga.client.__all__}
    errors = {name for name, it in exported.items() if isinstance(it, type) and issubclass(it, KubesagaError)}
    assert named == errors - {"KubesagaError"}


def test_the_examples_import_and_call_what_there_is() -> None:
    blocks = [ast.parse(block) for block in re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)]
    assert len(blocks) >= 3
    for node in (node for block in blocks for node in ast.walk(block)):
        if isinstance(node, ast.ImportFrom):
            assert node.module == "kubesaga.client"
            assert {each.name for each in node.names} <= set(kubesaga.client.__all__)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "saga":
            assert hasattr(AsyncKubesaga, node.attr)
