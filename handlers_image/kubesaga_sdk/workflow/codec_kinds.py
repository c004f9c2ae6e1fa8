"""How each kind of type goes to JSON and back: what `codec` puts together for a workflow's data."""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

from kubesaga_sdk import json_value
from kubesaga_sdk.errors import ValidationError


class InvalidData(ValidationError):
    """A workflow's data are not of the type that they are declared to be."""


class Codec(ABC):
    """One type's way to JSON (`encode`) and back (`decode`). Both raise InvalidData, which names the path."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def encode(self, value: Any, path: str) -> Any:
        """The value as JSON."""

    @abstractmethod
    def decode(self, value: Any, path: str) -> Any:
        """The JSON as a value that shares nothing with it."""

    def encode_for_good(self, value: Any, path: str) -> Any:
        """`encode`, of what will come back: a dataclass may refuse fields that were changed since it was made."""
        encoded = self.encode(value, path)
        self.decode(json.loads(json.dumps(encoded)), path)
        return encoded

    def refusal(self, value: Any, path: str) -> InvalidData:
        """The error for a value that is of another type."""
        return InvalidData(f"{path}: {self.name} is needed, not {named(value)}", "InvalidData")


class Json(Codec):
    """What has no declared type: JSON as it is."""

    def encode(self, value: Any, path: str) -> Any:
        fault = json_value.fault(value, path)
        if fault:
            raise InvalidData(f"{fault}; or declare the data as a dataclass whose field has this type", "InvalidData")
        return value

    def decode(self, value: Any, path: str) -> Any:  # noqa: ARG002 - any JSON will do
        return copy.deepcopy(value)


class Object(Json):
    """A dict without declared members."""

    def encode(self, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise self.refusal(value, path)
        return super().encode(value, path)

    def decode(self, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise self.refusal(value, path)
        return super().decode(value, path)


class Scalar(Codec):
    """A type that JSON has."""

    def __init__(self, kind: type, also: tuple[type, ...] = ()) -> None:
        super().__init__(kind.__name__)
        self._kinds = (kind, *also)

    def encode(self, value: Any, path: str) -> Any:
        if type(value) not in self._kinds:
            raise self.refusal(value, path)
        if fault := json_value.fault(value, path):
            raise InvalidData(fault, "InvalidData")
        return value

    def decode(self, value: Any, path: str) -> Any:
        taken = self.encode(value, path)
        return float(taken) if self._kinds[0] is float else taken  # A cluster keeps 1.0 as 1.


class Text(Codec):
    """A type that has no JSON of its own and is written as text."""

    def __init__(self, kind: type, write: Callable[[Any], str], read: Callable[[str], Any]) -> None:
        super().__init__(kind.__name__)
        self._kind, self._write, self._read = kind, write, read

    def encode(self, value: Any, path: str) -> Any:
        # Not a subclass: a datetime where a date is declared would not come back as one.
        if type(value) is not self._kind:
            raise self.refusal(value, path)
        return self._write(value)

    def decode(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            raise self.refusal(value, path)
        try:
            return self._read(value)
        except (ValueError, ArithmeticError):
            raise self.refusal(value, path) from None


class Choice(Codec):
    """An Enum by its members' values."""

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__(f"one of {', '.join(repr(member.value) for member in kind)}")
        self._kind = kind

    def encode(self, value: Any, path: str) -> Any:
        if not isinstance(value, self._kind):
            raise self.refusal(value, path)
        return Json("").encode(value.value, path)

    def decode(self, value: Any, path: str) -> Any:
        try:
            return self._kind(value)
        except ValueError:
            raise self.refusal(value, path) from None


class OneOf(Codec):
    """One of some literal values."""

    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(f"one of {', '.join(map(repr, values))}")
        self._values = values

    def encode(self, value: Any, path: str) -> Any:
        if not any(value == each and type(value) is type(each) for each in self._values):
            raise self.refusal(value, path)
        return value

    decode = encode


class Many(Codec):
    """A list, a set or a tuple of one type."""

    def __init__(self, kind: Callable[[Iterable[Any]], Any], accepted: tuple[type, ...], member: Codec) -> None:
        super().__init__(f"a list of {member.name}")
        self._make, self._member = kind, member
        self._accepted: Any = accepted

    def encode(self, value: Any, path: str) -> Any:
        if not isinstance(value, self._accepted):
            raise self.refusal(value, path)
        return [self._member.encode(each, f"{path}[{i}]") for i, each in enumerate(value)]

    def decode(self, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise self.refusal(value, path)
        try:
            return self._make(self._member.decode(each, f"{path}[{i}]") for i, each in enumerate(value))
        except TypeError as error:  # A list among the members of a set, which says of no type that they are.
            raise InvalidData(f"{path}: {error}; declare what its members are", "InvalidData") from None


class Row(Codec):
    """A tuple of so many values, each of its own type."""

    def __init__(self, members: Sequence[Codec]) -> None:
        super().__init__(f"a row of {len(members)} values")
        self._members = members

    def encode(self, value: Any, path: str) -> Any:
        if not isinstance(value, tuple):
            raise self.refusal(value, path)
        return [codec.encode(each, at) for codec, each, at in self._each(value, path)]

    def decode(self, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise self.refusal(value, path)
        return tuple(codec.decode(each, at) for codec, each, at in self._each(value, path))

    def _each(self, value: Sequence[Any], path: str) -> list[tuple[Codec, Any, str]]:
        if len(value) != len(self._members):
            raise self.refusal(value, path)
        return [(self._members[i], each, f"{path}[{i}]") for i, each in enumerate(value)]


class Map(Codec):
    """A dict from text to one type."""

    def __init__(self, member: Codec) -> None:
        super().__init__(f"an object of {member.name}")
        self._member = member

    def encode(self, value: Any, path: str) -> Any:
        return self._each(self._member.encode, value, path)

    def decode(self, value: Any, path: str) -> Any:
        return self._each(self._member.decode, value, path)

    def _each(self, convert: Callable[[Any, str], Any], value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.refusal(value, path)
        return {key: convert(each, f"{path}.{key}") for key, each in value.items()}


class AnyOf(Codec):
    """A union: the first of its types that takes the value, on the way there and back."""

    def __init__(self, members: Sequence[Codec]) -> None:
        super().__init__(" or ".join(member.name for member in members))
        self._members = members

    def encode(self, value: Any, path: str) -> Any:
        member, encoded = self._first("encode", value, path)
        back, _ = self._first("decode", encoded, path)
        if back is not member:
            raise InvalidData(
                f"{path}: {named(value)} would come back as {back.name}: declare one type in place of the union",
                "InvalidData",
            )
        return encoded

    def decode(self, value: Any, path: str) -> Any:
        return self._first("decode", value, path)[1]

    def _first(self, way: str, value: Any, path: str) -> tuple[Codec, Any]:
        refusals = []
        for member in self._members:
            try:
                return member, getattr(member, way)(value, path)
            except InvalidData as refusal:
                refusals.append(refusal)
        deeper = [refusal for refusal in refusals if not str(refusal).startswith(f"{path}: ")]
        raise deeper[0] if deeper else self.refusal(value, path)


def named(value: Any) -> str:
    """A value in an error's words."""
    return "null" if value is None else f"{type(value).__name__} {value!r}"[:120]
