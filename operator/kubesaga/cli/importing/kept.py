"""What readers may want to know and nothing acts on: kept in annotations of the object that an import makes.

Called by the rules for templates, steps and requests, for fields without counterpart.
"""

from __future__ import annotations

import json
from typing import Any

from kubesaga.cli.importing.notes import Notes

PREFIX = "tasker/"
_LIMIT = 32768
"""Of one annotation; Kubernetes allows 256 KiB for all of an object."""


class Keepsakes:
    """The annotations of one object."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._values: dict[str, Any] = {}

    def keep(self, name: str, value: Any, path: str, why: str) -> None:
        """Keep a value under ``tasker/<name>``; ``why`` says that it has no counterpart, and what there is instead."""
        if value in (None, "", [], {}):
            return
        if self._put(name, value):
            self._notes.kept(path, f"{why}; it is in the annotation {PREFIX}{name}")
        else:
            self._notes.lost(path, f"{why}; left out, since it is too large for an annotation")

    def keep_of(self, name: str, step: str, value: Any, path: str, why: str) -> None:
        """Keep a step's value in an annotation that has those of all steps."""
        if value in (None, "", [], {}):
            return
        of_all = dict(self._values.get(name, {}))
        self.keep(name, {**of_all, step: value}, path, why)

    def annotations(self) -> dict[str, str]:
        """The annotations: text as it is, everything else as JSON."""
        return {PREFIX + name: _written(value) for name, value in self._values.items()}

    def _put(self, name: str, value: Any) -> bool:
        if len(_written(value).encode()) > _LIMIT:
            return False
        self._values[name] = value
        return True


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
