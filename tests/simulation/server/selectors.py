"""Label and field selectors of lists, watches and deletes of collections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tests.simulation.server import refusals

Obj = dict[str, Any]
Selector = Callable[[Obj], bool]
"""Whether an object is selected."""

_IN = re.compile(r"^(?P<key>[^\s!=]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUALS = re.compile(r"^(?P<key>[^\s!=]+)\s*(?P<op>==?|!=)\s*(?P<value>[A-Za-z0-9_.-]*)$")
_EXISTS = re.compile(r"^(?P<op>!?)\s*(?P<key>[A-Za-z0-9_./-]+)$")
_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")

Test = Callable[[Mapping[str, str]], bool]


def selector_of(query: Mapping[str, str]) -> Selector | None:
    """What a query selects; None: everything. Raises Refusal."""
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    return _selector(labels, fields) if labels or fields else None


@lru_cache(maxsize=4096)
def _selector(labels: str, fields: str) -> Selector:
    of_labels = [_label_test(term.strip()) for term in _OUTSIDE_PARENTHESES.split(labels)] if labels.strip() else []
    of_fields = [_field_test(term.strip()) for term in fields.split(",") if term.strip()]

    def selects(obj: Obj) -> bool:
        carried = obj["metadata"].get("labels") or {}
        return all(test(carried) for test in of_labels) and all(test(obj) for test in of_fields)

    return selects


def _label_test(term: str) -> Test:
    if found := _IN.match(term):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: key not in labels or labels[key] not in values
    if found := _EQUALS.match(term):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: key in labels and labels[key] == value
    if found := _EXISTS.match(term):
        key = found["key"]
        return (lambda labels: key not in labels) if found["op"] else (lambda labels: key in labels)
    raise refusals.bad_request(f"unable to parse requirement: found '{term}', expected: in, notin, =, ==, !=, gt, lt")


def _field_test(term: str) -> Selector:
    path, equals, value = term.partition("=")
    negated = path.endswith("!")
    way = path.removesuffix("!").split(".")
    if not equals:
        raise refusals.bad_request(f"invalid selector: '{term}'; can't understand '{term}'")

    def matches(obj: Obj) -> bool:
        at: Any = obj
        for part in way:
            at = at.get(part, "") if isinstance(at, dict) else ""
        return (at == value.lstrip("=")) is not negated

    return matches
