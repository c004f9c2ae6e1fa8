"""MemoryKube with what templates and revisions are written by: selectors, both kinds of patches, guarded deletes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from kubesaga.runtime.cache import Obj

from .memory import MemoryKube, guard, selected


class StoreKube(MemoryKube):
    """Also lists by namespace and labels, applies JSON Patch to the top of a status, and deletes by preconditions."""

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> Obj:
        if method == "GET" and query is not None:
            listed = await super()._call(method, path, body, query=query)
            listed["items"] = [obj for obj in listed["items"] if selected(obj, path, query)]
            return listed
        if method not in ("PATCH", "DELETE"):
            return await super()._call(method, path, body, query=query)
        self.calls.append((method, path))
        error = self.broken(method, path)
        if error is not None:
            raise error
        at = path.removesuffix("/status")
        obj = copy.deepcopy(self._existing(at))
        if method == "DELETE":
            for field, value in body.get("preconditions", {}).items():
                guard(obj, field, value)
            return self.objects.pop(at)
        if "json-patch" in content_type:
            return self.put(at, _json_patched(obj, body))
        if "resourceVersion" in body.get("metadata", {}):
            guard(obj, "resourceVersion", body["metadata"]["resourceVersion"])
        return self.put(at, _merged(obj, body))


def _json_patched(obj: Obj, ops: list[dict[str, Any]]) -> Obj:
    for op in ops:
        match op["path"].split("/")[1:]:
            case ["metadata", "resourceVersion"]:
                guard(obj, "resourceVersion", op["value"])
            case ["status"]:
                obj["status"] = op["value"]
            case ["status", field] if op["op"] == "remove":
                del obj["status"][field]
            case ["status", field]:
                obj["status"][field] = op["value"]
            case path:
                raise AssertionError(f"not served: {path}")
    return obj


def _merged(obj: Obj, patch: Obj) -> Obj:
    for key, value in patch.items():
        if value is None:
            obj.pop(key, None)
        elif isinstance(value, dict):
            obj[key] = _merged(obj.get(key, {}), value)
        else:
            obj[key] = value
    return obj
