"""JSON Schemas of older drafts as draft 2020-12, which the API reads.

Tasker Rails' `schema` is usually draft 4; its `required` may even be draft 3's boolean. Called by the rules for
templates and steps. What has no counterpart stays as it is, and the API's own check speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubesaga.cli.importing.notes import Notes

_SCHEMAS_BY_NAME = ("properties", "patternProperties", "definitions", "$defs", "dependentSchemas")
_SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_LISTS_OF_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")


def upgraded(schema: Mapping[str, Any], path: str, notes: Notes) -> dict[str, Any]:
    """The schema in draft 2020-12; what was rewritten is noted."""
    found = _upgrade(schema, path, notes)
    if any(True for _ in _formats(found)):
        notes.changed(path, "`format` is enforced here: a value that is not of its format is refused")
    return found


def _upgrade(schema: Mapping[str, Any], path: str, notes: Notes) -> dict[str, Any]:
    found = {str(key): value for key, value in schema.items()}
    _drop_draft(found, path, notes)
    _bounds(found, path, notes)
    _tuples(found, path, notes)
    _dependencies(found, path, notes)
    _required(found, path, notes)
    for key in _SCHEMAS_BY_NAME:
        if isinstance(found.get(key), Mapping):
            found[key] = {name: _child(value, f"{path}.{key}.{name}", notes) for name, value in found[key].items()}
    for key in _SCHEMAS:
        if isinstance(found.get(key), Mapping):
            found[key] = _upgrade(found[key], f"{path}.{key}", notes)
    for key in _LISTS_OF_SCHEMAS:
        if isinstance(found.get(key), list):
            found[key] = [_child(value, f"{path}.{key}[{i}]", notes) for i, value in enumerate(found[key])]
    return found


def _child(value: Any, path: str, notes: Notes) -> Any:
    return _upgrade(value, path, notes) if isinstance(value, Mapping) else value


def _drop_draft(schema: dict[str, Any], path: str, notes: Notes) -> None:
    for key in ("$schema", "id"):
        value = schema.get(key)
        if isinstance(value, str) and (key == "$schema" or "/" in value):
            del schema[key]
            notes.lost(f"{path}.{key}", f"{value}: schemas are draft 2020-12 here and have no address")


def _bounds(schema: dict[str, Any], path: str, notes: Notes) -> None:
    for old, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(old), bool):
            exclusive = schema.pop(old)
            if exclusive and bound in schema:
                schema[old] = schema.pop(bound)
            notes.changed(f"{path}.{old}", "draft 4's true or false is a number in draft 2020-12")
    if "divisibleBy" in schema:
        schema["multipleOf"] = schema.pop("divisibleBy")
        notes.changed(f"{path}.divisibleBy", "is multipleOf")


def _tuples(schema: dict[str, Any], path: str, notes: Notes) -> None:
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if "additionalItems" in schema:
            schema["items"] = schema.pop("additionalItems")
        notes.changed(f"{path}.items", "a list of schemas is prefixItems")


def _dependencies(schema: dict[str, Any], path: str, notes: Notes) -> None:
    found = schema.get("dependencies")
    if not isinstance(found, Mapping) or "properties" in found:
        return
    del schema["dependencies"]
    names = {name: value for name, value in found.items() if isinstance(value, list)}
    schemas = {name: value for name, value in found.items() if isinstance(value, Mapping)}
    if names:
        schema["dependentRequired"] = names
    if schemas:
        schema["dependentSchemas"] = schemas
    notes.changed(f"{path}.dependencies", "is dependentRequired and dependentSchemas")


def _required(schema: dict[str, Any], path: str, notes: Notes) -> None:
    properties = schema.get("properties")
    if isinstance(schema.get("required"), bool):
        del schema["required"]  # Taken up by whoever has this one as a property.
    if not isinstance(properties, Mapping):
        return
    flags = [name for name, value in properties.items() if isinstance(value, Mapping) and value.get("required") is True]
    if flags:
        own = schema.get("required")
        schema["required"] = list(dict.fromkeys([*(own if isinstance(own, list) else []), *flags]))
        notes.changed(f"{path}.required", f"draft 3's `required: true` of {', '.join(flags)} is a list here")


def _formats(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("format"), str):
            yield value["format"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _formats(item)
