"""The socket under kopf: aiohttp and all above it is real, what it writes and reads goes to the simulated API server.

``connect_by`` is what ``KopfFeed`` takes for its way to the server. Each request has a connection of its own, for the
pool of aiohttp goes by the wall clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler

from kubesaga.runtime.connecting import Connect
from tests.simulation.feeds.connection import Connection
from tests.simulation.feeds.watching import Watching, kind_of
from tests.simulation.server.discovery import page
from tests.simulation.server.kinds import KINDS
from tests.simulation.server.wire import Answer, Request

HOST = "http://simulation"
DISCOVERY_TAKES = 0.01
SPREAD = 0.0001
"""Seconds between requests of the same moment, whose order is that of kopf's sets: the kinds come in ours."""
_TURNS = {plural: turn for turn, plural in enumerate(KINDS)}


def connect_by(watching: Watching) -> Connect:
    """A way to the API server for one operator process."""

    async def connect(
        _: str | None, middlewares: Sequence[aiohttp.ClientMiddlewareType]
    ) -> tuple[str, aiohttp.ClientSession]:
        return HOST, aiohttp.ClientSession(connector=_Connector(watching), middlewares=tuple(middlewares))

    return connect


class _Connector(aiohttp.BaseConnector):
    """Makes sockets that lead to ``watching``."""

    def __init__(self, watching: Watching) -> None:
        super().__init__(force_close=True, limit=0)
        self._watching = watching

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ARG002
        protocol = self._factory()
        protocol.connection_made(_Socket(protocol, self._watching))
        return protocol


class _Socket(asyncio.Transport):
    """The client's end of one connection, and the server's behaviour on it."""

    def __init__(self, protocol: ResponseHandler, watching: Watching) -> None:
        super().__init__()
        self._protocol = protocol
        self._watching = watching
        self._written = b""
        self._serving: asyncio.Task[None] | None = None
        self._is_closing = False

    # --- as aiohttp uses it --------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Part of a request."""
        self._written += bytes(data)
        if self._serving is None and b"\r\n\r\n" in self._written:
            self._serving = asyncio.get_running_loop().create_task(self._serve(_request(self._written)))

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._is_closing

    def close(self) -> None:
        """The client is done."""
        self._lose(None)

    abort = close

    def pause_reading(self) -> None:
        """There is room for everything."""

    resume_reading = pause_reading

    # --- the server ----------------------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> None:
        try:
            await self._respond(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._lose(ConnectionResetError(str(error)))

    async def _respond(self, request: Request) -> None:
        if (found := page(request.path)) is not None:
            await asyncio.sleep(DISCOVERY_TAKES)
            if not self._watching.is_reached:
                raise aiohttp.ClientConnectionError("connection refused")
            return self._answer(Answer(200, found))
        await asyncio.sleep(SPREAD * _TURNS[kind_of(request)])
        if "watch" not in request.query:
            return self._answer(await self._watching.list(request))
        opened = await self._watching.watch(request)
        if isinstance(opened, Answer):
            return self._answer(opened)
        return await self._stream(opened)

    def _answer(self, answer: Answer) -> None:
        headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        self._head(answer.status, f"{headers}Content-Length: {len(answer.body)}")
        self._feed(answer.body)

    async def _stream(self, connection: Connection) -> None:
        self._head(200, "Transfer-Encoding: chunked")
        try:
            async for chunk in connection:
                self._feed(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self._feed(b"0\r\n\r\n")
        finally:
            connection.close()

    def _head(self, status: int, headers: str) -> None:
        self._feed(f"HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{headers}\r\n\r\n".encode())

    def _feed(self, data: bytes) -> None:
        if not self._is_closing:
            self._protocol.data_received(data)

    def _lose(self, error: Exception | None) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        if self._serving is not None and self._serving is not asyncio.current_task():
            self._serving.cancel()
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)


def _request(written: bytes) -> Request:
    method, target, _ = written.split(b"\r\n", 1)[0].decode().split(" ")
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query)), user="feed")
