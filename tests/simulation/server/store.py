"""Every version that every object ever had, numbered by one counter, as etcd has them.

A version is stored once and never changed: readers share its dict, and its JSON is made once. The server's parts read
and commit here; whoever observes is told of each commit as it happens.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.server import refusals
from tests.simulation.server.kinds import CONFIG_MAPS, KINDS, REVISIONS, TASKS, TEMPLATES, Kind

Obj = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

FIRST_VERSION = 90  # whoever compares versions as words is found out after ten writes
LARGEST = 1_572_864  # bytes in one request to etcd
_MAY_BE_LARGE = (TASKS, TEMPLATES, CONFIG_MAPS, REVISIONS)
_TYPE = ("apiVersion", "kind")
_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_AS_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write; of a DELETED object ``after`` is the last state."""

    version: int
    type: str
    resource: str
    before: Obj | None
    after: Obj
    user: str


class Version:
    """One version of one object; what is as in the version ``before`` is not written anew."""

    __slots__ = ("_json", "_known", "_rest", "key", "kind", "number", "obj")

    def __init__(self, kind: Kind, key: Key, obj: Obj, number: int, before: Version | None = None) -> None:
        self.kind = kind
        self.key = key
        self.obj = obj
        self.number = number
        self._known: dict[str, tuple[Any, bytes]] = {} if before is None else before._known
        self._rest: bytes | None = None
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The whole object."""
        if self._json is None:
            self._json = b'{"kind":"%b","apiVersion":"%b",%b' % (*_type_of(self.kind), self.rest[1:])
        return self._json

    @property
    def item(self) -> bytes:
        """As it stands in a list, where the built-in kinds leave out what they are."""
        return self.json if self.kind.is_custom else self.rest

    @property
    def rest(self) -> bytes:
        """All but ``kind`` and ``apiVersion``."""
        if self._rest is None:
            self._known = {name: self._field(name, value) for name, value in self.obj.items() if name not in _TYPE}
            fields = (b'"%b":%b' % (name.encode(), json) for name, (_, json) in self._known.items())
            self._rest = b"{%b}" % b",".join(fields)
        return self._rest

    def _field(self, name: str, value: Any) -> tuple[Any, bytes]:
        known = self._known.get(name)
        return known if known is not None and known[0] is value else (value, encode(value, self.kind))


class Event:
    """One change of one object, as watches tell it."""

    __slots__ = ("_lines", "after", "before", "type", "version")

    def __init__(self, version: int, type_: str, before: Version | None, after: Version) -> None:
        self.version = version
        self.type = type_
        self.before = before
        self.after = after
        self._lines: dict[str, bytes] = {}

    def line(self, type_: str) -> bytes:
        """The event as ``type_``: what leaves a selection is DELETED for those who select, as it was before."""
        if type_ not in self._lines:
            told = self.after
            if type_ == "DELETED" and self.type != "DELETED":
                assert self.before is not None
                told = numbered(self.before, self.version)
            self._lines[type_] = b'{"type":"%b","object":%b}\n' % (type_.encode(), told.json)
        return self._lines[type_]


class Store:
    """All versions of all objects. ``version`` is the newest, ``compacted`` the oldest that is still told from."""

    def __init__(self) -> None:
        self.version = FIRST_VERSION
        self.compacted = 0
        self.observers: list[Callable[[Change], None]] = []
        self.listeners: list[Callable[[Kind, Event], None]] = []
        self._current: dict[Kind, dict[Key, Version]] = {kind: {} for kind in KINDS.values()}
        self._events: dict[Kind, list[Event]] = {kind: [] for kind in KINDS.values()}

    def get(self, kind: Kind, key: Key) -> Version | None:
        """The object as it is."""
        return self._current[kind].get(key)

    def all(self, kind: Kind, namespace: str = "", at: int | None = None) -> list[Version]:
        """The objects of a namespace ("" = of all), in the order of their keys, now or ``at`` a version."""
        there = self._current[kind] if at is None or at >= self.version else self._as_of(kind, at)
        if namespace:
            return [there[key] for key in sorted(there) if key[0] == namespace]
        return [there[key] for key in sorted(there)]

    def kinds(self) -> Iterator[Kind]:
        """All that is served."""
        return iter(self._current)

    def events(self, kind: Kind, since: int) -> list[Event]:
        """What happened after a version."""
        events = self._events[kind]
        return events[bisect_right(events, since, key=lambda event: event.version) :]

    def put(self, kind: Kind, key: Key, obj: Obj, user: str) -> Version:
        """Commit a new object, or a new version of one."""
        before = self._current[kind].get(key)
        version = Version(kind, key, _numbered(obj, self.version + 1), self.version + 1, before)
        if kind in _MAY_BE_LARGE and len(version.json) > LARGEST:
            raise refusals.too_large()
        self._current[kind][key] = version
        self._commit("MODIFIED" if before else "ADDED", before, version, user)
        return version

    def remove(self, kind: Kind, key: Key, user: str) -> Version:
        """Commit that an object is gone; the answer is its last state, numbered as its end."""
        before = self._current[kind].pop(key)
        last = numbered(before, self.version + 1)
        self._commit("DELETED", before, last, user)
        return last

    def compact(self) -> None:
        """From now on nobody is told what happened before."""
        self.compacted = self.version

    def _commit(self, type_: str, before: Version | None, after: Version, user: str) -> None:
        self.version = after.number
        event = Event(after.number, type_, before, after)
        self._events[after.kind].append(event)
        change = Change(after.number, type_, after.kind.plural, before.obj if before else None, after.obj, user)
        for listener in self.listeners:
            listener(after.kind, event)
        for observer in tuple(self.observers):
            observer(change)

    def _as_of(self, kind: Kind, version: int) -> dict[Key, Version]:
        there: dict[Key, Version] = {}
        for event in self._events[kind]:
            if event.version > version:
                break
            if event.type == "DELETED":
                del there[event.after.key]
            else:
                there[event.after.key] = event.after
        return there


def numbered(version: Version, number: int) -> Version:
    """The same object as of another number."""
    return Version(version.kind, version.key, _numbered(version.obj, number), number, version)


def encode(value: Any, kind: Kind | None = None) -> bytes:
    """JSON as the server writes it: keys in order, but for the content of a ControllerRevision, which is kept."""
    write = _AS_WRITTEN if kind is REVISIONS else _SORTED
    return write(value).encode("utf-8", "surrogatepass")


def _numbered(obj: Obj, number: int) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(number)}}


def _type_of(kind: Kind) -> tuple[bytes, bytes]:
    return kind.kind.encode(), kind.api_version.encode()
