"""Watches: what happened to the objects of a kind since a version, in its order, and what happens from now on.

Only the server's side: how long news takes, when a connection ends and whether it is told twice is the transport's
affair.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.server import refusals
from tests.simulation.server.kinds import Kind
from tests.simulation.server.refusals import Refusal
from tests.simulation.server.selectors import Selector, selector_of
from tests.simulation.server.store import Event, Store, Version
from tests.simulation.server.wire import Request, Route

_TRUE = ("true", "1", "True")
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


def _nobody() -> None:
    return


class Watch:
    """One watch, read by ``take``; ``wake`` is called when there is something new to take."""

    def __init__(self, kind: Kind, namespace: str, selector: Selector | None, allows_bookmarks: bool) -> None:
        self.kind = kind
        self.allows_bookmarks = allows_bookmarks
        self.is_closed = False
        self.wake: Callable[[], None] = _nobody
        self._namespace = namespace
        self._selector = selector
        self._lines: list[bytes] = []
        self._oldest: int | None = None
        """The version of the first event that was not taken yet."""

    def take(self) -> list[bytes]:
        """JSON lines that are ready, each ``{"type", "object"}``, in the order of their versions."""
        lines, self._lines, self._oldest = self._lines, [], None
        return lines

    def close(self) -> None:
        """Nothing more is told."""
        self.is_closed = True
        self._lines.clear()

    def see(self, event: Event) -> None:
        """Something happened to an object of the kind."""
        type_ = self._type(event)
        if type_ is None:
            return
        if self._oldest is None:
            self._oldest = event.version
        self._tell(event.line(type_))

    def show(self, version: Version) -> None:
        """An object that was there when the watch began."""
        self._lines.append(b'{"type":"ADDED","object":%b}\n' % version.json)

    def bookmark(self, version: int, annotations: dict[str, str] | None = None) -> None:
        """Tell how far the watch has come."""
        metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        mark = {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": metadata}
        self._tell(_line("BOOKMARK", mark))

    def fail(self, refusal: Refusal) -> None:
        """The watch ends with an error."""
        self.is_closed = True
        self._lines = [_line("ERROR", refusal.obj())]
        self.wake()

    def is_behind(self, version: int) -> bool:
        """Whether it has yet to tell of what happened up to a version."""
        return self._oldest is not None and self._oldest <= version

    def selects(self, version: Version) -> bool:
        """Whether an object is among those watched."""
        if self._namespace and version.key[0] != self._namespace:
            return False
        return self._selector is None or self._selector(version.obj)

    def _type(self, event: Event) -> str | None:
        is_in = event.type != "DELETED" and self.selects(event.after)
        was_in = event.before is not None and self.selects(event.before)
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else None

    def _tell(self, line: bytes) -> None:
        self._lines.append(line)
        self.wake()


class Watches:
    """All open watches of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: dict[Kind, list[Watch]] = {kind: [] for kind in store.kinds()}
        store.listeners.append(self._see)

    def open(self, route: Route, request: Request) -> Watch:
        """Begin a watch. Raises Refusal; a version that is history is an event, as of the real server."""
        query = request.query
        watch = Watch(route.kind, route.namespace, selector_of(query), query.get("allowWatchBookmarks") in _TRUE)
        since = _version(query.get("resourceVersion", ""))
        if since == 0:
            self._show_all(watch, sends_end=query.get("sendInitialEvents") in _TRUE)
        elif since < self._store.compacted:
            watch.fail(too_old(since, self._store.compacted))
            return watch
        else:
            for event in self._store.events(route.kind, since):
                watch.see(event)
        self._open[route.kind].append(watch)
        return watch

    def bookmark(self) -> None:
        """Send a bookmark to all who take them, as the real server does about once a minute."""
        for watches in self._open.values():
            for watch in watches:
                if watch.allows_bookmarks and not watch.is_closed:
                    watch.bookmark(self._store.version)

    def compact(self) -> None:
        """The history up to now is gone: who has not been told of it never will be."""
        for watches in self._open.values():
            for watch in watches:
                if watch.is_behind(self._store.compacted):
                    watch.fail(too_old(self._store.compacted - 1, self._store.compacted))

    def _show_all(self, watch: Watch, *, sends_end: bool) -> None:
        for version in self._store.all(watch.kind):
            if watch.selects(version):
                watch.show(version)
        if sends_end and watch.allows_bookmarks:
            watch.bookmark(self._store.version, {INITIAL_EVENTS_END: "true"})

    def _see(self, kind: Kind, event: Event) -> None:
        watches = self._open[kind]
        if any(watch.is_closed for watch in watches):
            watches[:] = [watch for watch in watches if not watch.is_closed]
        for watch in tuple(watches):
            watch.see(event)


def too_old(version: int, oldest: int) -> Refusal:
    """What is asked for is history."""
    return refusals.expired(f"too old resource version: {version} ({oldest})")


def _version(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError as error:
        told = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise refusals.internal(told) from error


def _line(type_: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": type_, "object": obj}, separators=(",", ":")).encode() + b"\n"
