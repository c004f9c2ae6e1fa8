"""SIGTERM: how a step is told to stop, and how its handler gets the chance to tidy up.

Installed by the runner before anything else. The first SIGTERM while the handler runs raises StepTerminated
in it (or cancels it, where it is a coroutine), so that its `finally` blocks run within the pod's grace.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")


class StepTerminated(BaseException):
    """The step was told to stop: by its timeout, by a cancellation, or since its node is being drained.

    Not an Exception, so that `except Exception` does not swallow it. A handler may catch it to tidy up, and
    should raise it again; if it returns instead, what it returns is its result.
    """


class Termination:
    """The process's answer to SIGTERM: one per process."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self.requested = False
        self._over = False
        self._cancel: Callable[[], object] | None = None

    def install(self) -> None:
        """Answer SIGTERM from now on. To be called in the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def disarm(self) -> None:
        """The handler has ended: its outcome is to be written, whatever signal comes now."""
        self._over = True

    async def supervise(self, handler: Awaitable[Result]) -> Result:
        """Await a handler; a SIGTERM cancels it."""
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await handler
        except asyncio.CancelledError:
            if self.requested:
                raise StepTerminated(_MESSAGE) from None
            raise
        finally:
            self.disarm()

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A process that the handler forked, told to end by the handler: it ends as any other.
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        if self._over or self.requested:
            return
        self.requested = True
        if self._cancel is None:
            raise StepTerminated(_MESSAGE)
        self._cancel()


_MESSAGE = "the step was told to stop (SIGTERM) before its handler had finished"
