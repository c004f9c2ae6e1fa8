"""Templates in Python: a class of `WorkflowHandler` with a `task_template`. The file is read, never run.

What is looked for, in any class and at the module's top:

    task_template = {...}                      # or TaskTemplate(name=..., steps=[StepDefinition(...), ...])
    def task_template(self): return {...}

A call with keywords stands for an object with these fields, whatever its name; a class stands for itself. What is not
written out (a variable, a computation) cannot be read, and is said to be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from kubesaga.cli.errors import CliError

TEMPLATE = "task_template"
_GETTERS = (TEMPLATE, f"get_{TEMPLATE}")
_STATEMENTS = ("name", "namespace_name", "namespace", "version", "description", "schema", "input_schema")


@dataclass(frozen=True, slots=True)
class Found:
    """A template, as an object of plain values, the class that it was in, and what else this class can do."""

    class_name: str | None
    template: dict[str, Any]
    methods: tuple[str, ...]


def python_templates(text: str, name: str) -> list[Found]:
    """All templates of a Python file. Raises CliError with line and column for what is not Python or not readable."""
    try:
        tree = ast.parse(text, name)
    except (SyntaxError, ValueError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        message = getattr(error, "msg", str(error))
        raise CliError(f"{name}:{line}:{column}: is not Python: {message}", "correct it there") from None
    reader = _Reader(name, _imports(tree))
    found = [template for owner, body in _bodies(tree) for template in reader.templates(owner, body)]
    if not found:
        raise CliError(
            f"{name}: has no {TEMPLATE}",
            f"give a class {TEMPLATE} = {{...}}; a TaskHandler of Tasker Rails' kind is brought over by to_template() "
            "of kubesaga_sdk.workflow",
        )
    return found


def _bodies(tree: ast.Module) -> Iterator[tuple[ast.ClassDef | None, list[ast.stmt]]]:
    yield None, tree.body
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node, node.body


def _imports(tree: ast.Module) -> dict[str, str]:
    """Imported name → ``module:name``."""
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }


class _Reader:
    def __init__(self, file: str, imports: dict[str, str]) -> None:
        self._file = file
        self._module = PurePath(file).stem
        self._imports = imports

    def templates(self, owner: ast.ClassDef | None, body: list[ast.stmt]) -> Iterator[Found]:
        for statement in body:
            value = _value_of(statement)
            if value is None:
                continue
            template = self._plain(value)
            if isinstance(template, str):
                template = self._yaml(template, value)
            if not isinstance(template, dict):
                raise self._unreadable(value, f"{TEMPLATE} is not an object")
            yield Found(owner.name if owner else None, {**self._beside(body), **template}, _methods(owner))

    def _beside(self, body: list[ast.stmt]) -> dict[str, Any]:
        """Fields that stand beside the template, as attributes of its class."""
        return {
            target.id: self._plain(statement.value)
            for statement in body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id in _STATEMENTS
        }

    def _yaml(self, text: str, node: ast.expr) -> Any:
        from kubesaga.cli.inputs import parse_value

        return parse_value(text, f"{self._file}, the text in line {node.lineno}")

    def _plain(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, str | int | float):
                return value
            case ast.Dict(keys=keys, values=values):
                return {self._key(key, node): self._plain(value) for key, value in zip(keys, values, strict=True)}
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return [self._plain(element) for element in elements]
            case ast.Call(args=[], keywords=keywords) if keywords and all(word.arg for word in keywords):
                return {str(word.arg): self._plain(word.value) for word in keywords}
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name(id=name) if name[:1].isupper():
                return self._imports.get(name, f"{self._module}:{name}")
            case ast.Attribute():
                return ast.unparse(node)
        raise self._unreadable(node, f"{ast.unparse(node)[:60]} is computed")

    def _key(self, key: ast.expr | None, node: ast.expr) -> str:
        if isinstance(key, ast.Constant):
            return str(key.value)
        raise self._unreadable(key or node, "a key is computed")

    def _unreadable(self, node: ast.expr, what: str) -> CliError:
        where = f"{self._file}:{node.lineno}:{node.col_offset + 1}"
        return CliError(
            f"{where}: {what}, which cannot be read without running the file",
            "write the value out, or print the template as YAML and import that",
        )


def _methods(owner: ast.ClassDef | None) -> tuple[str, ...]:
    body = owner.body if owner else []
    functions = [each.name for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return tuple(name for name in functions if name not in _GETTERS)


def _value_of(statement: ast.stmt) -> ast.expr | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == TEMPLATE:
            return value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == TEMPLATE:
            return value
        case ast.FunctionDef(name=name, body=body) if name in _GETTERS:
            returned = [each.value for each in body if isinstance(each, ast.Return)]
            return returned[0] if len(returned) == 1 else None
    return None
