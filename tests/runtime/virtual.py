"""An event loop whose time is virtual: it leaps to the next timer whenever nothing else is left to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_REAL_SECONDS = 60.0


class _LeapingSelector(selectors.SelectSelector):
    """Waits by moving the loop's clock; counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waits = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:  # a thread of the loop's executor may still have something to say
            ready = super().select(_REAL_SECONDS)
            assert ready, "everything waits and no timer is set: the test would hang"
        elif not ready and timeout is not None:
            self.waits += timeout > 0
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` is virtual; ``waits`` counts the times that it slept."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now

    @property
    def waits(self) -> int:
        return self._leaping.waits


def run(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def loop() -> VirtualLoop:
    """The running loop."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running
