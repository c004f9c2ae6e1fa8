"""An API server in memory, for what a real one cannot do: stand still, refuse on demand, live in virtual time."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.kube.client import Kube, KubeError, pods_path
from kubesaga.runtime.cache import Obj


class MemoryKube(Kube):
    """Stores objects by path, guards updates by resourceVersion, counts calls.

    ``broken`` is asked before every call: an error that it gives is raised. Each call takes ``latency`` seconds.
    ``logs`` holds those of the steps' containers, by the pod's name.
    """

    def __init__(self) -> None:
        self.kubeconfig = None
        self.last_contact = None
        self.objects: dict[str, Obj] = {}
        self.logs: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.broken: Callable[[str, str], KubeError | None] = well
        self.latency = 0.0
        self.version = 100

    def writes(self) -> int:
        """How many calls were no reads."""
        return sum(method != "GET" for method, _ in self.calls)

    def put(self, path: str, obj: Obj) -> Obj:
        """Store ``obj`` as a new version."""
        self.version += 1
        stored = copy.deepcopy(obj)
        stored.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        stored["metadata"].setdefault("uid", f"uid-{path}")
        self.objects[path] = stored
        return copy.deepcopy(stored)

    async def pod_log(self, namespace: str, pod: str, container: str, tail_lines: int, limit_bytes: int) -> bytes:
        assert container == "step"
        await self._begin("GET", pods_path(namespace, pod, "log"))
        if pod not in self.logs:
            raise KubeError(404, "NotFound", f"pods {pod!r} not found")
        return b"".join(self.logs[pod].splitlines(keepends=True)[-tail_lines:])[:limit_bytes]

    async def _begin(self, method: str, path: str) -> None:
        self.calls.append((method, path))
        error = self.broken(method, path)
        await asyncio.sleep(self.latency)
        if error is not None:
            raise error

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "",  # noqa: ARG002 - every patch is taken for a merge patch
    ) -> Obj:
        await self._begin(method, path)
        match method:
            case "GET" if query is not None:
                return self._list(path)
            case "GET":
                return copy.deepcopy(self._existing(path))
            case "POST":
                return self._create(path, body)
            case "PUT":
                if self._existing(path)["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
                    raise KubeError(409, "Conflict", f"{path} has changed")
                return self.put(path, body)
            case "PATCH":
                return self.put(path, self._existing(path) | body)
        raise AssertionError(f"not served: {method} {path}")

    def _existing(self, path: str) -> Obj:
        if path not in self.objects:
            raise KubeError(404, "NotFound", f"{path} not found")
        return self.objects[path]

    def _create(self, path: str, body: Obj) -> Obj:
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            raise KubeError(409, "AlreadyExists", f"{path} already exists")
        return self.put(path, body)

    def _list(self, path: str) -> Obj:
        plural = path.rsplit("/", 1)[-1]
        items = [copy.deepcopy(obj) for at, obj in self.objects.items() if at.split("/")[-2] == plural]
        return {
            "kind": "ThingList",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": str(self.version)},
            "items": items,
        }


def well(_method: str, _path: str) -> None:
    """For ``MemoryKube.broken``: nothing is wrong."""


def refusing(error: KubeError) -> Callable[[str, str], KubeError | None]:
    """For ``MemoryKube.broken``: every call ends in ``error``."""
    return lambda _method, _path: error


def failing_first(*errors: KubeError) -> Callable[[str, str], KubeError | None]:
    """For ``MemoryKube.broken``: the next calls end in ``errors``, those after them well."""
    left = list(errors)
    return lambda _method, _path: left.pop(0) if left else None


def no_answer(method: str, path: str) -> KubeError:
    """For ``MemoryKube.broken``: the API server is away."""
    return KubeError(0, "NoAnswer", f"{method} {path}: connection refused")


def selected(obj: Obj, path: str, query: Mapping[str, str]) -> bool:
    """Whether a list of ``path`` by these labels has the object."""
    meta = obj["metadata"]
    if "/namespaces/" in path and path.split("/namespaces/")[1].split("/", maxsplit=1)[0] != meta["namespace"]:
        return False
    labels = meta.get("labels") or {}
    for term in query.get("labelSelector", "").split(","):
        key, equals, value = term.partition("=")
        if term and (key not in labels or (equals and labels[key] != value)):
            return False
    return True


def guard(obj: Obj, field: str, value: str) -> None:
    """Refuse a write that stands on another object, or on another version of it, than there is."""
    if obj["metadata"][field] != value:
        raise KubeError(409, "Conflict", f"{field} is {obj['metadata'][field]}, not {value}")
