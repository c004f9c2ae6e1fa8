"""What the simulated API server says about itself: its version, its health, and what it serves."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.simulation.server.kinds import ALL, Kind
from tests.simulation.server.store import encode

Obj = dict[str, Any]

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.4", "platform": "linux/amd64"}


@cache
def page(path: str) -> bytes | None:
    """What stands at a path; None: nothing."""
    if path in ("/healthz", "/livez", "/readyz"):
        return b"ok"
    found = _pages().get(path)
    return None if found is None else encode(found)


def is_built_in(path: str) -> bool:
    """Whether a path lies among those of Kubernetes' own API groups."""
    parts = path.split("/")
    built_in = {kind.group for kind in ALL if not kind.is_custom}
    return parts[1] == "api" or (parts[1] == "apis" and len(parts) > 2 and parts[2] in built_in)


@cache
def _pages() -> dict[str, Obj]:
    groups: dict[str, list[Kind]] = {}
    for kind in ALL:
        groups.setdefault(kind.api_version, []).append(kind)
    pages: dict[str, Obj] = {
        "/version": _VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(kinds[0]) for kinds in groups.values() if kinds[0].group],
        },
    }
    for api_version, kinds in groups.items():
        root = "/apis" if kinds[0].group else "/api"
        pages[f"{root}/{api_version}"] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": api_version,
            "resources": [each for kind in kinds for each in _resources(kind)],
        }
    return pages


def _group(kind: Kind) -> Obj:
    version = {"groupVersion": kind.api_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}


def _resources(kind: Kind) -> list[Obj]:
    resource: Obj = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.is_namespaced,
        "kind": kind.kind,
        "verbs": _VERBS,
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    status = {**resource, "name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
    return [resource, status] if kind.has_status else [resource]
