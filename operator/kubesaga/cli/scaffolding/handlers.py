"""Stubs of handlers: the class or function that each step of a template names, with every method that is asked for.

Called by `kubesaga generate handler`. A stub raises NotImplementedError, so that nothing unwritten passes for done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubesaga.api.constants import COMPENSATION_METHOD, DEFAULT_METHOD
from kubesaga.cli.errors import CliError
from kubesaga.cli.scaffolding.naming import module_name, split_callable
from kubesaga.cli.scaffolding.sketch import Sketch, StepSketch

_HEADER = '''"""Handlers of {owner}."""

from __future__ import annotations

{imports}
'''


@dataclass(slots=True)
class Stub:
    """A callable to write: its module and name there, what it is registered by, and its methods."""

    module: str
    attribute: str
    registered: str | None
    """The arguments of `@step_handler`, as they are written."""
    description: str = ""
    methods: dict[str, str] = field(default_factory=dict)
    """By name what they are for."""

    @property
    def is_class(self) -> bool:
        """Whether it is a class: functions have no methods, and names in lower case."""
        return self.attribute[:1].isupper()


def stubs_of(sketch: Sketch, module: str) -> list[Stub]:
    """One stub for each callable of a template; bare names are in ``module``. Raises CliError for what cannot be."""
    found: dict[tuple[str, str], Stub] = {}
    for step in sketch.steps:
        stub = stub_of(step.callable, module)
        stub = found.setdefault((stub.module, stub.attribute), stub)
        _add(stub, step)
    for stub in found.values():
        _check(stub)
    return list(found.values())


def stub_of(callable_name: str, module: str) -> Stub:
    """The stub for one callable, as yet without methods."""
    owner, attribute = split_callable(callable_name, module)
    name = attribute if attribute.isidentifier() else module_name(attribute)
    return Stub(owner, name, _registration(callable_name))


def _registration(callable_name: str) -> str | None:
    """What registers a callable that is a name: `[namespace/]name[@version]`; None for a class or a place."""
    reference, _, version = callable_name.partition("@")
    namespace, _, name = reference.rpartition("/")
    is_class = name[:1].isupper() and not (namespace or version)
    if ":" in name or "." in name or is_class:
        return None
    given = [f'"{name}"', *([f'"{version}"'] if version else []), *([f'namespace="{namespace}"'] if namespace else [])]
    return ", ".join(given)


def render_module(stubs: Iterable[Stub], owner: str) -> str:
    """A module with these stubs."""
    stubs = list(stubs)
    names = {"StepContext"}
    names |= {"StepHandler"} if any(stub.is_class for stub in stubs) else set()
    names |= {"step_handler"} if any(stub.registered for stub in stubs) else set()
    imports = f"from typing import Any\n\nfrom kubesaga_sdk import {', '.join(sorted(names))}"
    bodies = [_class(stub) if stub.is_class else _function(stub) for stub in stubs]
    return _HEADER.format(owner=owner, imports=imports) + "".join(f"\n\n{body}" for body in bodies)


def module_files(module: str, text: str) -> dict[str, str]:
    """The module's file and those that make its folders packages, by relative path."""
    *packages, name = module.split(".")
    folders = ["/".join(packages[: i + 1]) for i in range(len(packages))]
    return {**{f"{folder}/__init__.py": "" for folder in folders}, "/".join([*packages, f"{name}.py"]): text}


def _add(stub: Stub, step: StepSketch) -> None:
    stub.description = stub.description or step.description
    use = f"Undo step {step.of}" if step.of else f"Step {step.name}"
    before = stub.methods.get(step.method)
    stub.methods[step.method] = f"{before}, and {use[0].lower()}{use[1:]}" if before else use
    if step.undone:
        stub.methods.setdefault(COMPENSATION_METHOD, f"Undo what step {step.name} did, whether or not it was done")


def _check(stub: Stub) -> None:
    more = [name for name in stub.methods if name not in (DEFAULT_METHOD, COMPENSATION_METHOD)]
    undoable = COMPENSATION_METHOD not in stub.methods or stub.registered
    if not stub.is_class and (more or not undoable):
        raise CliError(
            f"{stub.module}:{stub.attribute}: is to have the method {(more or [COMPENSATION_METHOD])[0]}, but names a "
            "function",
            "give the class a name in capitals in the template, such as ChargeCard",
        )


def _class(stub: Stub) -> str:
    methods = {DEFAULT_METHOD: "Write it", **stub.methods} if DEFAULT_METHOD not in stub.methods else stub.methods
    ordered = sorted(methods, key=lambda name: (name != DEFAULT_METHOD, name == COMPENSATION_METHOD))
    bodies = "\n".join(_method(stub, name, methods[name]) for name in ordered)
    return f'{_decorator(stub)}class {stub.attribute}(StepHandler):\n    """{_sentence(stub)}"""\n\n{bodies}'


def _decorator(stub: Stub) -> str:
    return f"@step_handler({stub.registered})\n" if stub.registered else ""


def _method(stub: Stub, name: str, use: str) -> str:
    result = "None" if name == COMPENSATION_METHOD else "dict[str, Any]"
    return (
        f"    def {name}(self, context: StepContext) -> {result}:\n"
        f'        """{_doc(use)}"""\n'
        f'        raise NotImplementedError("{stub.attribute}.{name}")\n'
    )


def _function(stub: Stub) -> str:
    body = (
        f"{_decorator(stub)}def {stub.attribute}(context: StepContext) -> dict[str, Any]:\n"
        f'    """{_sentence(stub)}"""\n'
        f'    raise NotImplementedError("{stub.attribute}")\n'
    )
    if COMPENSATION_METHOD not in stub.methods:
        return body
    return body + (
        f"\n\n@{stub.attribute}.compensate\ndef undo_{stub.attribute}(context: StepContext) -> None:\n"
        f'    """{_doc(stub.methods[COMPENSATION_METHOD])}"""\n'
        f'    raise NotImplementedError("undo_{stub.attribute}")\n'
    )


def _sentence(stub: Stub) -> str:
    return _doc(stub.description or stub.methods.get(DEFAULT_METHOD) or f"{stub.attribute}: what it does")


def _doc(text: str) -> str:
    """One line that may stand in a docstring."""
    line = " ".join(text.split()).replace("\\", "/").replace('"', "'")
    return line[:97] + "..." if len(line) > 100 else line.rstrip(".") + "."
