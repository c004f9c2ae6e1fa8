"""JSON Patch and JSON merge patch, as the API server applies them.

What is patched is shared with readers: only the way to a change is copied, all else stays the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.simulation.server import refusals

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

Edit = Callable[[Any, str], Any]
"""Takes a container and the last part of a path; returns the container as it is afterwards."""


class _DoesNotApply(Exception):
    pass


def json_patched(obj: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """``obj`` after the operations. Raises Refusal when one of them does not apply."""
    try:
        for operation in operations:
            obj = _applied(obj, operation)
    except _DoesNotApply as error:
        raise refusals.unfit_patch() from error
    except (KeyError, TypeError, AttributeError) as error:
        raise refusals.bad_request(f"error decoding patch: {error}") from error
    return obj


def merged(obj: Any, patch: Any) -> Any:
    """``obj`` after a merge patch: null removes, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    after = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = merged(after.get(key), value)
    return after


def _applied(obj: Any, operation: dict[str, Any]) -> Any:
    path = _parts(operation["path"])
    match operation["op"]:
        case "add":
            return _put(obj, path, operation.get("value"), _added)
        case "replace":  # of a member that is not there, too
            return _put(obj, path, operation.get("value"), _replaced)
        case "remove":
            return _edited(obj, path, _removed)
        case "test":
            return _tested(obj, path, operation.get("value"))
        case "copy":
            return _put(obj, path, _at(obj, _parts(operation["from"])), _added)
        case "move":
            source = _parts(operation["from"])
            return _put(_edited(obj, source, _removed), path, _at(obj, source), _added)
    raise _DoesNotApply(f"Unexpected kind: {operation['op']}")


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise _DoesNotApply(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _put(obj: Any, path: list[str], value: Any, edit: Callable[[Any, str, Any], Any]) -> Any:
    if not path:
        return value
    return _edited(obj, path, lambda container, last: edit(container, last, value))


def _edited(container: Any, path: list[str], edit: Edit) -> Any:
    if not path:
        raise _DoesNotApply("the whole document")
    part, *rest = path
    if not rest:
        return edit(container, part)
    changed = _edited(_child(container, part), rest, edit)
    if isinstance(container, list):
        after = list(container)
        after[_index(container, part)] = changed
        return after
    return {**container, part: changed}


def _at(obj: Any, path: list[str]) -> Any:
    for part in path:
        obj = _child(obj, part)
    return obj


def _child(container: Any, part: str) -> Any:
    if isinstance(container, list):
        return container[_index(container, part)]
    if isinstance(container, dict) and part in container:
        return container[part]
    raise _DoesNotApply(part)


def _index(container: list[Any], part: str) -> int:
    """The place of an existing element; a negative one counts from the end."""
    try:
        index = int(part)
    except ValueError as error:
        raise _DoesNotApply(part) from error
    if not -len(container) <= index < len(container):
        raise _DoesNotApply(part)
    return index % len(container)


def _added(container: Any, last: str, value: Any) -> Any:
    if isinstance(container, dict):
        return {**container, last: value}
    if not isinstance(container, list):
        raise _DoesNotApply(last)
    at = len(container) if last in ("-", str(len(container))) else _index([*container, None], last)
    return [*container[:at], value, *container[at:]]


def _replaced(container: Any, last: str, value: Any) -> Any:
    if isinstance(container, dict):
        return {**container, last: value}
    if not isinstance(container, list):
        raise _DoesNotApply(last)
    after = list(container)
    after[_index(container, last)] = value
    return after


def _removed(container: Any, last: str) -> Any:
    _child(container, last)
    if isinstance(container, dict):
        return {key: value for key, value in container.items() if key != last}
    at = _index(container, last)
    return [*container[:at], *container[at + 1 :]]


def _tested(obj: Any, path: list[str], value: Any) -> Any:
    try:
        found = _at(obj, path)
    except _DoesNotApply:
        if value is not None:
            raise
        found = None
    if found != value or isinstance(found, bool) is not isinstance(value, bool):
        raise _DoesNotApply("testing value failed")
    return obj
