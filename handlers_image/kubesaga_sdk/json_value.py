"""What JSON can hold without changing it.

Used by `outcome` for what handlers return. Python's encoder would turn 1 into "1" as a key, write NaN, and
fail without saying where; Kubernetes would round large integers. Each is named here with its path.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 64
"""Levels of nesting; also what ends the walk through a structure that contains itself."""
_LEAST, _MOST = -(2**63), 2**63 - 1
"""What 64 bits hold. No `range`: whether a number of an enum is in one, Python finds out by looking at each."""


def fault(value: object, path: str, depth: int = 0) -> str | None:
    """Why this value is no JSON value, as "path: reason", or None."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return None if _is_unicode(value) else f"{path}: a string with a lone surrogate is no Unicode text"
    if isinstance(value, int):
        fits = _LEAST <= value <= _MOST
        return None if fits else f"{path}: an integer beyond 64 bits would be rounded; return a string"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{path}: {value} is no JSON number"
    if depth >= MAX_DEPTH:
        return f"{path}: nested more than {MAX_DEPTH} levels deep (does it contain itself?)"
    if isinstance(value, dict):
        return _first(_member_fault(key, member, path, depth) for key, member in value.items())
    if isinstance(value, (list, tuple)):
        return _first(fault(member, f"{path}[{i}]", depth + 1) for i, member in enumerate(value))
    return f"{path}: {type(value).__qualname__} is no JSON type; use dict, list, str, int, float, bool or None"


def plain(value: Any) -> Any:
    """The fields of a dataclass or of a pydantic model as a dict; anything else as it is."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses

        return dataclasses.asdict(value)
    return value


def printable(text: str) -> str:
    """The text with every lone surrogate written as its escape, so that UTF-8 can hold it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _member_fault(key: object, member: object, path: str, depth: int) -> str | None:
    if not isinstance(key, str):
        return f"{path}: the key {key!r} is of type {type(key).__qualname__}; JSON keys are strings"
    return _first((fault(key, f"{path}: key"), fault(member, f"{path}.{key}", depth + 1)))


def _first(faults: Iterable[str | None]) -> str | None:
    return next((each for each in faults if each), None)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
