"""The smallest value that satisfies a JSON Schema, as far as its shape says: what a generated test begins with.

Called by the generators of tests and templates. A pattern or a condition between fields is beyond it; whoever gets the
test corrects the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_MAX_DEPTH = 16


def sample(schema: Any, root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value for a schema; for true, or one that says nothing, an empty object."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return {}
    root = root if root is not None else schema
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    if "$ref" in schema:
        return sample(_resolved(root, str(schema["$ref"])), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return sample(schema[key][0], root, depth + 1)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    return _of_kind(str(kind), schema, root, depth)


def _of_kind(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    match kind:
        case "string":
            return _text(schema)
        case "integer":
            return int(_number(schema, 1))
        case "number":
            return float(_number(schema, 0.5))
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return [sample(schema.get("items"), root, depth + 1) for _ in range(int(schema.get("minItems", 0)))]
    properties = schema.get("properties")
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    known = properties if isinstance(properties, Mapping) else {}
    return {str(name): sample(known.get(name), root, depth + 1) for name in names}


def _text(schema: Mapping[str, Any]) -> str:
    found = _BY_FORMAT.get(str(schema.get("format")), "text")
    return found.ljust(int(schema.get("minLength", 0)), "t")[: int(schema.get("maxLength", 4096))]


def _number(schema: Mapping[str, Any], step: float) -> float:
    if "multipleOf" in schema:
        return float(schema["multipleOf"]) * max(1, -(-float(schema.get("minimum", 0)) // float(schema["multipleOf"])))
    if "exclusiveMinimum" in schema:
        return float(schema["exclusiveMinimum"]) + step
    if "minimum" in schema:
        return float(schema["minimum"])
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    return min(1.0, float(highest) - step) if highest is not None else 1.0


def _resolved(root: Mapping[str, Any], reference: str) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
