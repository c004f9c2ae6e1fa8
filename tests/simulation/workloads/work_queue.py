"""What a controller has to look at: one sync for a key that has changed, however often it did, or at a time to come.

The Job controller, the scheduler and the node lifecycle have one each. While the API server is away nothing is done;
everything that came due is done after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from tests.simulation.server.api_server import Refusal

Key = tuple[str, str]
"""Namespace and name."""
Later = Callable[[float, Callable[[], None]], object]

_SLOW = 0.04
_HOW_SLOW = 20.0
_RETRY_AFTER = 1.0


def pause(random: Random, usual: float) -> float:
    """Seconds around ``usual``, in a few cases of a hundred far more."""
    seconds = usual * random.uniform(0.5, 1.5)
    return seconds * _HOW_SLOW if random.random() < _SLOW else seconds


class WorkQueue:
    """Level-triggered: ``sync`` is called with a key, and looks at what there is by then. A Refusal is tried again."""

    def __init__(self, sync: Callable[[str, str], None], later: Later) -> None:
        self._sync = sync
        self._later = later
        self._due: dict[Key, float] = {}
        self._held: dict[Key, None] = {}
        self._is_paused = False

    def wake(self, key: Key, after: float) -> None:
        """Have the key looked at in so many seconds, unless it will be earlier than that."""
        at = asyncio.get_running_loop().time() + after
        due = self._due.get(key)
        if due is None or at < due:
            self._due[key] = at
            self._later(after, lambda: self._run(key, at))

    def drop(self, key: Key) -> None:
        """It need not be looked at any more."""
        self._due.pop(key, None)
        self._held.pop(key, None)

    def pause(self) -> None:
        """The API server is away."""
        self._is_paused = True

    def resume(self) -> None:
        """It is back."""
        self._is_paused = False
        held, self._held = self._held, {}
        for key in held:
            self.wake(key, 0.0)

    def _run(self, key: Key, at: float) -> None:
        if self._due.get(key) != at:
            return
        del self._due[key]
        if self._is_paused:
            self._held[key] = None
            return
        try:
            self._sync(*key)
        except Refusal:
            self.wake(key, _RETRY_AFTER)
