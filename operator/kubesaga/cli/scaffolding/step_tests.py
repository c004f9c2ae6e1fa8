"""Tests for a template: one for each method of a handler that a step runs, and one for the graph.

Called by `kubesaga generate test`.

A test of an unwritten handler is expected to fail with NotImplementedError, strictly: once the handler is written, the
test says that it is time to take the mark away and to say what the handler returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kubesaga.api.constants import COMPENSATION_METHOD, DEFAULT_METHOD
from kubesaga.cli.scaffolding.handlers import stub_of
from kubesaga.cli.scaffolding.naming import module_name
from kubesaga.cli.scaffolding.samples import sample
from kubesaga.cli.scaffolding.sketch import Sketch

_HEADER = '''"""Template {name}: each of its handlers by itself{and_whole}."""

from __future__ import annotations

from {first_imports}

import pytest
from kubesaga_sdk.loader import load
from kubesaga_sdk.testing import {kit}

{paths}CONTEXT: dict[str, Any] = {context}
"""What the Task brings along."""

unwritten = pytest.mark.xfail(raises=NotImplementedError, strict=True, reason="say what it returns once it is written")


def run(handler: str, method: str = "call", **given: Any) -> Any:
    """What a handler returns, or raises, that is given the Task's context, and of the rest what a test says."""
    return load(handler, method)(make_context(CONTEXT, **given))
'''
_WHOLE = """

def test_the_whole_without_its_programs() -> None:
    ended = run_template(TEMPLATE, CONTEXT, stubs=STUBS)
    assert ended.outcome == "Succeeded", ended
"""
_TEST = """

@unwritten
def test_{name}() -> None:
    result = run({arguments})
    assert result {expected}
"""


def tests_path(sketch: Sketch) -> str:
    """Where the tests of a template are, below the project's folder."""
    return f"tests/test_{module_name(sketch.name)}.py"


def render_tests(sketch: Sketch, file: str, module: str) -> str:
    """The module of tests; callables that name no module are in ``module``, ``file`` is seen from the project's folder.

    A template that runs others, or waits for a human, is not run as a whole: that takes what only its author can say.
    """
    whole = not sketch.open_ended
    context = sample(sketch.input_schema) if sketch.input_schema else {}
    head = _HEADER.format(
        name=sketch.name,
        and_whole=", and the whole of it" if whole else "",
        first_imports="pathlib import Path\nfrom typing import Any" if whole else "typing import Any",
        kit="make_context, run_template" if whole else "make_context",
        paths=_paths(sketch, file) if whole else "",
        context=_literal(context, 0),
    )
    return head + (_WHOLE if whole else "") + "".join(_tests(sketch, module))


def _paths(sketch: Sketch, file: str) -> str:
    stubs = {name: _result(sketch.result_schemas.get(name)) for name in sketch.programs}
    return (
        f"TEMPLATE = Path(__file__).parents[1] / {_literal(file, 0)}\n"
        f'STUBS: dict[str, Any] = {_literal(stubs, 0)}\n"""What stands for the steps\' programs."""\n\n'
    )


def _tests(sketch: Sketch, module: str) -> Iterator[str]:
    for step in sketch.steps:
        stub = stub_of(step.callable, module)
        handler = f"{stub.module}:{stub.attribute}"
        results = {name: _result(sketch.result_schemas.get(name)) for name in step.before}
        given = {"config": dict(step.config), "results": results}
        if step.of:
            given["forward_result"] = _result(sketch.result_schemas.get(step.of))
        yield _test(step.name, handler, step.method, given, _result(step.result_schema))
        if step.undone:
            given = {**given, "forward_result": _result(step.result_schema)}
            yield _test(f"undoing_{step.name}", handler, COMPENSATION_METHOD, given, None)


def _test(name: str, handler: str, method: str, given: Mapping[str, Any], expected: Any) -> str:
    words = [f'"{handler}"', *([f'"{method}"'] if method != DEFAULT_METHOD else [])]
    said = {key: value for key, value in given.items() if value}
    words += [f"{key}={_literal(value, 8)}" for key, value in said.items()]
    several = "\n" + "".join(f"        {word},\n" for word in words) + "    "
    compared = "is None" if expected is None else f"== {_literal(expected, 4)}"
    return _TEST.format(name=name, arguments=several if said else ", ".join(words), expected=compared)


def _result(schema: Mapping[str, Any] | None) -> Any:
    return sample(schema) if schema else {}


def _literal(value: Any, indent: int) -> str:
    """A value as formatters leave it: one member to a line, each with a comma."""
    inner = " " * (indent + 4)
    if isinstance(value, dict) and value:
        members = [f"{_literal(key, 0)}: {_literal(each, indent + 4)}" for key, each in value.items()]
        return "{\n" + "".join(f"{inner}{member},\n" for member in members) + " " * indent + "}"
    if isinstance(value, list) and value:
        items = [_literal(each, indent + 4) for each in value]
        return "[\n" + "".join(f"{inner}{item},\n" for item in items) + " " * indent + "]"
    if isinstance(value, str) and '"' not in value:
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
