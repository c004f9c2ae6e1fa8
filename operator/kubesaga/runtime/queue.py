"""Which Tasks to look at, and when: the work queue between the feed and the reconcile workers.

The feed and the resync ``add`` keys, timers come back through ``add_after``, a pass that failed through
``add_rate_limited``. A key is worked on by one worker at a time; what is added meanwhile comes back once,
after ``done``. Everything runs in one event loop and by its clock, so a simulator with virtual time drives
it as it is.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque

Key = tuple[str, str]
"""(namespace, name) of a Task."""

FIRST_RETRY = 0.05
LAST_RETRY = 60.0

_SPARE_ENTRIES = 1000


class QueueClosed(Exception):
    """Raised by ``get`` once the queue is closed."""


class WorkQueue:
    """A deduplicating queue with delayed keys and a backoff per key; at most O(log n) each."""

    def __init__(self) -> None:
        self._ready: deque[Key] = deque()
        self._dirty: set[Key] = set()  # to be worked on: in ``_ready``, or being worked on and added again
        self._working: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._sequence = 0
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[Key, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self.adds = 0
        self.retries = 0

    def __len__(self) -> int:
        """How many keys are ready and not yet taken by a worker."""
        return len(self._ready)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._due)

    def add(self, key: Key) -> None:
        """Have ``key`` worked on as soon as a worker is free, once however often it is added before that."""
        if key in self._dirty or self._closed:
            return
        self.adds += 1
        self._dirty.add(key)
        if key not in self._working:
            self._ready.append(key)
            self._wake_one()

    def add_after(self, key: Key, seconds: float) -> None:
        """Add ``key`` in ``seconds``; of several times for one key the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self._closed or when >= self._due.get(key, float("inf")):
            return
        self._due[key] = when
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, key))
        if len(self._heap) > 2 * len(self._due) + _SPARE_ENTRIES:  # of times that were put forward again and again
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)
        if self._heap[0][2] == key:
            self._set_timer()

    def add_rate_limited(self, key: Key) -> None:
        """Add ``key`` after its backoff: 50 ms at first, doubled each time up to 60 s, until ``forget``."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.retries += 1
        self.add_after(key, min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures, 16)))

    def failures(self, key: Key) -> int:
        """How often in a row ``key`` has been rate limited."""
        return self._failures.get(key, 0)

    def forget(self, key: Key) -> None:
        """The key's pass succeeded: its backoff starts anew."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The next key; the caller must call ``done`` with it. Raises QueueClosed."""
        while not self._ready:
            if self._closed:
                raise QueueClosed
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake_one()  # this worker was chosen as it was cancelled: choose another
                raise
            finally:
                if getter in self._getters:
                    self._getters.remove(getter)
        if self._closed:
            raise QueueClosed
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """The worker has finished with ``key``; it is ready again if it was added meanwhile."""
        self._working.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake_one()

    def close(self) -> None:
        """Take no more keys, and let every ``get`` raise QueueClosed."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for getter in self._getters:
            if not getter.done():
                getter.set_result(None)

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._release_due)

    def _release_due(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == when:  # else an earlier time replaced this entry
                del self._due[key]
                self.add(key)
        self._timer = None
        if self._heap:
            self._set_timer()
