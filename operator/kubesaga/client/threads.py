"""An event loop in a thread of its own, for callers that have none: what the blocking client runs on.

A thread, and not a loop for each call, so that one client may be used by many threads, also by one that runs a loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from concurrent.futures import Future
from threading import Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="kubesaga-client", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it has not been closed."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it returns or raises. Whatever interrupts the caller (Ctrl-C) cancels it."""
        if not self.alive:
            work.close()
            raise RuntimeError("this client is closed: connect another one")
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, source: AsyncGenerator[T, None]) -> Iterator[T]:
        """Its items, each when it comes; whoever stops early closes the source."""
        try:
            while True:
                try:
                    item = self.run(_next(source))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._leave(source)

    def _leave(self, source: AsyncGenerator[T, None]) -> None:
        """Close it, and wait for that; not where an iterator that nobody holds is collected in the loop's thread."""
        if not self.alive:
            return
        closing = asyncio.run_coroutine_threadsafe(source.aclose(), self._loop)
        if current_thread() is not self._thread:
            closing.result()

    def close(self) -> None:
        """End what still runs, and the thread."""
        if not self.alive:
            return
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
