"""Looking into a document that may have any shape: the checks beyond the shape read it with these.

What has the wrong type is passed over here, since ``shape`` reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from typing import Any

Raw = dict[str, Any]


def an_object(parent: Any, key: str) -> Raw:
    """The object under this key; an empty one if there is none."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def a_list(parent: Any, key: str) -> list[Any]:
    """The list under this key; an empty one if there is none."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, list) else []


def objects(parent: Any, key: str) -> Iterator[tuple[int, Raw]]:
    """The objects in the list under this key, with their indices."""
    return ((i, item) for i, item in enumerate(a_list(parent, key)) if isinstance(item, dict))


def all_steps(spec: Raw, path: str) -> Iterator[tuple[str, int, Raw]]:
    """The steps and after them those of finally, each with its path and its index in its list."""
    for field in ("steps", "finally"):
        for i, step in objects(spec, field):
            yield f"{path}.{field}[{i}]", i, step


def step_names(spec: Raw, *fields: str) -> KeysView[str]:
    """The names of the steps in these lists (``steps``, ``finally``), in order, each once."""
    names = (step.get("name") for field in fields for _, step in objects(spec, field))
    return dict.fromkeys(name for name in names if isinstance(name, str)).keys()


def has(parent: Raw, key: str) -> bool:
    """Whether the field is there; null counts as absent, as it does for the API server."""
    return parent.get(key) is not None


def called(step: Raw, index: int) -> str:
    """How a message names a step."""
    name = step.get("name")
    return name if isinstance(name, str) else f"number {index + 1}"
