"""Expressions of templates in CEL: compiled once, checked when the template is, evaluated in microseconds.

By cel-expr-python, Google's C++ implementation, with CEL's standard functions and macros. ``compile`` puts what is made
here into the engine's Plan; ``findings`` asks ``check_expression`` what is wrong with what a user wrote. An expression
is a pure function of its scope, so that a decision can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from kubesaga.api.constants import MAX_EXPRESSION
from kubesaga.api.expression_cost import MAX_WORK, Cost, cost
from kubesaga.api.expression_tree import Node, Reference, loop_depth, read_tree, references
from kubesaga.api.expression_values import Inputs, UnfitValue, to_json
from kubesaga.engine.plan import ExpressionError, Scope

CONTEXT, STEPS, TASK = "context", "steps", "task"
VARIABLES = frozenset({CONTEXT, STEPS, TASK})
MAX_LOOP_DEPTH = 3
_MAX_SHOWN = 200
_MAX_REASON = 300

Uses = dict[str, "Uses | None"]
_Compiled = tuple[cel.Expression | None, Node | None, tuple["ExpressionProblem", ...]]


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """Why an expression cannot be used, and where: ``line`` and ``column`` start at 1, the column counts characters.

    ``step`` is the name that it uses where no such step can be seen.
    """

    message: str
    line: int
    column: int
    step: str | None = None

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class InvalidExpression(ValueError):
    """An expression that cannot be compiled. Findings rule this out beforehand."""

    def __init__(self, source: str, problems: list[ExpressionProblem]) -> None:
        super().__init__(f"expression {_shown(source)}: {problems[0]}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; two of one source are equal. Calling it gives its value as JSON.

    ``uses`` is a tree of the variables and fields that it reads; below None it may read anything.
    """

    source: str
    uses: Uses = field(compare=False)
    _tree: Node = field(compare=False, repr=False)
    _program: cel.Expression = field(compare=False, repr=False)

    @property
    def steps(self) -> frozenset[str] | None:
        """The steps that it names; None = it may mean any."""
        named = self.uses.get(STEPS, {})
        return None if named is None else frozenset(named)

    def __call__(self, scope: Scope) -> Any:
        """The value as JSON. Raises ExpressionError."""
        try:
            inputs = self._inputs(scope)
            _check_cost(cost(self._tree, inputs.measure))
            return to_json(_evaluated(self._program, inputs))
        except UnfitValue as error:
            raise ExpressionError(f"expression {_shown(self.source)} cannot be evaluated: {error}") from None

    def _inputs(self, scope: Scope) -> Inputs:
        # Only what it reads is handed over, for that costs in proportion to its size.
        inputs = Inputs()
        for name, below in self.uses.items():
            inputs.add(name, _used(scope[name], below))
        return inputs


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression that is true or false."""

    expression: Expression

    def __call__(self, scope: Scope) -> bool:
        """Raises ExpressionError, also for any other value."""
        value = self.expression(scope)
        if not isinstance(value, bool):
            shown = _shown(self.expression.source)
            raise ExpressionError(f"expression {shown} must be true or false, but is {_json_type(value)}")
        return value


def compile_expression(source: str) -> Expression:
    """Raises InvalidExpression."""
    program, tree, problems = _compiled(source, VARIABLES)
    if problems or program is None or tree is None:
        raise InvalidExpression(source, list(problems))
    return Expression(source, _uses(references(tree)), tree, program)


def compile_condition(source: str) -> Condition:
    """Raises InvalidExpression."""
    return Condition(compile_expression(source))


def check_expression(
    source: str,
    *,
    allowed_steps: Collection[str] | None = None,
    variables: Collection[str] = VARIABLES,
    condition: bool = False,
) -> list[ExpressionProblem]:
    """Everything that is wrong with an expression: its syntax and types, its bounds, the steps that it names.

    ``allowed_steps`` are those whose results it sees, None = any; ``condition``: it has to be true or false.
    """
    program, tree, refusals = _compiled(source, frozenset(variables))
    problems = list(refusals)
    if program is None or tree is None:
        return problems
    if condition and program.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        kind = program.return_type().name().lower()
        problems.append(ExpressionProblem(f"must be true or false, but is of type {kind}", 1, 1))
    if allowed_steps is not None:
        problems += _unseen_steps(source, references(tree), allowed_steps)
    return problems


@cache
def _environment(variables: frozenset[str]) -> cel.Env:
    types = {CONTEXT: cel.Type.DYN, STEPS: cel.Type.Map(cel.Type.STRING, cel.Type.DYN), TASK: cel.Type.DYN}
    return cel.NewEnv(variables={name: types[name] for name in sorted(variables)})


def _compiled(source: str, variables: frozenset[str]) -> _Compiled:
    if len(source) > MAX_EXPRESSION:
        return _refused(
            f"is {len(source)} characters long, of which {MAX_EXPRESSION} are allowed: prepare the value in a step"
        )
    return _compiled_once(source, variables)


@lru_cache(maxsize=256)
def _compiled_once(source: str, variables: frozenset[str]) -> _Compiled:
    """A template is checked before it is compiled, and both again after a change elsewhere in it."""
    try:
        Inputs().add("the expression", source)
        program = _environment(variables).compile(source)
    except UnfitValue as error:
        return _refused(str(error))
    except RuntimeError as error:
        return None, None, tuple(_library_problems(str(error)))
    tree = read_tree(program.serialize())
    if loop_depth(tree) > MAX_LOOP_DEPTH:
        return _refused(f"has more than {MAX_LOOP_DEPTH} macros inside each other: prepare the value in a step")
    return program, tree, ()


def _refused(message: str) -> _Compiled:
    return None, None, (ExpressionProblem(message, 1, 1),)


def _uses(found: Iterator[Reference]) -> Uses:
    uses: Uses = {}
    for reference in found:
        below: Uses | None = uses
        *way, last = (reference.name, *reference.path)
        for part in way:
            below = below.setdefault(part, {}) if below is not None else None
        if below is not None:
            below[last] = None
    return uses


def _used(value: Any, uses: Uses | None) -> Any:
    if uses is None or not isinstance(value, Mapping):
        return value
    return {key: _used(value[key], below) for key, below in uses.items() if key in value}


def _check_cost(expected: Cost) -> None:
    total = expected.size + expected.work
    if total > MAX_WORK:
        much = f"{total:.1e} steps, {MAX_WORK:.0e} are allowed" if total < 10**12 else "far more steps than are allowed"
        raise UnfitValue(f"with values of this size it could take too long ({much}): prepare the value in a step")


def _unseen_steps(source: str, found: Iterator[Reference], allowed: Collection[str]) -> Iterator[ExpressionProblem]:
    for reference in found:
        if reference.name == STEPS and reference.path and reference.path[0] not in allowed:
            before = source[: reference.offset]
            line, column = before.count("\n") + 1, reference.offset - before.rfind("\n")
            yield ExpressionProblem(
                f"{reference.path[0]!r} is none of the steps whose results are there"
                + (f": {', '.join(sorted(allowed)[:10])}" if allowed else ""),
                line,
                column,
                reference.path[0],
            )


# What the library says: a status, then problems with their places, each followed by the line and a pointer into it.
_PLACE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_EXPECTED = re.compile(r" expecting \{.*$")
_TOO_DEEP = "recursion"


def _library_problems(text: str) -> Iterator[ExpressionProblem]:
    if _TOO_DEEP in text:
        yield ExpressionProblem("is nested too deep (32 operators or brackets): prepare the value in a step", 1, 1)
        return
    # What has no place follows from what has one.
    places = [place for place in dict.fromkeys(_PLACE.findall(text)) if not place[0].startswith("-")]
    for line, column, message in places:
        yield ExpressionProblem(_readable(message), int(line), int(column))
    if not places:
        yield ExpressionProblem(_readable(text), 1, 1)


def _readable(message: str) -> str:
    plain = _EXPECTED.sub("", _STATUS.sub("", message)).removesuffix(" (in container '')")
    return _cut(plain.replace("'<EOF>'", "the end").replace("<EOF>", "the end"))


def _evaluated(program: cel.Expression, inputs: Inputs) -> cel.Value:
    try:
        value = program.eval(data=inputs.variables)
    except RuntimeError as error:
        raise UnfitValue(_explained(str(error))) from None
    if value.type() == cel.Type.ERROR:
        raise UnfitValue(_explained(value.value()))
    return value


_EXPLANATIONS = {
    "Key not found in map": "; has(…) tells whether a field is there",
    "Applying SELECT to non-message type": " (a field of null, a number or a text)",
    "No matching overloads found": "; int(…), double(…) and string(…) convert",
    "Iteration budget exceeded": " (10000 rounds of macros)",
}


def _explained(status: str) -> str:
    reason = _STATUS.sub("", _STATUS.sub("", status))
    return _cut(reason) + next((more for start, more in _EXPLANATIONS.items() if reason.startswith(start)), "")


def _shown(source: str) -> str:
    return repr(source if len(source) <= _MAX_SHOWN else source[: _MAX_SHOWN - 1] + "…")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_REASON else text[: _MAX_REASON - 1] + "…"


def _json_type(value: Any) -> str:
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
