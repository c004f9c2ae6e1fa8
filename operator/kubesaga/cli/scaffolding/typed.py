"""TypedDicts for a template's schemas: the Task's context, each step's result, the Task's result.

Called by `kubesaga generate types`. What a schema says beyond shapes (bounds, patterns) types cannot say; what types
cannot name is `Any`.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubesaga.cli.scaffolding.naming import class_name
from kubesaga.cli.scaffolding.sketch import Sketch

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_ANY = "Any"
_MAX_LITERALS = 24


def render_types(sketch: Sketch, file: str) -> str | None:
    """A module of types, None if the template has no schema."""
    writer = _Writer()
    for name, schema in _schemas(sketch).items():
        writer.root(name, schema)
    if not writer.definitions:
        return None
    imports = ", ".join(sorted(writer.imports))
    head = f'"""Types of template {sketch.name}, from its schemas: `kubesaga generate types {file}`."""\n'
    parts = [head, "from __future__ import annotations\n"]
    if imports:
        parts.append(f"from typing import {imports}\n")
    return "\n".join(parts) + "".join(f"\n\n{each}" for each in writer.definitions)


def _schemas(sketch: Sketch) -> dict[str, Mapping[str, Any]]:
    owner = class_name(sketch.name)
    found = {f"{owner}Context": sketch.input_schema}
    found |= {f"{class_name(step)}Result": schema for step, schema in sketch.result_schemas.items()}
    found[f"{owner}Result"] = sketch.output_schema
    return {name: schema for name, schema in found.items() if schema}


@dataclass(slots=True)
class _Writer:
    definitions: list[str] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    _root: Mapping[str, Any] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def root(self, name: str, schema: Mapping[str, Any]) -> None:
        """Define a type for a whole schema: a TypedDict, or a name for another type."""
        self._root = schema
        found = self._type(schema, name)
        if found != name:
            self.definitions.append(f"{self._own(name)} = {found}\n")

    def _type(self, schema: Any, name: str) -> str:
        if not isinstance(schema, Mapping):
            return self._any()
        if "$ref" in schema:
            return self._type(self._resolved(str(schema["$ref"])), name)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list) and values:
            return self._literal(values)
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                return self._union([self._type(each, f"{name}{i + 1}") for i, each in enumerate(schema[key])])
        kinds = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kinds, list):
            return self._union([self._of_kind(str(kind), schema, name) for kind in kinds])
        return self._of_kind(str(kinds), schema, name) if kinds else self._any()

    def _of_kind(self, kind: str, schema: Mapping[str, Any], name: str) -> str:
        if kind == "array":
            items = schema.get("items")
            return f"list[{self._type(items, f'{name}Item') if isinstance(items, Mapping) else self._any()}]"
        if kind == "object":
            return self._object(schema, name)
        return _SCALARS.get(kind) or self._any()

    def _object(self, schema: Mapping[str, Any], name: str) -> str:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and properties:
            return self._typed_dict(properties, set(schema.get("required", [])), self._own(name))
        more = schema.get("additionalProperties")
        return f"dict[str, {self._type(more, f'{name}Value') if isinstance(more, Mapping) else self._any()}]"

    def _typed_dict(self, properties: Mapping[str, Any], required: set[str], name: str) -> str:
        types = {key: self._type(schema, name + class_name(key)) for key, schema in properties.items()}
        types = {key: found if key in required else self._not_required(found) for key, found in types.items()}
        self.imports.add("TypedDict")
        if all(key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__") for key in types):
            lines = "".join(f"    {key}: {found}\n" for key, found in types.items())
            self.definitions.append(f"class {name}(TypedDict):\n{lines}")
        else:
            # Its annotations are values: `from __future__ import annotations` does not put them off.
            lines = "".join(f"        {json.dumps(key)}: {found},\n" for key, found in types.items())
            self.definitions.append(f'{name} = TypedDict(\n    "{name}",\n    {{\n{lines}    }},\n)\n')
        return name

    def _not_required(self, found: str) -> str:
        self.imports.add("NotRequired")
        return f"NotRequired[{found}]"

    def _literal(self, values: list[Any]) -> str:
        if len(values) > _MAX_LITERALS or not all(isinstance(each, str | int | bool | None) for each in values):
            return self._union([self._type({"type": _kind(each)}, "") for each in values])
        named = [_written(each) for each in values if each is not None]
        if not named:
            return _SCALARS["null"]
        self.imports.add("Literal")
        found = f"Literal[{', '.join(named)}]"
        return self._union([found, _SCALARS["null"]]) if len(named) < len(values) else found

    def _union(self, types: list[str]) -> str:
        found = list(dict.fromkeys(types))
        return _ANY if _ANY in found else " | ".join(found)

    def _any(self) -> str:
        self.imports.add(_ANY)
        return _ANY

    def _resolved(self, reference: str) -> Any:
        found: Any = self._root
        for part in reference.removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def _own(self, name: str) -> str:
        found, number = name, 2
        while found in self._names:
            found, number = f"{name}{number}", number + 1
        self._names.add(found)
        return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
    return kinds[type(value)]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
