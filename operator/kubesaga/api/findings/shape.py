"""Unknown fields, wrong types, values out of bounds: pydantic's errors as findings.

The models' own validators give their findings a code by the error's type, and a remedy by its context; for
pydantic's standard errors both are made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kubesaga.api.constants import ALL_STEPS
from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.plain import below
from kubesaga.api.models.base import LOGICAL_NAME_PATTERN, STEP_NAME_PATTERN, Model, child_models, maps_of_models
from kubesaga.api.models.environments import OVERRIDDEN_NAME_PATTERN
from kubesaga.api.models.programs import METHOD_PATTERN
from kubesaga.api.models.steps import FinallyStepSpec, StepSpec

_CODES = frozenset(Code)
_PATTERN_REMEDIES = {
    LOGICAL_NAME_PATTERN: "write lower-case letters, digits, - and _, first a letter, at most 63 characters",
    STEP_NAME_PATTERN: "write snake_case: lower-case letters, digits, _, first a letter, at most 40",
    OVERRIDDEN_NAME_PATTERN: f"write the name of a step, or {ALL_STEPS}",
    METHOD_PATTERN: "write the method's name only, without parentheses; it cannot begin with an underscore",
}
_KINDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "tuple_type": "a list",
}


def shape_findings(model: type[Model], written: Mapping[str, Any], path: str) -> list[Finding]:
    """What keeps a document from being this model."""
    try:
        model.read(written)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return [_finding(model, details, path) for details in errors if not _is_echo(details)]
    return []


def _is_echo(error: ErrorDetails) -> bool:
    # A list all of whose items are wrong counts as empty for pydantic; the items have errors of their own.
    return error["type"] == "too_short" and bool(error["input"])


def _finding(model: type[Model], error: ErrorDetails, path: str) -> Finding:
    where = path
    for part in error["loc"]:
        where = below(where, part)
    kind, context = error["type"], error.get("ctx", {})
    if kind in _CODES:
        return finding(Code(kind), where, error["msg"], str(context["remedy"]))
    if error["loc"] == ("steps",) and kind == "too_short":
        return finding(Code.NO_STEPS, where, "a workflow has at least one step", "add a step")
    if error["loc"] == ("steps",) and kind == "too_long":
        return finding(
            Code.TOO_MANY_STEPS,
            where,
            f"{context['actual_length']} steps, of which {context['max_length']} are allowed",
            "split the workflow",
        )
    return finding(Code.INVALID_FIELD, where, *_explained(model, error))


def _explained(model: type[Model], error: ErrorDetails) -> tuple[str, str]:
    """Message and remedy of a standard error."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is required", "add it"
    if kind == "extra_forbidden":
        return _unknown_field(model, error["loc"])
    if kind == "enum":
        return _wrong_word(value, str(context["expected"]))
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return f"{value!r:.100} is not allowed here", _PATTERN_REMEDIES.get(pattern, f"it must match {pattern}")
    if kind in _KINDS:
        return f"{_described(value)} is not {_KINDS[kind]}", _type_remedy(kind, value)
    if kind == "too_short":
        return "is empty", "write at least one entry, or leave the field out"
    if kind == "string_too_short":
        return "is empty", "write something"
    if kind == "string_too_long":
        return f"has {len(value)} characters", f"write at most {context['max_length']}"
    if kind == "greater_than_equal":
        return f"{_described(value)} is too small", f"write at least {context['ge']}"
    if kind == "less_than_equal":
        return f"{_described(value)} is too large", f"write at most {context['le']}"
    if kind == "too_long":
        return f"has {context['actual_length']} entries", f"write at most {context['max_length']}"
    return error["msg"], "correct the value"


def _unknown_field(model: type[Model], loc: Sequence[str | int]) -> tuple[str, str]:
    owner = _owner(model, loc)
    known = _fields(owner)
    meant = did_you_mean(str(loc[-1]), known)
    if owner is FinallyStepSpec and str(loc[-1]) in _fields(StepSpec):
        return "is not for a step of finally", f"remove it: there are only {listed(known, most=20)}"
    if meant:
        return "unknown field", f"did you mean {meant}?"
    return "unknown field", f"there are: {listed(known, most=20)}"


def _owner(model: type[Model], loc: Sequence[str | int]) -> type[Model]:
    """The model that holds the last field of the path."""
    owner, a_key_follows = model, False
    for part in loc[:-1]:
        if isinstance(part, int) or a_key_follows:
            a_key_follows = False
            continue
        a_key_follows = part in maps_of_models(owner)
        owner = child_models(owner).get(part, owner)
    return owner


def _fields(model: type[Model]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _wrong_word(value: Any, expected: str) -> tuple[str, str]:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    meant = did_you_mean(str(value), words)
    return (
        f"{value!r:.100} is not one of {', '.join(words)}",
        f"did you mean {meant}?" if meant else f"write {' or '.join(words)}",
    )


def _described(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "an object"
        case list():
            return "a list"
    return f"{value!r:.100}"


def _type_remedy(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if isinstance(value, str) and kind in ("int_type", "float_type", "bool_type"):
        return "write it without quotes"
    return f"write {_KINDS[kind]}"
