"""What the API server makes of our CRDs: defaults, structural validation, and the rules in CEL.

Compiled once for each kind from the very schemas that a cluster is given. Called for every write of a custom resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
from cel_expr_python import cel

from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
from tests.simulation.server.kinds import ACTIONS, TASKS, TEMPLATES, Kind
from tests.simulation.server.refusals import Cause

Obj = dict[str, Any]
Fill = Callable[[Any], Any]
"""Puts defaults into a value; the answer is the same object where there is nothing to put."""

_CRDS = {TASKS: task_crd, TEMPLATES: task_template_crd, ACTIONS: task_action_crd}
_CHECKED = (
    "type",
    "enum",
    "pattern",
    "required",
    "anyOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
_REASONS = {
    "required": "FieldValueRequired",
    "enum": "FieldValueNotSupported",
    "type": "FieldValueTypeInvalid",
    "maxLength": "FieldValueTooLong",
    "maxItems": "FieldValueTooMany",
}
_BLOCKING = frozenset(_REASONS.values())
_NOT_ASKED = Cause(
    "<nil>",
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the '
    "existing errors to complete validation",
)


class Schema:
    """The schema of one custom resource."""

    def __init__(self, root: Obj) -> None:
        properties = {name: schema for name, schema in root["properties"].items() if name != "metadata"}
        self._fill = _filler(root)
        self._whole = _Part({**root, "properties": properties}, "")
        self._parts = {name: _Part(root["properties"][name], name) for name in ("spec", "status")}

    def defaulted(self, obj: Obj) -> Obj:
        """The object with its defaults."""
        filled: Obj = self._fill(obj) if self._fill is not None else obj
        return filled

    def causes(self, before: Obj | None, after: Obj) -> list[Cause]:
        """What is wrong with an object, new (before = None) or changed, where it has changed."""
        if before is None:
            return self._whole.causes(None, after)
        causes = []
        for name, part in self._parts.items():
            old, new = before.get(name), after.get(name)
            if new is not None and new is not old and new != old:
                causes += part.causes(old, new)
        return causes


class _Part:
    """A part of an object that is checked by itself, at ``place``."""

    def __init__(self, schema: Obj, place: str) -> None:
        self._place = place
        self._structure = jsonschema_rs.Draft7Validator(_json_schema(schema))
        self._rules = _rules(schema)

    def causes(self, old: Any, new: Any) -> list[Cause]:
        """What is wrong; the rules are asked of what is not too far out of shape."""
        causes: list[Cause] = []
        if not self._structure.is_valid(new):
            causes = [_cause(error, self._place) for error in self._structure.iter_errors(new)]
        if any(cause.reason in _BLOCKING for cause in causes):
            return [*causes, _NOT_ASKED]
        return causes if self._rules is None else causes + list(self._rules.broken(old, new, self._place))


@cache
def schema_of(kind: Kind) -> Schema:
    """The schema of a custom resource."""
    return Schema(_CRDS[kind]()["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


# --- defaults ---------------------------------------------------------------------------------------------------------


def _filler(schema: Obj) -> Fill | None:
    properties = schema.get("properties") or {}
    defaults = {name: below["default"] for name, below in properties.items() if "default" in below}
    nullable = frozenset(name for name in defaults if properties[name].get("nullable"))
    below = {name: put for name, part in properties.items() if (put := _filler(part)) is not None}
    items, others = (
        _filler(part) if isinstance(part := schema.get(word), dict) else None
        for word in ("items", "additionalProperties")
    )
    if not (defaults or below or items or others):
        return None

    def fill(value: Any) -> Any:
        if isinstance(value, list) and items is not None:
            return _same_if_equal(value, [items(item) for item in value])
        if not isinstance(value, dict):
            return value
        missing = {
            name: default
            for name, default in defaults.items()
            if name not in value or (value[name] is None and name not in nullable)
        }
        filled = {**value, **missing} if missing else value
        deeper = {name: put(filled[name]) for name, put in below.items() if name in filled}
        if others is not None:
            deeper |= {name: others(item) for name, item in value.items() if name not in properties}
        changed = {name: item for name, item in deeper.items() if item is not filled[name]}
        return {**filled, **changed} if changed else filled

    return fill


def _same_if_equal(before: list[Any], after: list[Any]) -> list[Any]:
    return before if all(old is new for old, new in zip(before, after, strict=True)) else after


# --- structure --------------------------------------------------------------------------------------------------------


def _json_schema(schema: Obj) -> Obj:
    written = {word: schema[word] for word in _CHECKED if word in schema}
    if schema.get("x-kubernetes-int-or-string"):
        written["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in written:
        written["type"] = [written["type"], "null"]
    if schema.get("x-kubernetes-list-type") == "set":
        written["uniqueItems"] = True
    if "anyOf" in written:
        written["anyOf"] = [_json_schema(each) for each in written["anyOf"]]
    if "properties" in schema:
        written["properties"] = {name: _json_schema(below) for name, below in schema["properties"].items()}
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            written[word] = _json_schema(schema[word])
    return written


def _cause(error: jsonschema_rs.ValidationError, part: str) -> Cause:
    place = part + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.instance_path)
    word = str(error.schema_path[-1])
    if word == "required":
        missing = error.message.split('"')[1]
        return Cause(f"{place}.{missing}".lstrip("."), "Required value", _REASONS["required"])
    return Cause(place.lstrip("."), f"Invalid value: {error.message}", _REASONS.get(word, "FieldValueInvalid"))


# --- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """One rule in CEL; ``compares``: it looks at the value as it was, so that it holds for changes only."""

    message: str
    compares: bool
    program: Any

    def holds(self, new: Any, old: Any) -> bool:
        value = self.program.eval(data={"self": new, "oldSelf": old})
        return value.type() == cel.Type.BOOL and bool(value.value())


@dataclass(frozen=True)
class _Rules:
    """The rules of a value, and of what is in it."""

    own: tuple[_Rule, ...]
    properties: dict[str, _Rules]
    others: _Rules | None
    items: _Rules | None

    def broken(self, old: Any, new: Any, place: str) -> Iterator[Cause]:
        """Every rule that does not hold. What lies in a list has no predecessor to be compared with."""
        for rule in self.own:
            if not (rule.compares and old is None) and not rule.holds(new, old):
                shown = "object" if isinstance(new, dict) else new
                yield Cause(place or "<nil>", f"Invalid value: {shown}: {rule.message}")
        if isinstance(new, list) and self.items is not None:
            for i, item in enumerate(new):
                yield from self.items.broken(None, item, f"{place}[{i}]")
        elif isinstance(new, dict):
            for name, item in new.items():
                below = self.properties.get(name, self.others)
                if below is not None:
                    before = old.get(name) if isinstance(old, dict) else None
                    yield from below.broken(before, item, f"{place}.{name}".lstrip("."))


def _rules(schema: Obj) -> _Rules | None:
    """None where there are no rules, however deep."""
    own = tuple(_rule(each["rule"], each["message"]) for each in schema.get("x-kubernetes-validations", ()))
    below = {name: _rules(part) for name, part in (schema.get("properties") or {}).items()}
    properties = {name: rules for name, rules in below.items() if rules is not None}
    others, items = (
        _rules(part) if isinstance(part := schema.get(word), dict) else None
        for word in ("additionalProperties", "items")
    )
    return _Rules(own, properties, others, items) if own or properties or others or items else None


@cache
def _rule(source: str, message: str) -> _Rule:
    environment = cel.NewEnv(variables={"self": cel.Type.DYN, "oldSelf": cel.Type.DYN})
    return _Rule(message, "oldSelf" in source, environment.compile(source))
