"""What goes over the wire between the simulated API server and its clients, and where a path leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from tests.simulation.server.kinds import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Request:
    """One call. ``body`` is the server's from then on: nobody changes it afterwards."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    user: str = "operator"


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: JSON, a Status object for errors."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Route(NamedTuple):
    """What a path names; ``namespace`` is empty for all namespaces, ``name`` for the collection."""

    kind: Kind
    namespace: str
    name: str
    sub: str


@lru_cache(maxsize=65536)
def route_of(path: str) -> Route | None:
    """Where a path leads; None for what is no resource."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] in KINDS and KINDS[rest[2]].is_namespaced:
        namespace, rest = rest[1], rest[2:]
    kind = KINDS.get(rest[0])
    if kind is None or (kind.group, kind.version) != (group, version) or len(rest) > 3:
        return None
    name, sub = (*rest[1:], "", "")[:2]
    return Route(kind, namespace, name, sub)
