"""A workflow's data as JSON and back, by its type: a dataclass's fields keep their types on the way.

Between two tasks data always travels as JSON, in a process as on a cluster: what would not come back the same is
refused where it is written, with its path. Used by `steps`, the runners and `ExecutionContext`.
"""

from __future__ import annotations

import dataclasses
import inspect
import threading
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from kubesaga_sdk.workflow.codec_kinds import (
    AnyOf,
    Choice,
    Codec,
    InvalidData,
    Json,
    Many,
    Map,
    Object,
    OneOf,
    Row,
    Scalar,
    Text,
)
from kubesaga_sdk.workflow.errors import WorkflowError

__all__ = ["Codec", "InvalidData", "codec_of"]


class Record(Codec):
    """A dataclass by its fields."""

    def __init__(self, kind: type) -> None:
        super().__init__(kind.__name__)
        self._kind = kind
        self._members: dict[str, tuple[dataclasses.Field[Any], Codec]] = {}

    def describe(self) -> None:
        """Look at the fields: apart from the constructor, since a dataclass may contain itself."""
        try:
            hints = typing.get_type_hints(self._kind)
        except NameError as error:
            raise WorkflowError(
                f"the fields of {self.name} cannot be read, since {error}: import the names that its annotations use "
                "at the module's top level, not under TYPE_CHECKING"
            ) from error
        fields = dataclasses.fields(self._kind)
        self._refuse_other_parameters({field.name for field in fields})
        self._members = {
            field.name: (field, _codec_in(hints[field.name], f"{self.name}.{field.name}")) for field in fields
        }

    def _refuse_other_parameters(self, fields: set[str]) -> None:
        for name, parameter in inspect.signature(self._kind).parameters.items():
            if name not in fields and parameter.default is parameter.empty:
                raise WorkflowError(
                    f"{self.name} cannot be made of its fields alone: its constructor wants {name}, which is none of "
                    "them; give it a default"
                )

    def encode(self, value: Any, path: str) -> Any:
        if type(value) is not self._kind:
            raise self.refusal(value, path)
        try:
            return {
                name: codec.encode(getattr(value, name), f"{path}.{name}") for name, (_, codec) in self._members.items()
            }
        except RecursionError:
            raise InvalidData(f"{path[:80]}…: nested too deeply (does it contain itself?)", "InvalidData") from None

    def decode(self, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise self.refusal(value, path)
        if unknown := value.keys() - self._members.keys():
            raise InvalidData(
                f"{path}: {self.name} has no field {', '.join(sorted(unknown))}; it has {', '.join(self._members)}",
                "InvalidData",
            )
        given = {
            name: codec.decode(value[name], f"{path}.{name}")
            for name, (_, codec) in self._members.items()
            if name in value
        }
        return self._made(given, path)

    def _made(self, given: Mapping[str, Any], path: str) -> Any:
        fields = {name: field for name, (field, _) in self._members.items()}
        missing = [name for name, field in fields.items() if name not in given and field.init and _is_required(field)]
        if missing:
            raise InvalidData(f"{path}: {', '.join(missing)} of {self.name} is missing", "InvalidData")
        try:
            made = self._kind(**{name: value for name, value in given.items() if fields[name].init})
        except Exception as error:  # Its own: a check in __post_init__.
            raise InvalidData(
                f"{path}: {self.name} refuses these fields: {type(error).__name__}: {error}", "InvalidData"
            ) from error
        for name, value in given.items():
            if not fields[name].init:
                object.__setattr__(made, name, value)
        return made


_JSON = Json("a JSON value")
_OBJECT = Object("an object")
_SIMPLE: dict[Any, Codec] = {
    Any: _JSON,
    object: _JSON,
    dict: _OBJECT,
    list: Many(list, (list,), _JSON),
    tuple: Many(tuple, (tuple,), _JSON),
    set: Many(set, (set,), _JSON),
    frozenset: Many(frozenset, (frozenset,), _JSON),
    str: Scalar(str),
    int: Scalar(int),
    float: Scalar(float, (int,)),
    bool: Scalar(bool),
    type(None): Scalar(type(None)),
    datetime: Text(datetime, datetime.isoformat, datetime.fromisoformat),
    date: Text(date, date.isoformat, date.fromisoformat),
    time: Text(time, time.isoformat, time.fromisoformat),
    Decimal: Text(Decimal, str, Decimal),
    UUID: Text(UUID, str, UUID),
}
_MANY: dict[Any, tuple[Callable[[Iterable[Any]], Any], tuple[type, ...]]] = {
    list: (list, (list,)),
    set: (set, (set,)),
    frozenset: (frozenset, (frozenset,)),
    Sequence: (list, (list, tuple)),
}


def codec_of(data_type: Any) -> Codec:
    """The codec of a workflow's data: of a dataclass, or of dict. Raises WorkflowError for any other type."""
    if data_type is not dict and not (isinstance(data_type, type) and dataclasses.is_dataclass(data_type)):
        raise WorkflowError(
            f"a workflow's data is a dict or a dataclass, not {getattr(data_type, '__qualname__', data_type)}"
        )
    return _codec_in(data_type, "data")


class _Unsupported(Exception):
    """A type that no codec knows."""


_RECORDS: dict[type, Record] = {}
_DESCRIBING = threading.RLock()


def _codec_in(hint: Any, place: str) -> Codec:
    try:
        return _codec(hint)
    except _Unsupported as error:
        raise WorkflowError(
            f"{place}: data of type {error} cannot be written as JSON; use a dataclass, dict, list, tuple, set, Enum, "
            "str, int, float, bool, datetime, date, time, Decimal or UUID"
        ) from None


def _codec(hint: Any) -> Codec:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice(hint)
    return _generic(hint)


def _record(kind: type) -> Record:
    with _DESCRIBING:
        known = len(_RECORDS)
        if kind not in _RECORDS:
            # Known before its fields are looked at, since a dataclass may contain itself.
            _RECORDS[kind] = Record(kind)
            try:
                _RECORDS[kind].describe()
            except BaseException:
                for each in list(_RECORDS)[known:]:  # Those that it contains may contain it.
                    del _RECORDS[each]
                raise
        return _RECORDS[kind]


def _generic(hint: Any) -> Codec:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in _SIMPLE and not arguments and hint != tuple[()]:
        return _SIMPLE[origin]  # typing.List, with nothing in brackets
    if origin in (typing.Union, types.UnionType):
        return AnyOf([_codec(each) for each in arguments])
    if origin is typing.Annotated:
        return _codec(arguments[0])
    if origin in _MANY and arguments:
        return Many(*_MANY[origin], _codec(arguments[0]))
    if origin in (dict, Mapping) and arguments[:1] == (str,):
        return Map(_codec(arguments[1]))
    if origin is tuple:
        if arguments[1:] == (...,):
            return Many(tuple, (tuple,), _codec(arguments[0]))
        return Row([_codec(each) for each in arguments])
    if origin is typing.Literal:
        return OneOf(arguments)
    raise _Unsupported(hint.__qualname__ if isinstance(hint, type) and not arguments else str(hint))


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
