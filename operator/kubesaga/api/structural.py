"""From a pydantic model to the structural schema that a CustomResourceDefinition demands.

Structural means: no references, a type for every node, no ``null`` in unions, no ``additionalProperties:
false`` (fields that are not named are refused or pruned anyway). Used by ``crds``. No library on PyPI does
this from pydantic models with list types, CEL rules and bounds, so it is done here, over pydantic's own JSON
Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_REF_PREFIX = "#/$defs/"

_KEPT = (
    "description",
    "type",
    "format",
    "pattern",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "nullable",
)
# Said by the models for editors only: the CRD has a CEL rule with a readable message in their place.
_EDITORS_ONLY = frozenset({"title", "oneOf", "allOf", "not"})


class SchemaError(TypeError):
    """A model uses something that a structural schema cannot say: a mistake in the models."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, as plain JSON values."""
    schema = model.model_json_schema(by_alias=True)
    return _convert(schema, schema.get("$defs", {}), where=model.__name__)


def _resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    """Follow references and drop the ``null`` of an optional field; what stands beside them goes over
    them."""
    resolved = dict(schema)
    while True:
        if "$ref" in resolved:
            target = defs[resolved.pop("$ref").removeprefix(_REF_PREFIX)]
        elif "anyOf" in resolved and not resolved.get("x-kubernetes-int-or-string"):
            branches = [branch for branch in resolved.pop("anyOf") if branch != {"type": "null"}]
            if len(branches) != 1:
                raise SchemaError(f"a union of {len(branches)} types")
            target = branches[0]
        else:
            return resolved
        resolved = {**target, **resolved}


def _convert(written: Mapping[str, Any], defs: Mapping[str, Any], where: str) -> Schema:
    schema = _resolve(written, defs)
    converted: Schema = {key: schema[key] for key in _KEPT if key in schema}
    if "description" in schema:
        converted["description"] = " ".join(schema["description"].split())
    if schema.get("default") is not None:
        converted["default"] = schema["default"]
    if "properties" in schema:
        converted["properties"] = {
            name: _convert(field, defs, f"{where}.{name}") for name, field in schema["properties"].items()
        }
    if "items" in schema:
        converted["items"] = _convert(schema["items"], defs, f"{where}[]")
    values = schema.get("additionalProperties", False)
    if isinstance(values, dict):
        converted["additionalProperties"] = _convert(values, defs, f"{where}{{}}")
    if schema.get("x-kubernetes-int-or-string"):
        converted["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    converted |= {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
    _refuse_unknown(schema, where)
    return converted


def _refuse_unknown(schema: Schema, where: str) -> None:
    handled = {
        *_KEPT,
        *_EDITORS_ONLY,
        "default",
        "properties",
        "items",
        "additionalProperties",
        "anyOf",
        "$defs",
    }
    unknown = {key for key in schema if not key.startswith("x-kubernetes-")} - handled
    if unknown:
        raise SchemaError(f"{where}: a structural schema has no {', '.join(sorted(unknown))}")
    typed = "type" in schema or {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"} & schema.keys()
    if not typed:
        raise SchemaError(f"{where}: a structural schema needs a type")
