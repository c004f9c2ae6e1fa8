"""An event loop in a thread of its own, for callers that have none: what the blocking client runs on.

A thread, and not a loop for each call, so that one client may be used by many threads, also by one that runs a loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from threading import RLock, Thread, current_thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="kubesaga-client", daemon=True)
        # What is begun is begun before the loop's last work, or not at all: it would never end. Reentrant, for an
        # iterator that is collected while a thread begins something begins its own end there.
        self._beginning = RLock()
        self._closed = False
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it returns or raises. Whatever interrupts the caller (Ctrl-C) cancels it."""
        future = self._begin(work)
        if future is None:
            raise RuntimeError("this client is closed: connect another one")
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, source: AsyncGenerator[T, None]) -> Iterator[T]:
        """Its items, each when it comes; whoever stops early closes the source."""
        steps = _Steps(source)
        try:
            while True:
                try:
                    item = self.run(steps.next())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._leave(steps)

    def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """End what still runs, do the ``last`` work, and end the thread."""
        with self._beginning:
            if self._closed:
                return
            self._closed = True
            ending = asyncio.run_coroutine_threadsafe(_end(last), self._loop)
        try:
            ending.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T] | None:
        """None where it is closed."""
        with self._beginning:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        return None

    def _leave(self, steps: _Steps[T]) -> None:
        """Close it, and wait for that; not where an iterator that nobody holds is collected in the loop's thread."""
        closing = self._begin(steps.close())
        if closing is not None and current_thread() is not self._thread:
            closing.result()


class _Steps(Generic[T]):
    """The items of a source, one after the other, and the source's end, also in the middle of a step."""

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        self._source = source
        self._step: asyncio.Task[Any] | None = None

    async def next(self) -> T:
        """The next item. Raises StopAsyncIteration."""
        self._step = asyncio.current_task()
        try:
            return await anext(self._source)
        finally:
            self._step = None

    async def close(self) -> None:
        """Close the source, once the step that its caller was interrupted in has ended."""
        step = self._step
        if step is not None:
            if not step.cancelling():
                step.cancel()
            await asyncio.wait({step})
        await self._source.aclose()


async def _end(last: Callable[[], Awaitable[None]] | None) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    if last is not None:
        await last()
