"""A template's JSON Schemas: whether they can be used, and the checks of a Task's context, its result and its steps'.

JSON Schema draft 2020-12 by jsonschema-rs. Used by ``findings`` and ``compile``; the bounds that a schema
must keep are in ``schema_bounds``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs

from kubesaga.api.schema_bounds import DIALECT, SchemaProblem, json_pointer, structure_problems
from kubesaga.engine.plan import Violation

MAX_VIOLATIONS = 50
MAX_MESSAGE = 500

# The engine that matches in linear time: it has no lookaround and no back-references.
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20)
_GRAMMAR_REMEDY = "see this keyword in the specification of JSON Schema draft 2020-12"


class InvalidSchemaError(ValueError):
    """A schema that cannot be compiled. Findings rule this out beforehand."""


def input_check(schema: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], list[Violation]]:
    """Compile an inputSchema into a check that lists what is wrong with a context: at most 50 violations.

    Raises InvalidSchemaError.
    """
    check = schema_check(schema, "inputSchema")
    return lambda context: check(dict(context))


def schema_check(schema: Mapping[str, Any], name: str) -> Callable[[Any], list[Violation]]:
    """Compile the schema that stands in the field ``name`` into a check of any JSON value, as above.

    Raises InvalidSchemaError.
    """
    problems = schema_problems(schema)
    if problems:
        raise InvalidSchemaError(f"{name}{problems[0].pointer}: {problems[0].message}")
    validator = _compile(schema)

    def check(value: Any) -> list[Violation]:
        try:
            errors = list(islice(validator.iter_errors(value), MAX_VIOLATIONS))
        except ValueError as error:  # half a surrogate pair in a key, or nested too deep
            return [Violation("", _shortened(f"cannot be checked: {error}"))]
        return [Violation(json_pointer(error.instance_path), _shortened(error.message)) for error in errors]

    return check


def schema_problems(schema: Mapping[str, Any]) -> list[SchemaProblem]:
    """Every reason why a schema cannot be used."""
    return [*structure_problems(schema, _is_pattern), *_grammar_problems(schema)] or _compile_problems(schema)


def _grammar_problems(schema: Mapping[str, Any]) -> list[SchemaProblem]:
    errors = islice(_metaschema().iter_errors(dict(schema)), MAX_VIOLATIONS)
    return [
        SchemaProblem(json_pointer(error.instance_path), _shortened(error.message), _GRAMMAR_REMEDY) for error in errors
    ]


def _is_pattern(pattern: str) -> bool:
    return not _compile_problems({"pattern": pattern})


def _compile_problems(schema: Mapping[str, Any]) -> list[SchemaProblem]:
    try:
        _compile(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        message = error.message if isinstance(error, jsonschema_rs.ValidationError) else str(error)
        return [SchemaProblem("", _shortened(message), _GRAMMAR_REMEDY)]
    return []


@cache
def _metaschema() -> jsonschema_rs.Draft202012Validator:
    # Formats are left out: the only one of use here is `regex`, and patterns are tried one by one.
    return jsonschema_rs.Draft202012Validator({"$ref": DIALECT}, validate_formats=False)


def _compile(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        dict(schema), validate_formats=True, pattern_options=_PATTERNS, retriever=_never
    )


def _never(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of the schema")


def _shortened(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
