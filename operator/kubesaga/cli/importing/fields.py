"""A mapping of the source whose every field is asked for once, or noted as lost.

Read by all rules of this package: a rule takes the fields that it knows, `close` notes the rest. So a field that
no rule knows cannot disappear in silence. A null counts as absent, as it does in Tasker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubesaga.cli.importing.notes import Notes

_SHOWN = 60


def shown(value: Any) -> str:
    """A value for a sentence, cut to a readable length."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class Fields:
    """The fields of one object of the source, which is at ``path`` of its document."""

    def __init__(self, value: Mapping[str, Any], path: str, notes: Notes) -> None:
        self._rest = {str(key): each for key, each in value.items() if each is not None}
        self.path = path
        self.notes = notes

    def at(self, name: str) -> str:
        """The path of one of its fields."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, *names: str) -> bool:
        """Whether one of the fields is there and was not taken yet."""
        return any(name in self._rest for name in names)

    def peek(self, name: str) -> Any:
        """A field's value, which stays to be taken."""
        return self._rest.get(name)

    def take(self, *names: str) -> Any:
        """The value of the first of these names that is there, None if none is. Further ones are noted as lost."""
        found = [name for name in names if name in self._rest]
        values = [self._rest.pop(name) for name in found]
        for name, value in zip(found[1:], values[1:], strict=True):
            if value != values[0]:
                self.notes.lost(self.at(name), f"{shown(value)}: {found[0]} says {shown(values[0])}, which counts")
        return values[0] if values else None

    def text(self, *names: str) -> str | None:
        """A string; a number is taken as it is written, anything else is noted as lost."""
        value = self._scalar(names, (str, int, float), "text")
        return value if value is None or isinstance(value, str) else str(value)

    def flag(self, *names: str) -> bool | None:
        """True or false; anything else is noted as lost."""
        value = self._scalar(names, (bool,), "true or false")
        return None if value is None else bool(value)

    def whole(self, *names: str) -> int | None:
        """A whole number; anything else is noted as lost."""
        value = self._scalar(names, (int,), "a whole number")
        return None if value is None else int(value)

    def table(self, *names: str) -> Fields | None:
        """An object; anything else is noted as lost."""
        name, value = self._named(names)
        if value is None or isinstance(value, Mapping):
            return None if value is None else Fields(value, self.at(name), self.notes)
        self._wrong(name, value, "an object")
        return None

    def plain(self, *names: str) -> dict[str, Any] | None:
        """An object whose fields are the user's."""
        name, value = self._named(names)
        if value is None or isinstance(value, Mapping):
            return None if value is None else {str(key): each for key, each in value.items()}
        self._wrong(name, value, "an object")
        return None

    def rows(self, *names: str) -> list[Fields]:
        """A list of objects; an item that is none is noted as lost."""
        name, value = self._named(names)
        if value is None:
            return []
        found = []
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Mapping):
                found.append(Fields(item, f"{self.at(name)}[{i}]", self.notes))
            else:
                self._wrong(f"{name}[{i}]", item, "an object")
        return found

    def words(self, *names: str) -> list[str]:
        """A list of strings, or a single one."""
        name, value = self._named(names)
        if value is None:
            return []
        found = []
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, str | int) and not isinstance(item, bool):
                found.append(str(item))
            else:
                self._wrong(f"{name}[{i}]", item, "text")
        return found

    def close(self, *, known: str = "the formats that this command knows") -> None:
        """Note every field that no rule has asked for."""
        for name, value in self._rest.items():
            self.notes.lost(self.at(name), f"{shown(value)}: no field of {known}; left out")
        self._rest = {}

    def _named(self, names: tuple[str, ...]) -> tuple[str, Any]:
        first = next((name for name in names if name in self._rest), names[0])
        return first, self.take(*names)

    def _scalar(self, names: tuple[str, ...], types: tuple[type, ...], wanted: str) -> Any:
        name, value = self._named(names)
        right = isinstance(value, types) and (isinstance(value, bool) == (bool in types))
        if value is None or right:
            return value
        self._wrong(name, value, wanted)
        return None

    def _wrong(self, name: str, value: Any, wanted: str) -> None:
        self.notes.lost(self.at(name), f"{shown(value)} is not {wanted}; left out")
