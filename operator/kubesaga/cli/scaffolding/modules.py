"""Which modules of handlers are to be written, which are there and complete, and which lack something.

Called by `kubesaga generate handler`. A module that is there is read, never run, and never changed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kubesaga.api.constants import DEFAULT_METHOD
from kubesaga.api.models.programs import CALLABLE_PATTERN
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.scaffolding.handlers import Stub, module_files, render_module, stub_of, stubs_of
from kubesaga.cli.scaffolding.sketch import read_sketches


@dataclass(slots=True)
class Plan:
    """What is to be done: files to write, modules that have everything already, and what others lack."""

    files: dict[str, str] = field(default_factory=dict)
    complete: list[Path] = field(default_factory=list)
    lacking: dict[Path, list[str]] = field(default_factory=dict)
    stubs: str = ""

    def refusal(self) -> CliError:
        """The error that says what was not written."""
        parts = [f"{path} lacks {', '.join(names)}" for path, names in self.lacking.items()]
        return CliError(
            f"{'; '.join(parts)}: a module that is there is not changed",
            "add what is printed above, or name another module",
            ExitCode.REFUSED,
        )


def planned_modules(folder: Path, callables: Sequence[str], template: str | None, module: str, *, force: bool) -> Plan:
    """The plan for callables and for those of a template. Raises CliError if nothing is asked for."""
    stubs = _asked(callables, template, module)
    plan = Plan()
    lacking: list[Stub] = []
    for name in dict.fromkeys(stub.module for stub in stubs):
        own = [stub for stub in stubs if stub.module == name]
        written = module_files(name, render_module(own, f"module {name}" if not template else f"template {template}"))
        path = folder / list(written)[-1]
        if not path.exists() or force:
            plan.files |= {each: text for each, text in written.items() if text or not (folder / each).exists()}
            continue
        missing = _missing(path, own)
        if missing:
            plan.lacking[path] = missing
            lacking += own
        else:
            plan.complete.append(path)
    plan.stubs = render_module(lacking, "what is lacking") if lacking else ""
    return plan


def _asked(callables: Sequence[str], template: str | None, module: str) -> list[Stub]:
    stubs = []
    for each in callables:
        if not (each.isidentifier() or re.fullmatch(CALLABLE_PATTERN, each)):
            raise CliError(f"{each}: names no callable", "write package.module:Class, a class's name, or a handler's")
        stub = stub_of(each, module)
        stub.methods[DEFAULT_METHOD] = "Write it"
        stubs.append(stub)
    if template is not None:
        stubs += [stub for sketch in read_sketches(template) for stub in stubs_of(sketch, module)]
    if not stubs:
        raise CliError("no handler is named", "name callables (shop.handlers:ChargeCard), or --template FILE")
    found: dict[tuple[str, str], Stub] = {}
    for stub in stubs:
        first = found.setdefault((stub.module, stub.attribute), stub)
        first.methods = {**stub.methods, **first.methods}
    return list(found.values())


def _missing(path: Path, stubs: Sequence[Stub]) -> list[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise CliError(f"{path}: is not Python: {error}", "correct it, or name another module") from None
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    there = {node.name: node for node in tree.body if isinstance(node, definitions)}
    names = set(there) | _other_names(tree)
    missing = []
    for stub in stubs:
        if stub.attribute not in names:
            missing.append(stub.attribute)
            continue
        owner = there.get(stub.attribute)
        if isinstance(owner, ast.ClassDef) and _tells_all(owner):
            own = {each.name for each in owner.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
            missing += [f"{stub.attribute}.{name}" for name in stub.methods if name not in own]
    return missing


def _tells_all(owner: ast.ClassDef) -> bool:
    """Whether the class has its methods from nobody but the SDK."""
    return all(isinstance(base, ast.Name) and base.id == "StepHandler" for base in owner.bases)


def _other_names(tree: ast.Module) -> set[str]:
    """Names that a module has by import or assignment."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found
