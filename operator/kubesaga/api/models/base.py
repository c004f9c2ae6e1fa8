"""What all models share: strictness, and the field types that carry their own schema.

A type's ``json_schema_extra`` holds the Kubernetes extensions (``x-kubernetes-*``) that the CRD generator
passes on and the editors' schemas leave out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from kubesaga.api import durations, versions
from kubesaga.api.constants import MAX_EXPRESSION

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Schema extension with CEL rules, each ``(expression, message for whoever breaks it)``."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def list_map(key: str) -> dict[str, Any]:
    """Schema extension of a list whose items are told apart by ``key``, which no two may share."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


class Model(BaseModel):
    """An object of the API: camelCase outside, no unknown fields, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, in which each field's docstring is its description."""
        from kubesaga.api.models.docstrings import described

        schema = handler(core_schema)
        described(cls, handler.resolve_ref_schema(schema).get("properties", {}))
        return schema

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """From what a user wrote, as strictly as the API server: no number where a string belongs.

        Raises pydantic.ValidationError with every violation; ValueError, TypeError or RecursionError for what
        is not JSON at all.
        """
        return cls.model_validate_json(json.dumps(_without_nulls(cls, written), allow_nan=False), strict=True)

    def write(self) -> dict[str, Any]:
        """As plain JSON values under the API's names, without what is absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@cache
def child_models(model: type[Model]) -> dict[str, type[Model]]:
    """The model's fields that hold another model, or a list or a map of them, by the API's names."""
    found = ((field.alias or name, _model_in(field.annotation)) for name, field in model.model_fields.items())
    return {alias: child for alias, child in found if child is not None}


@cache
def maps_of_models(model: type[Model]) -> frozenset[str]:
    """Those of ``child_models`` that hold a map: one level more, whose keys are the user's."""
    aliases = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    return frozenset(alias for alias in child_models(model) if _is_map(aliases[alias]))


@cache
def nullable_fields(model: type[Model]) -> frozenset[str]:
    """The fields for which null is a value, by the API's names."""
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("nullable")
    )


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((child for argument in get_args(annotation) if (child := _model_in(argument))), None)


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(_is_map(argument) for argument in get_args(annotation))


def _without_nulls(model: type[Model], written: Any) -> Any:
    # As the API server does: a null in a field that is not nullable is dropped before defaults are filled in.
    if isinstance(written, list):
        return [_without_nulls(model, item) for item in written]
    if not isinstance(written, Mapping):
        return written
    nullable = nullable_fields(model)
    return {
        key: _member_without_nulls(model, key, value)
        for key, value in written.items()
        if value is not None or key in nullable
    }


def _member_without_nulls(model: type[Model], key: str, value: Any) -> Any:
    child = child_models(model).get(key)
    if child is None:
        return value
    if key in maps_of_models(model) and isinstance(value, Mapping):
        return {name: _without_nulls(child, item) for name, item in value.items() if item is not None}
    return _without_nulls(child, value)


def _check_duration(value: Any) -> Any:
    try:
        durations.parse_duration(value)
    except (ValueError, TypeError):
        raise PydanticCustomError(
            "InvalidDuration",
            "{value} is not a duration",
            {"value": repr(value)[: durations.MAX_LENGTH], "remedy": durations.REMEDY},
        ) from None
    return value


def _check_timeout(text: str) -> str:
    if durations.parse_duration(text) < 1:
        raise PydanticCustomError(
            "TimeoutTooShort",
            "{text} is less than a second, in which no pod starts",
            {"text": text, "remedy": "write 1s or more, or leave the field out"},
        )
    return text


def _check_version(value: Any) -> Any:
    if not isinstance(value, str) or not versions.is_version(value):
        raise PydanticCustomError(
            "InvalidVersion",
            "{value} is not a semantic version",
            {"value": repr(value)[:64], "remedy": versions.REMEDY},
        )
    return value


def _check_version_range(value: Any) -> Any:
    if not isinstance(value, str) or not versions.is_version_range(value):
        raise PydanticCustomError(
            "InvalidVersion",
            "{value} is neither a semantic version nor a range of them",
            {"value": repr(value)[:64], "remedy": versions.RANGE_REMEDY},
        )
    return value


_DURATION_SCHEMA = {
    "pattern": durations.DURATION_PATTERN,
    "minLength": durations.MIN_LENGTH,
    "maxLength": durations.MAX_LENGTH,
}

# Checked before the type is, so that a number gets the same remedy as a wrong string.
Duration = Annotated[str, BeforeValidator(_check_duration), Field(json_schema_extra=_DURATION_SCHEMA)]
"""``30s``, ``5m``, ``1h30m``, ``500ms``."""

Timeout = Annotated[Duration, AfterValidator(_check_timeout)]
"""A duration of at least a second."""

_VERSION_SCHEMA = {"pattern": versions.VERSION_PATTERN, "minLength": 5, "maxLength": versions.MAX_LENGTH}
Version = Annotated[str, BeforeValidator(_check_version), Field(json_schema_extra=_VERSION_SCHEMA)]
"""A semantic version without build metadata, which no label could carry."""

_RANGE_SCHEMA = {
    **cel((f"self.matches(r'{versions.VERSION_RANGE_PATTERN}')", versions.RANGE_REMEDY)),
    "allOf": [{"pattern": versions.VERSION_RANGE_PATTERN}],
    "minLength": 1,
    "maxLength": versions.MAX_LENGTH,
}
VersionRange = Annotated[str, BeforeValidator(_check_version_range), Field(json_schema_extra=_RANGE_SCHEMA)]
"""An exact version, or a range of versions."""

Expression = Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION)]
"""CEL."""

Text = Annotated[str, Field(max_length=4096)]
ShortText = Annotated[str, Field(max_length=256)]
LOGICAL_NAME_PATTERN = "^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$"
STEP_NAME_PATTERN = "^[a-z]([a-z0-9_]{0,38}[a-z0-9])?$"
LogicalName = Annotated[str, Field(pattern=LOGICAL_NAME_PATTERN, max_length=63)]
StepName = Annotated[str, Field(pattern=STEP_NAME_PATTERN, max_length=40)]

_LOGICAL_NAME = re.compile(LOGICAL_NAME_PATTERN)


def is_logical_name(text: str) -> bool:
    """Whether it may be a template's name, a domain or an environment."""
    return _LOGICAL_NAME.fullmatch(text) is not None


FreeObject = Annotated[
    dict[str, Any],
    Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
]
"""An object whose fields are the user's, or Kubernetes' own."""

AnyJson = Annotated[
    Any,
    Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True, "nullable": True}),
]
"""Any JSON value, null too."""


def _check_quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError(
            "InvalidField",
            "{value} is neither a whole number nor a string",
            {"value": repr(value)[:64], "remedy": 'put the quantity in quotes, such as "0.5" or "500m"'},
        )
    return value


Quantity = Annotated[
    Any,
    BeforeValidator(_check_quantity),
    Field(
        json_schema_extra={
            "anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 32}],
            "x-kubernetes-int-or-string": True,
        }
    ),
]
"""An amount of a resource: ``2``, ``"500m"``, ``"1Gi"``."""
