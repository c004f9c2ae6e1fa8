"""JSON values on their way into CEL and out of it again.

What the CEL library would garble in silence (a string with U+0000, half a surrogate pair) or could not take is refused
here with the place where it stands. What comes out has JSON's types only: timestamps and durations as CEL writes them,
bytes in base64. Used by ``expressions``.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cel_expr_python import cel

MAX_DEPTH = 100
MAX_RESULT = 100_000
# What counts as one unit of size: a value, or so many bytes of a string.
UNIT_BYTES = 32

_FEWEST, _MOST = -(2**63), 2**63 - 1
_NULL = cel.Type.NULL
_MAX_PLACE = 100


class UnfitValue(Exception):
    """A value that CEL or JSON does not have; the message says where it stands and what is wrong with it."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place

    def __str__(self) -> str:
        place = self.place if len(self.place) <= _MAX_PLACE else self.place[: _MAX_PLACE - 1] + "…"
        return f"{place} {self.problem}".lstrip()

    def under(self, above: str) -> UnfitValue:
        """The same of a value that stands below something: the place is put together on the way up."""
        return UnfitValue(self.problem, above + self.place)


class Inputs:
    """The variables of one evaluation, as values that CEL can take, and how large they are."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self._sizes: dict[int, int] = {}

    def add(self, name: str, value: Any) -> None:
        """Raises UnfitValue."""
        try:
            self.variables[name] = self._admit(value, 0)
        except UnfitValue as error:
            raise error.under(name) from None

    def measure(self, name: str, path: tuple[str | int, ...] = ()) -> tuple[int, int]:
        """What stands at the path: its size in units, and how many members it has; ``(1, 0)`` if nothing does."""
        value: Any = self.variables.get(name)
        for part in path:
            try:
                value = value[part]
            except (LookupError, TypeError):
                return 1, 0
        return self._size(value), len(value) if isinstance(value, dict | list) else 0

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            # Four bytes are the most that a character takes.
            return 1 + (len(value) if value.isascii() else 4 * len(value)) // UNIT_BYTES
        return self._sizes[id(value)] if isinstance(value, dict | list) else 1

    def _admit(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return _admitted_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if not _FEWEST <= value <= _MOST:
                raise UnfitValue("is a whole number beyond 64 bits, which CEL does not have")
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if depth >= MAX_DEPTH:
            raise UnfitValue(f"is nested more than {MAX_DEPTH} deep")
        if isinstance(value, Mapping):
            return self._admit_object(value, depth + 1)
        if isinstance(value, list | tuple):
            return self._admit_list(value, depth + 1)
        raise UnfitValue(f"is no JSON value, but {type(value).__name__}")

    def _admit_object(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        admitted = {}
        size = 1
        for key, item in value.items():
            name = _admitted_key(key)
            try:
                made = admitted[name] = self._admit(item, depth)
            except UnfitValue as error:
                raise error.under(f".{key}") from None
            size += self._size(name) + self._size(made)
        self._sizes[id(admitted)] = size
        return admitted

    def _admit_list(self, value: Sequence[Any], depth: int) -> list[Any]:
        admitted = []
        size = 1
        for i, item in enumerate(value):
            try:
                made = self._admit(item, depth)
            except UnfitValue as error:
                raise error.under(f"[{i}]") from None
            admitted.append(made)
            size += self._size(made)
        self._sizes[id(admitted)] = size
        return admitted


def _admitted_key(key: Any) -> str:
    if not isinstance(key, str):
        raise UnfitValue("has a key that is no string")
    try:
        return _admitted_text(key)
    except UnfitValue as error:
        raise UnfitValue(f"has a key that {error.problem}") from None


def _admitted_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnfitValue("holds half a surrogate pair, which no text has") from None
    if "\0" in text:
        raise UnfitValue("holds the character U+0000, which CEL cannot read")
    return text


def to_json(value: cel.Value) -> Any:
    """What an expression made, as a JSON value. Raises UnfitValue."""
    try:
        return _Outcome().read(value, 0)
    except UnfitValue as error:
        raise error.under("the result") from None


class _Outcome:
    def __init__(self) -> None:
        self.count = 0

    def read(self, value: cel.Value, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_RESULT or depth > MAX_DEPTH:
            raise UnfitValue(f"makes more than {MAX_RESULT} values, or more than {MAX_DEPTH} inside each other")
        kind = value.type()
        # Never read out: cel-expr-python 0.1.3 hands None out without counting the reference, fatal before Python 3.12.
        if kind == _NULL:
            return None
        name = kind.name()
        plain = _PLAIN.get(name)
        if plain is not None:
            return plain(value)
        if name.startswith("LIST"):
            return [self._below(f"[{i}]", item, depth) for i, item in enumerate(value.value())]
        if name.startswith("MAP"):
            entries: dict[Any, cel.Value] = value.value()
            return {_text_key(key): self._below(f".{key}", item, depth) for key, item in entries.items()}
        raise UnfitValue(f"is of type {name.lower()}, which JSON does not have")

    def _below(self, place: str, value: cel.Value, depth: int) -> Any:
        try:
            return self.read(value, depth + 1)
        except UnfitValue as error:
            raise error.under(place) from None


def _text_key(key: Any) -> str:
    if not isinstance(key, str):
        raise UnfitValue(f"has the key {key!r:.100}, but JSON's keys are strings: write string({key!r:.100})")
    return key


def _as_it_is(value: cel.Value) -> Any:
    return value.value()


def _number(value: cel.Value) -> int | float:
    number: int | float = value.value()
    if isinstance(number, float) and not math.isfinite(number):
        raise UnfitValue(f"is {number}, which JSON does not have")
    if isinstance(number, int) and number > _MOST:
        raise UnfitValue("is a whole number beyond 64 bits with a sign")
    return number


def _bytes(value: cel.Value) -> str:
    return base64.b64encode(value.value()).decode()


def _timestamp(value: cel.Value) -> str:
    time: datetime = value.value()
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def _duration(value: cel.Value) -> str:
    microseconds = value.value() // timedelta(microseconds=1)
    whole, rest = divmod(abs(microseconds), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"{'-' if microseconds < 0 else ''}{whole}{fraction}s"


_PLAIN = {
    "BOOL": _as_it_is,
    "STRING": _as_it_is,
    "INT": _number,
    "UINT": _number,
    "DOUBLE": _number,
    "BYTES": _bytes,
    "TIMESTAMP": _timestamp,
    "DURATION": _duration,
}
