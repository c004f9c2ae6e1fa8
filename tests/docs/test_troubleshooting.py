"""docs/troubleshooting.md has a row for every error type and reason that the sources can put into a status."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kubesaga_sdk import errors

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
# What is made of one of these has its type or reason as the first argument.
MAKERS = ("StepError", "TemplateProblem", "Attention")
RUNNERS_OWN = {"InvalidInput", "CallableNotFound", "CallableInvalid", "HandlerImportError"}
# Said of a Task that has ended, whose status is not written any more.
NEVER_WRITTEN = {"NeverStarted"}


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
        tree = ast.parse(file.read_text())
        constants = assigned(ast.Module(body=[n for n in tree.body if isinstance(n, ast.Assign)], type_ignores=[]))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found |= in_calls(node, {**constants, **assigned(node)})
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PROBLEMS":
                assert isinstance(node.value, ast.Dict)
                for value in node.value.values:
                    assert isinstance(value, ast.Tuple)
                    found.update(words(value.elts[0]))
        found |= in_calls(tree, {})
    return found


def assigned(function: ast.AST) -> dict[str, ast.expr]:
    """What the variables of a function, or of a module, are set to, the last of each."""
    sets = (node for node in ast.walk(function) if isinstance(node, ast.Assign))
    return {node.targets[0].id: node.value for node in sets if isinstance(node.targets[0], ast.Name)}


def in_calls(part: ast.AST, variables: Mapping[str, ast.expr]) -> set[str]:
    """The words that the makers are called with, by value or by a variable of theirs."""
    found: set[str] = set()
    for node in ast.walk(part):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
            given = [keyword.value for keyword in node.keywords if keyword.arg in ("type", "reason")]
            first = node.args[0] if node.args else given[0]
            found.update(words(variables.get(first.id, first) if isinstance(first, ast.Name) else first))
    return found


def test_the_sources_spell_out_their_types_where_this_test_looks_for_them() -> None:
    expected = {
        "ImagePullFailed",
        "QuotaExceeded",
        "JobForbidden",
        "ChildForbidden",
        "StepNotStopped",
        "TemplateNotFound",
    }
    assert expected <= from_sources()


def test_every_error_type_and_reason_has_its_row() -> None:
    assert from_sources() - rows() == NEVER_WRITTEN


def test_no_type_has_two_rows_in_one_section() -> None:
    for section in PAGE.split("\n## "):
        listed = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        assert sorted(set(listed)) == sorted(listed)


def test_no_row_is_about_something_that_does_not_exist() -> None:
    assert rows() - from_sources() == RUNNERS_OWN


@pytest.mark.parametrize("name", sorted(RUNNERS_OWN))
def test_the_errors_of_the_sdks_runner_are_its_classes(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.ConfigurationError)
