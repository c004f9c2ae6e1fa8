"""An eye on kopf's watches, by their requests: ``feed`` has each session pass through here.

kopf keeps the tasks that watch to itself. It does not say when one of them ends, and when one fails it leaves the
others behind.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

SILENCE = 70.0
"""Seconds without a word after which a watch is begun anew; a live server sends a bookmark each minute."""
_PATIENCE = 3.0


class Watches:
    """The tasks that watch. ``ended``: the first of them that has come to its end, which none ever should."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[asyncio.Task[Any]] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def notice(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """An aiohttp middleware: who sends a watch is a task that watches."""
        task = asyncio.current_task()
        if "watch" in request.url.query and task is not None and task not in self._tasks:
            self._tasks.add(task)
            task.add_done_callback(self._end)
        return await handler(request)

    async def end(self) -> None:
        """End those that kopf has left behind; a task that takes this for a pause is told again."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=_PATIENCE)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not self.ended.done():
            self.ended.set_result(task)


async def hang_up_on_silence(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """An aiohttp middleware: a watch whose server says nothing for too long ends as one whose connection broke."""
    async with asyncio.timeout(SILENCE):
        response = await handler(request)
    if "watch" in request.url.query and response.connection is not None and response.connection.protocol is not None:
        response.connection.protocol.read_timeout = SILENCE
        response.connection.protocol.start_timeout()
    return response
