"""The connection of one watch: lines travel for a while, in their order, and an end of it comes in order too.

``watching`` opens, delays and breaks them; the feeds read them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from tests.simulation.server.watches import Watch
from tests.simulation.world import elapsed, later

GONE = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"too old resource version","reason":"Expired","code":410}}\n'
)
SENT_AGAIN_AFTER = 1.0


class Connection:
    """What an open watch tells, by ``async for``, in chunks of whole lines; raises what broke it.

    ``travel`` tells how many seconds the next chunk takes, ``is_cut`` whether nothing gets through: then it is sent
    again and again, as TCP has it.
    """

    def __init__(self, kind: str, watch: Watch, travel: Callable[[], float], is_cut: Callable[[], bool]) -> None:
        self.kind = kind
        self.is_open = True
        self._watch = watch
        self._travel = travel
        self._is_cut = is_cut
        self._under_way: deque[bytes | None] = deque()
        self._arrived: list[bytes] = []
        self._last_arrival = 0.0
        self._is_over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        watch.wake = self._take
        self._take()

    # --- the client's end ----------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while self._error is None and not self._arrived and not self._is_over:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        if self._error is not None:
            raise self._error
        if not self._arrived:
            raise StopAsyncIteration
        chunk = b"".join(self._arrived)
        self._arrived.clear()
        return chunk

    def close(self) -> None:
        """The client reads no more."""
        self._is_over = True
        self._leave()

    # --- the server's end ----------------------------------------------------------------------------------------

    def end(self) -> None:
        """The server ends the watch, as it does every few minutes."""
        if self.is_open:
            self._leave()
            self._send(None)

    def bookmark(self, version: int) -> None:
        """The server tells how far it is, in its turn."""
        self._watch.bookmark(version)

    def expire(self) -> None:
        """The server no longer has the history that it was asked for."""
        self._leave()
        self._under_way.clear()
        self._send(GONE)
        self._send(None)

    def break_(self, error: Exception, noticed: float) -> None:
        """Nothing gets through any more, not even what is under way; the client notices that in so many seconds."""
        self._leave()
        self._under_way.clear()
        later(noticed, self._fail, error)

    def _leave(self) -> None:
        self.is_open = False
        self._watch.wake = _nothing
        self._watch.close()

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._wake_reader()

    # --- between them --------------------------------------------------------------------------------------------

    def _take(self) -> None:
        if lines := self._watch.take():
            self._send(b"".join(lines))
        if self._watch.is_closed:
            self.end()

    def _send(self, chunk: bytes | None) -> None:
        """Put a chunk, or (None) the end, on its way: nothing overtakes what was sent before."""
        self._under_way.append(chunk)
        self._last_arrival = max(self._last_arrival, elapsed() + self._travel())
        later(self._last_arrival - elapsed(), self._arrive)

    def _arrive(self) -> None:
        if not self._under_way:  # it broke meanwhile
            return
        if self._is_cut():
            later(SENT_AGAIN_AFTER, self._arrive)
            return
        chunk = self._under_way.popleft()
        if chunk is None:
            self._is_over = True
        else:
            self._arrived.append(chunk)
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _nothing() -> None:
    pass
