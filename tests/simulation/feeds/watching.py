"""How an operator's lists and watches are served: late, in order per watch, and with what the plan does to them.

One ``Watching`` for each operator process, beside its ``Transport``; both feeds list and watch through it. Who plays
a plan calls ``drop``, ``delay``, ``repeat``, ``stale`` and ``break_all`` when their time has come.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import aiohttp

from kubesaga.runtime.cache import Kind
from tests.simulation.feeds.connection import Connection
from tests.simulation.server.wire import Answer, Request
from tests.simulation.transport import CONNECT_TIMEOUT, Transport
from tests.simulation.world import elapsed, later

LATEST_NOTICE = 8.0
"""Seconds within which a client finds out that its connection is dead."""

BOOKMARK_INTERVAL = 60.0


class Watching:
    """The lists and watches of one operator's feed. Each kind has its own dice: kopf opens them in any order."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._server = transport.server
        number = transport.latency()
        self._dice = {str(kind): Random(f"{number}/{kind}") for kind in Kind}
        self._connections: dict[Connection, None] = {}
        self._late: dict[str, tuple[float, float]] = {}
        self._repeated: dict[str, int] = {}
        self._stale: dict[str, int] = {}
        self._expired: set[str] = set()

    # --- for the feeds -------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Answer:
        """What the API server lists, or listed some time ago. Raises as ``Transport.call``."""
        answer = await self._transport.call(request)
        events = self._stale.pop(kind_of(request), 0) if answer.status == 200 else 0
        if not events:
            return answer
        return self._server.list_at(request, max(1, self._server.version - events))

    async def watch(self, request: Request) -> Connection | Answer:
        """Open a watch; an Answer is a refusal. Raises as ``Transport.call``, but is not counted among the calls."""
        kind = kind_of(request)
        await self._reach(kind)
        watch = self._server.watch(self._from_farther_back(kind, request))
        if isinstance(watch, Answer):
            opened: Connection | Answer = watch
        else:
            opened = self._connect(Connection(kind, watch, lambda: self._travel(kind), self._is_cut))
            if seconds := request.query.get("timeoutSeconds"):
                later(float(seconds), opened.end)
            if "allowWatchBookmarks" in request.query:
                later(BOOKMARK_INTERVAL, self._bookmark, opened)
        await asyncio.sleep(self._latency(kind))
        return opened

    def _bookmark(self, connection: Connection) -> None:
        if connection.is_open:
            connection.bookmark(self._server.version)
            later(BOOKMARK_INTERVAL, self._bookmark, connection)

    async def _reach(self, kind: str) -> None:
        await asyncio.sleep(CONNECT_TIMEOUT if self._is_cut() else self._latency(kind))
        if not self.is_reached:
            raise aiohttp.ClientConnectionError("connection refused")

    def _is_cut(self) -> bool:
        return self._transport.is_cut

    @property
    def is_reached(self) -> bool:
        """Whether the API server is there for this process."""
        transport = self._transport
        return not (transport.network.away or transport.is_cut or transport.process.is_dead)

    def _from_farther_back(self, kind: str, request: Request) -> Request:
        events = self._repeated.pop(kind, 0)
        if not events:
            return request
        version = max(1, int(request.query["resourceVersion"]) - events)
        return replace(request, query={**request.query, "resourceVersion": str(version)})

    def _connect(self, connection: Connection) -> Connection:
        self._connections = {each: None for each in self._connections if each.is_open}
        self._connections[connection] = None
        if connection.kind in self._expired:
            self._expired.discard(connection.kind)
            connection.expire()
        return connection

    def _travel(self, kind: str) -> float:
        until, late = self._late.get(kind, (0.0, 0.0))
        return self._latency(kind) + (late if elapsed() < until else 0.0)

    def _latency(self, kind: str) -> float:
        """Seconds that one way takes: some milliseconds, now and then up to a second."""
        random = self._dice[kind]
        return random.uniform(0.05, 1.0) if random.random() < 0.03 else random.uniform(0.001, 0.015)

    # --- for who plays the plan ----------------------------------------------------------------------------------

    def drop(self, kind: str | None, compacted: bool) -> None:
        """See DropWatch. The client notices at once or some seconds later."""
        for each in _kinds(kind):
            if compacted:
                self._expired.add(each)
            self._break(each, "reset by peer")

    def delay(self, kind: str | None, seconds: float, late: float) -> None:
        """See DelayWatch."""
        for each in _kinds(kind):
            self._late[each] = (elapsed() + seconds, late)

    def repeat(self, kind: str | None, events: int) -> None:
        """See RepeatWatch; ``events`` of all kinds together."""
        for each in _kinds(kind):
            self._repeated[each] = events
            self._break(each, "the API server is another one")

    def stale(self, kind: str | None, events: int) -> None:
        """See StaleList; ``events`` of all kinds together. The watch expires, so that there is such a list."""
        for each in _kinds(kind):
            self._stale[each] = events
            self._expired.add(each)
            self._break(each, "the API server is another one")

    def break_all(self, reason: str = "connection lost", *, noticed: float | None = 0.0) -> None:
        """Every watch ends; the client notices in so many seconds, or (None) in some."""
        for each in Kind:
            self._break(each, reason, noticed)

    def _break(self, kind: str, reason: str, noticed: float | None = None) -> None:
        for connection in self._connections:
            if connection.kind == kind and connection.is_open:
                seconds = self._dice[kind].choice((0.0, self._dice[kind].uniform(0.0, LATEST_NOTICE)))
                connection.break_(aiohttp.ClientPayloadError(reason), seconds if noticed is None else noticed)


def kind_of(request: Request) -> str:
    """The plural of what a list or watch is about."""
    return request.path.rsplit("/", 1)[-1]


def _kinds(kind: str | None) -> tuple[str, ...]:
    return tuple(Kind) if kind is None else (kind,)
