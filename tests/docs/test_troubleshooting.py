"""docs/troubleshooting.md has a row for every error type and reason that the sources can put into a status."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubesaga_sdk import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
# What is made of one of these has its type or reason as the first argument.
MAKERS = ("StepError", "TemplateProblem", "Attention")
RUNNERS_OWN = {"InvalidInput", "CallableNotFound", "CallableInvalid", "HandlerImportError"}


def rows() -> set[str]:
    """The first cells of the page's tables."""
    return set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))


def words(node: ast.expr) -> Iterator[str]:
    """The CamelCase words that an expression can evaluate to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and re.fullmatch(r"[A-Z]\w+", part.value):
            yield part.value


def from_sources() -> set[str]:
    """Every type and reason that the operator's code spells out."""
    found: set[str] = set()
    for file in (ROOT / "operator" / "kubesaga").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                first = (
                    node.args[0] if node.args else next(k.value for k in node.keywords if k.arg in ("type", "reason"))
                )
                found.update(words(first))
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PROBLEMS":
                assert isinstance(node.value, ast.Dict)
                for value in node.value.values:
                    assert isinstance(value, ast.Tuple)
                    found.update(words(value.elts[0]))
    return found


def test_the_sources_spell_out_their_types_where_this_test_looks_for_them() -> None:
    assert {"ImagePullFailed", "QuotaExceeded", "JobForbidden", "StepNotStopped", "TemplateNotFound"} <= from_sources()


def test_every_error_type_and_reason_has_its_row() -> None:
    assert from_sources() - rows() == set()


def test_no_row_is_about_something_that_does_not_exist() -> None:
    assert rows() - from_sources() == RUNNERS_OWN


@pytest.mark.parametrize("name", sorted(RUNNERS_OWN))
def test_the_errors_of_the_sdks_runner_are_its_classes(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.ConfigurationError)
