"""JSON Patches for status subresources, guarded by resourceVersion.

Written so that a step's change costs a patch of that step, not of the whole status. Called by ``apply``, ``templates``
and ``usage``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Op = dict[str, Any]

# The lists that are patched by element; all else is replaced field by field.
_BY_INDEX = "steps"
_APPENDED = "transitions"


def status_patch(before: Mapping[str, Any], after: Mapping[str, Any], resource_version: str) -> list[Op]:
    """The operations that turn ``before`` into ``after``; empty when they are equal.

    The first makes the API server answer 409 Conflict if the object is no longer at ``resource_version``.
    """
    ops = _changes(before, after)
    if not ops:
        return []
    guard: list[Op] = [{"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}]
    if not before:
        return [*guard, {"op": "add", "path": "/status", "value": dict(after)}]
    return guard + ops


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Op]:
    ops: list[Op] = []
    for field, value in after.items():
        path = f"/status/{field}"
        if field not in before:
            ops.append({"op": "add", "path": path, "value": value})
        elif before[field] != value:
            ops.extend(_change(field, path, before[field], value))
    ops.extend({"op": "remove", "path": f"/status/{field}"} for field in before if field not in after)
    return ops


def _change(field: str, path: str, before: Any, after: Any) -> list[Op]:
    if field == _BY_INDEX and len(before) == len(after):
        return [
            {"op": "replace", "path": f"{path}/{i}", "value": new}
            for i, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new
        ]
    if field == _APPENDED:
        appended = _appended(path, before, after)
        if appended is not None:
            return appended
    return [{"op": "replace", "path": path, "value": after}]


def _appended(path: str, before: list[Any], after: list[Any]) -> list[Op] | None:
    """Operations that drop old entries in front and add new ones at the end, if that is what happened."""
    for dropped in range(len(before) + 1):
        kept = len(before) - dropped
        if kept <= len(after) and before[dropped:] == after[:kept]:
            removes: list[Op] = [{"op": "remove", "path": f"{path}/0"} for _ in range(dropped)]
            return removes + [{"op": "add", "path": f"{path}/-", "value": entry} for entry in after[kept:]]
    return None
