"""What YAML can hold and JSON cannot, so that all later checks see plain JSON values.

A date that somebody forgot to quote, a number as a key, an anchor that contains itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from kubesaga.api.findings.finding import Code, Finding, finding

MAX_DEPTH = 100
MAX_VALUES = 200_000
_QUOTE_WORD = "put it in quotes: yes and on are True in YAML, no and off are False"


class _TooLargeError(Exception):
    """The document is not looked at any further."""


def to_plain_json(value: Any, path: str) -> tuple[Any, list[Finding]]:
    """A copy in which everything that is not JSON is replaced, and a finding for each such place.

    The copy is None if the document is too large to be looked at.
    """
    copier = _Copier()
    try:
        return copier.copy(value, path, 0), copier.found
    except _TooLargeError:
        message = f"more than {MAX_VALUES} values, or more than {MAX_DEPTH} inside each other"
        return None, [finding(Code.INVALID_FIELD, path, message, "an anchor that contains itself? Write less")]


def below(path: str, part: str | int) -> str:
    """The path of a member: ``a.b``, ``a[0]``, or ``a["x.y/z"]`` for a key that is no word."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if part.isidentifier() else f'{path}["{part}"]'


class _Copier:
    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.count = 0

    def copy(self, value: Any, path: str, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or depth > MAX_DEPTH:
            raise _TooLargeError
        match value:
            case None | bool():
                return value
            case int() if -(2**63) <= value < 2**63:
                return value
            case str() if _is_text(value):
                return value
            case float() if math.isfinite(value):
                return value
            case list() | tuple():
                return [self.copy(item, below(path, i), depth + 1) for i, item in enumerate(value)]
            case Mapping():
                return self._object(value, path, depth)
        return self._replaced(value, path)

    def _object(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        copied = {}
        for key, item in value.items():
            name = key if isinstance(key, str) and _is_text(key) else _quoted(key)
            if name is not key:
                remedy = _QUOTE_WORD if isinstance(key, bool) else "put it in quotes"
                self._report(path, f"the key {name} is not a string", remedy)
            copied[name] = self.copy(item, below(path, name), depth + 1)
        return copied

    def _replaced(self, value: Any, path: str) -> str:
        if isinstance(value, date):
            self._report(path, f"{value} is a date, which JSON does not have", "put it in quotes")
        else:
            self._report(
                path,
                f"{_quoted(value)} is no JSON value",
                "write a string, a number below 2^63, true, false or null",
            )
        return _quoted(value)

    def _report(self, path: str, message: str, remedy: str) -> None:
        self.found.append(finding(Code.INVALID_FIELD, path, message, remedy))


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quoted(value: Any) -> str:
    """What can be said of any value without fail."""
    match value:
        case bool() | float() | date() | None:
            return str(value)
        case int() if value.bit_length() <= 64:
            return str(value)
        case str():
            return ascii(value[:100])
    return f"a {type(value).__name__}"
