"""MemoryKube with what makes an API server: UIDs, generations, selectors, patches, finalizers, namespaces that end.

Whoever ``watches`` is told of every change, as a watch would.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.api.times import rfc3339
from kubesaga.kube.client import KubeError
from kubesaga.runtime.cache import Obj

from .memory import MemoryKube, guard, selected

Watcher = Callable[[str, str, Obj], None]
"""Takes the plural, ADDED, MODIFIED or DELETED, and the object."""


class ApiServer(MemoryKube):
    """An API server for one test; ``clock`` dates what is created (whole seconds), as the real one does."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__()
        self._clock = clock
        self._uids = itertools.count(1)
        self.watchers: list[Watcher] = []
        self.terminating: set[str] = set()

    def put(self, path: str, obj: Obj) -> Obj:
        """Store ``obj`` as it is, as a new version."""
        known = path in self.objects
        stored = super().put(path, obj)
        self._tell("MODIFIED" if known else "ADDED", path)
        return stored

    def add(self, path: str, obj: Obj) -> Obj:
        """What a user creates in the collection ``path``."""
        return self._create(path, obj)

    def at(self, path: str) -> Obj:
        """The object at ``path`` as it is."""
        return copy.deepcopy(self._existing(path))

    def all(self, plural: str) -> list[Obj]:
        """Every object of a kind, by its plural."""
        return [copy.deepcopy(obj) for path, obj in self.objects.items() if path.split("/")[-2] == plural]

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> Obj:
        await self._begin(method, path)
        match method:
            case "GET" if query is not None:
                listed = self._list(path)
                listed["items"] = [obj for obj in listed["items"] if selected(obj, path, query)]
                return listed
            case "GET":
                return copy.deepcopy(self._existing(path))
            case "POST" if query is not None:  # a dry run
                self._admit(path)
                return copy.deepcopy(body)
            case "POST":
                return self._create(path, body)
            case "PUT":
                guard(self._existing(path), "resourceVersion", body["metadata"]["resourceVersion"])
                return self.put(path, body)
            case "PATCH":
                if "/controllerrevisions/" in path:  # its content is written anew by that, in other words than ours
                    raise KubeError(422, "Invalid", "data: Invalid value: field is immutable")
                return self._patch(path, body, content_type)
            case "DELETE" if query is not None:
                return self._deleteselected(path, query)
            case "DELETE":
                return self._delete(path, body.get("preconditions", {}))
        raise AssertionError(f"not served: {method} {path}")

    def _admit(self, path: str) -> str:
        namespace = path.split("/namespaces/")[1].split("/", maxsplit=1)[0]
        if namespace in self.terminating:
            raise KubeError(403, "Forbidden", f"unable to create: namespace {namespace} is being terminated")
        return namespace

    def _create(self, path: str, body: Obj) -> Obj:
        namespace = self._admit(path)
        obj = copy.deepcopy(body)
        meta = obj["metadata"]
        meta.setdefault("namespace", namespace)
        meta.setdefault("uid", f"00000000-{next(self._uids):04}")
        meta.setdefault("creationTimestamp", rfc3339(int(self._clock())))
        meta.setdefault("generation", 1)
        return super()._create(path, obj)

    def _patch(self, path: str, body: Any, content_type: str) -> Obj:
        is_status = path.endswith("/status")
        at = path.removesuffix("/status")
        before = self._existing(at)
        if "json-patch" in content_type:
            after = _json_patched(copy.deepcopy(before), body)
        else:
            meta = body.get("metadata", {})
            for field in ("uid", "resourceVersion"):
                if field in meta:
                    guard(before, field, meta[field])
            after = _merged(copy.deepcopy(before), body)
        if is_status:
            after = {**copy.deepcopy(before), "status": after.get("status")}
        elif after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        if after == before:
            return copy.deepcopy(before)
        stored = self.put(at, after)
        if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
            self._remove(at)
        return stored

    def _delete(self, path: str, preconditions: Mapping[str, str]) -> Obj:
        obj = self._existing(path)
        for field, value in preconditions.items():
            guard(obj, field, value)
        if obj["metadata"].get("finalizers"):
            if obj["metadata"].get("deletionTimestamp"):
                return obj
            meta = {**obj["metadata"], "deletionTimestamp": rfc3339(int(self._clock()))}
            return self.put(path, {**obj, "metadata": meta})
        return self._remove(path)

    def _deleteselected(self, path: str, query: Mapping[str, str]) -> Obj:
        plural = path.rsplit("/", 1)[-1]
        mine = [at for at in self.objects if at.split("/")[-2] == plural]
        for at in [at for at in mine if selected(self.objects[at], path, query)]:
            self._delete(at, {})
        return {}

    def _remove(self, path: str) -> Obj:
        self.version += 1
        self.objects[path]["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", path)
        removed = self.objects.pop(path)
        uid = removed["metadata"]["uid"]
        for at in [at for at, obj in self.objects.items() if uid in _owners(obj)]:
            if at in self.objects:
                self._delete(at, {})  # the garbage collector
        return removed

    def _tell(self, type_: str, path: str) -> None:
        for watcher in self.watchers:
            watcher(path.split("/")[-2], type_, copy.deepcopy(self.objects[path]))


def _owners(obj: Obj) -> set[str]:
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()}


def _json_patched(obj: Obj, ops: list[dict[str, Any]]) -> Obj:
    for op in ops:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in op["path"].split("/")[1:]]
        if [*way, last] == ["metadata", "resourceVersion"]:
            guard(obj, "resourceVersion", op["value"])
            continue
        at: Any = obj
        for part in way:
            at = at[int(part)] if isinstance(at, list) else at[part]
        _change(at, last, op)
    return obj


def _change(at: Any, last: str, op: dict[str, Any]) -> None:
    value = copy.deepcopy(op.get("value"))
    if isinstance(at, dict):
        if op["op"] == "remove":
            del at[last]
        else:
            at[last] = value
    elif last == "-":
        at.append(value)
    elif op["op"] == "remove":
        del at[int(last)]
    elif op["op"] == "add":
        at.insert(int(last), value)
    else:
        at[int(last)] = value


def _merged(obj: Obj, patch: Obj) -> Obj:
    for key, value in patch.items():
        if value is None:
            obj.pop(key, None)
        elif isinstance(value, dict):
            obj[key] = _merged(obj.get(key) or {}, value)
        else:
            obj[key] = copy.deepcopy(value)
    return obj
