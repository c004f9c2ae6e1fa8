"""The event loop of a simulation: virtual time, and processes in it that can be frozen and killed.

Every callback and task belongs to the process whose code made it, by a context variable. What belongs to a frozen
process waits until it thaws, as SIGSTOP has it; virtual time goes on, as the monotonic clock of a stopped process does.
The tasks of a killed one are cancelled, and its transport is dead by then: what they still do has no effect.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from tests.runtime.virtual import VirtualLoop

T = TypeVar("T")

TURN = 1e-6
"""Seconds that one turn of the loop takes."""


class Process:
    """What can be frozen and killed. A dead one only clears up after itself: its transport reaches nobody any more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self._held: list[Callable[[], None]] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def freeze(self) -> None:
        """SIGSTOP."""
        self.is_frozen = True

    def thaw(self) -> None:
        """SIGCONT: what has come up meanwhile is done now, in its order."""
        self.is_frozen = False
        held, self._held = self._held, []
        for run in held:
            asyncio.get_running_loop().call_soon(run, context=contextvars.Context())

    def kill(self) -> None:
        """SIGKILL: nothing that it does has an effect any more."""
        self.is_dead = True
        self.thaw()
        for task in list(self._tasks):
            task.cancel()

    def hold(self, run: Callable[[], None]) -> None:
        """Keep a callback until the process thaws."""
        self._held.append(run)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task of this process began."""
        self._tasks[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if self.is_dead and not task.cancelled():
            task.exception()  # which nobody else will ask for


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class _When(float):
    """A timer's time, to be compared by. A heap of timers themselves would compare them in Python."""

    __slots__ = ("timer",)
    timer: events.TimerHandle


class SimulatedLoop(VirtualLoop):
    """A virtual loop whose callbacks ask their process first."""

    def _run_once(self) -> None:
        """One turn as of asyncio, but for sockets: there are none, and to ask for them costs a system call each time.

        A turn takes time: who waits for the last fraction of a timer would else wait for ever.
        """
        clock, timers, ready = self._leaping, self._scheduled, self._ready  # type: ignore[attr-defined]
        clock.now += TURN
        while timers and timers[0].timer._cancelled:
            heapq.heappop(timers).timer._scheduled = False
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            assert timers, "everything waits and no timer is set: the run would hang"
            clock.now = max(clock.now, float(timers[0]))
        until = clock.now + self._clock_resolution  # type: ignore[attr-defined]
        while timers and timers[0] < until:
            timer = heapq.heappop(timers).timer
            timer._scheduled = False
            ready.append(timer)
        for _ in range(len(ready)):
            self._run_unless_frozen(ready.popleft())

    def _run_unless_frozen(self, handle: events.Handle) -> None:
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is None or not process.is_frozen:
            handle._run()
        else:
            process.hold(partial(self._run_unless_frozen, handle))

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> events.Handle:
        handle = events.Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> events.TimerHandle:
        return self.call_at(self._leaping.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> events.TimerHandle:
        timer = events.TimerHandle(when, callback, args, self, context)
        entry = _When(when)
        entry.timer = timer
        heapq.heappush(self._scheduled, entry)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Complain, but not for the dead."""
        handle = context.get("handle")
        process = None if handle is None else handle._context.get(PROCESS)
        if process is None or not process.is_dead:
            super().call_exception_handler(context)

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Signals of this machine are no signals of the simulated ones."""

    async def create_server(self, *_: Any, **__: Any) -> Any:
        """Nobody probes: no socket is opened."""
        return _Deaf()

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]
        """A thread would end at a time of its own, and no run would be like another."""
        raise AssertionError("a simulated operator must not use threads")


class _Deaf:
    """A server without a socket, and that socket."""

    @property
    def sockets(self) -> list[_Deaf]:
        return [self]

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 0)

    def close(self) -> None:
        """There is nothing to close."""


def _make_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, T],
    *,
    context: contextvars.Context | None = None,
) -> asyncio.Task[T]:
    task = asyncio.Task(coroutine, loop=loop, context=context)
    process = context.get(PROCESS) if context is not None else PROCESS.get()
    if process is not None:
        process.adopt(task)
    return task


def spawn(process: Process, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run a coroutine, and all that comes of it, as ``process``."""
    context = contextvars.copy_context()
    context.run(PROCESS.set, process)
    return asyncio.get_running_loop().create_task(coroutine, context=context)


def current() -> Process | None:
    """The process whose code runs now; None for the world itself."""
    return PROCESS.get()


def run(main: Coroutine[Any, Any, T], make_loop: Callable[[], SimulatedLoop] = SimulatedLoop) -> T:
    """``asyncio.run`` on such a loop."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.get_loop().set_task_factory(_make_task)  # type: ignore[arg-type]
        return runner.run(main)
