"""SyncRunner and AsyncRunner: a workflow in this process, decided upon by the operator's own engine.

Retries, their delays, the strategy, the order of undoing and the outcome are those of a cluster. What a process has not
is a place where a run outlives it: one that is killed is gone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow import attempts
from kubesaga_sdk.workflow.definition import Definition
from kubesaga_sdk.workflow.errors import AsyncTaskFound
from kubesaga_sdk.workflow.outcomes import Outcome
from kubesaga_sdk.workflow.run import Run, definition_of
from kubesaga_sdk.workflow.tasks import Executable

if TYPE_CHECKING:
    import asyncio

    from kubesaga.engine.decision import Attempt, Decision

T = TypeVar("T")
Clock = Callable[[], float]


class SyncRunner:
    """Runs a workflow of plain functions, one attempt after the other, in the caller's thread."""

    def __init__(self, *, clock: Clock = time.time, sleep: Callable[[float], object] = time.sleep) -> None:
        """`clock` gives seconds since the epoch, `sleep` waits for seconds: a test has its own."""
        self._clock = clock
        self._sleep = sleep

    def run(
        self,
        workflow: Definition[T] | Executable[T],
        context: ExecutionContext[T],
        *,
        execution_id: str | None = None,
    ) -> Outcome[T]:
        """Run to the end.

        Arguments:
            context: what to begin with; it is not changed.
            execution_id: what the tasks' idempotency keys and jitter are made from; None = a new one.

        Raises AsyncTaskFound, EngineMissing, WorkflowError and InvalidData, all of them before anything runs. Errors of
        tasks are in the outcome.
        """
        definition = definition_of(workflow)
        _refuse_async(definition)
        run = Run(definition, context, execution_id, self._clock())
        self._drive(run)
        return run.outcome()

    def _drive(self, run: Run[T]) -> None:
        waiting: deque[Attempt] = deque()
        while True:
            decision = run.decide(self._clock())
            waiting.extend(decision.launches)
            stopped = [attempt for attempt in decision.stops if attempt in waiting]
            if stopped:
                waiting = deque(attempt for attempt in waiting if attempt not in stopped)
                run.never_started(stopped, self._clock())
            elif waiting:
                self._attempt(run, waiting.popleft())
            elif run.over or decision.wake_at is None:
                return
            else:
                self._sleep(max(0.0, decision.wake_at - self._clock()))

    def _attempt(self, run: Run[T], attempt: Attempt) -> None:
        program, context, timeout = run.program(attempt)
        began = self._clock()
        run.started(attempt, began)
        ended = attempts.run(program, context)
        now = self._clock()
        if timeout is not None and now - began > timeout:
            run.timed_out(attempt, now)
        else:
            run.ended(attempt, ended, now)


class AsyncRunner:
    """Runs a workflow of plain and coroutine functions in an event loop; what can run side by side does."""

    def __init__(
        self,
        *,
        threads: bool = False,
        clock: Clock = time.time,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        """`threads`: plain functions run in threads of their own, so that they do not hold up the event loop.

        `clock` and `sleep` as SyncRunner's, `sleep` to be awaited (asyncio.sleep unless said).
        """
        self._threads = threads
        self._clock = clock
        self._sleep = sleep

    async def run(
        self,
        workflow: Definition[T] | Executable[T],
        context: ExecutionContext[T],
        *,
        execution_id: str | None = None,
    ) -> Outcome[T]:
        """Run to the end; as `SyncRunner.run`. Cancelled, it cancels what runs and leaves the run where it is."""
        run = Run(definition_of(workflow), context, execution_id, self._clock())
        await self._drive(run)
        return run.outcome()

    async def _drive(self, run: Run[T]) -> None:
        import asyncio

        live: dict[asyncio.Task[None], Attempt] = {}
        try:
            while True:
                decision = run.decide(self._clock())
                for attempt in decision.launches:
                    live[asyncio.ensure_future(self._attempt(run, attempt))] = attempt
                for task, attempt in live.items():
                    if attempt in decision.stops and run.is_async(attempt):
                        task.cancel()
                if not live and (run.over or decision.wake_at is None):
                    return
                await self._wait(run, live, decision)
        finally:
            for task in live:
                task.cancel()
            await asyncio.gather(*live, return_exceptions=True)

    async def _wait(self, run: Run[T], live: dict[asyncio.Task[None], Attempt], decision: Decision) -> None:
        """Until an attempt has ended, or the engine's next moment has come."""
        import asyncio

        sleep = self._sleep or asyncio.sleep
        alarm = None
        if decision.wake_at is not None:
            alarm = asyncio.ensure_future(_slept(sleep(max(0.0, decision.wake_at - self._clock()))))
        try:
            await asyncio.wait([*live, alarm] if alarm else live, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if alarm:
                alarm.cancel()
        for task in [task for task in live if task.done()]:
            attempt = live.pop(task)
            if task.cancelled():
                run.stopped(attempt, self._clock())
            else:
                task.result()

    async def _attempt(self, run: Run[T], attempt: Attempt) -> None:
        import asyncio

        program, context, timeout = run.program(attempt)
        began = self._clock()
        run.started(attempt, began)
        # A plain function, in a thread too, cannot be stopped: its attempt ends when it does, so that a retry never
        # runs beside it.
        limit = timeout if program.is_async else None
        try:
            async with asyncio.timeout(limit) as scope:
                ended = await attempts.arun(program, context, in_thread=self._threads)
        except TimeoutError:
            run.timed_out(attempt, self._clock())
            return
        now = self._clock()
        if scope.expired() or (timeout is not None and now - began > timeout):
            run.timed_out(attempt, now)
        else:
            run.ended(attempt, ended, now)


async def _slept(sleep: Awaitable[object]) -> None:
    await sleep


def _refuse_async(definition: Definition[T]) -> None:
    for step in definition.steps():
        for program, what in ((step.program, f"step {step.name}"), (step.undo, f"the undo of step {step.name}")):
            if program is not None and program.is_async:
                raise AsyncTaskFound(
                    f"{what} of {definition.name} is written with async def, which SyncRunner cannot run: use "
                    "await AsyncRunner().run(...). Nothing has been run"
                )
