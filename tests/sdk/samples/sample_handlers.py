"""Handlers for the runner's tests: one for each way in which a handler can end."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubesaga_sdk import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult


class Returns(StepHandler):
    """Returns the value that the Task's context holds."""

    def call(self, context: StepContext) -> Any:
        return context.get_input("value")


class Grows(StepHandler):
    """Returns a text of the length asked for."""

    def call(self, context: StepContext) -> str:
        return "x" * int(context.get_input("length"))


class ReturnsMuchAmidNoise(StepHandler):
    """Returns a large value while a thread and a line of its own, which it never finishes, are in the log's way."""

    def call(self, context: StepContext) -> Any:
        threading.Thread(target=self._talk, daemon=True).start()
        print("an unfinished line", end="")
        return context.get_input("value")

    def _talk(self) -> None:
        while True:
            os.write(1, b"noise " * 50 + b"\n" + b"unfinished ")


class ReturnsMuchWithoutStandardOutput(StepHandler):
    """Returns a large value when nothing can be written to the log any more."""

    def call(self, _context: StepContext) -> str:
        os.close(1)
        return "x" * 10_000


class ReturnsMuchToASlowReader(StepHandler):
    """Returns more than a pipe holds, and has left standard output non-blocking."""

    def call(self, context: StepContext) -> str:
        os.set_blocking(1, False)
        print("ready", file=sys.stderr, flush=True)
        return "x" * int(context.get_input("length"))


class ReturnsLater(StepHandler):
    """The same as a coroutine."""

    async def call(self, context: StepContext) -> Any:
        await asyncio.sleep(0)
        return context.get_input("value")


class Succeeds(StepHandler):
    """Reports success with metadata."""

    def call(self, _context: StepContext) -> StepHandlerResult:
        return self.success({"id": 7}, {"took": 1.5})


class ReportsFailure(StepHandler):
    """Reports a failure instead of raising one."""

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.failure(
            "the card was declined", "CardError", context.get_input("retryable"), {"card": "visa"}, "DECLINED"
        )


class Declined(PermanentError):
    """An error of the author's own."""


class RaisesPermanent(StepHandler):
    """Raises an error of its own."""

    def call(self, _context: StepContext) -> None:
        raise Declined("the card was declined", "DECLINED", metadata={"card": "visa"})


class RaisesRetryable(StepHandler):
    """Asks for another attempt after some time."""

    def call(self, _context: StepContext) -> None:
        raise RetryableError("the bank is busy", error_code="BUSY", retry_after=2.5)


class HasABug(StepHandler):
    """Fails by a programming error."""

    def call(self, context: StepContext) -> str:
        return "a" + context.attempt  # type: ignore[operator, no-any-return]


class FailsInAGroup(StepHandler):
    """Fails inside an asyncio.TaskGroup: once retryably, once for good."""

    async def call(self, _context: StepContext) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fail(RetryableError("busy")))
            group.create_task(self._fail(PermanentError("declined")))

    async def _fail(self, error: Exception) -> None:
        raise error


class Exits(StepHandler):
    """Ends the process itself."""

    def call(self, context: StepContext) -> None:
        sys.exit(context.get_input("code"))


class VanishesWithoutAWord(StepHandler):
    """Ends the process so that nothing can be written any more."""

    def call(self, _context: StepContext) -> None:
        os._exit(0)


class Compensates(StepHandler):
    """Tells what a compensation is given."""

    def call(self, _context: StepContext) -> None:
        raise AssertionError("the compensation was asked for")

    def compensate(self, context: StepContext) -> dict[str, Any]:
        return {
            "forward": context.forward_result,
            "key": context.idempotency_key,
            "own": context.compensation_key,
        }


class Talks(StepHandler):
    """Prints and logs."""

    def call(self, _context: StepContext) -> None:
        print("to standard output")
        print("to standard error", file=sys.stderr)
        logging.getLogger("shop").info("charged", extra={"amount": 5, "step": "mine"})


class Blocks(StepHandler):
    """Waits in a blocking call until it is told to stop, and tidies up."""

    def call(self, context: StepContext) -> str:
        try:
            print("ready")
            time.sleep(600)
        except BaseException:
            if context.get_input("finish"):
                return "finished all the same"
            raise
        finally:
            if context.get_input("slowly"):
                print("tidying up")
                sys.stdin.readline()
            print("tidied up")
            if context.get_input("stumble"):
                raise ValueError("tidying up failed")
        return "never"


class Awaits(StepHandler):
    """The same as a coroutine."""

    async def call(self, context: StepContext) -> str:
        try:
            print("ready")
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            if context.get_input("finish"):
                return "finished all the same"
            raise
        finally:
            await asyncio.sleep(0)
            print("tidied up")
        return "never"


class Abstract(StepHandler):
    """Lacks `call`."""


class WantsArguments(StepHandler):
    """Cannot be made by the runner."""

    def __init__(self, bank: str) -> None:
        self.bank = bank

    def call(self, _context: StepContext) -> str:
        return self.bank


class FailsToStart(StepHandler):
    """Its constructor finds a service down."""

    def __init__(self) -> None:
        raise ConnectionRefusedError("no database")

    def call(self, _context: StepContext) -> None:
        return None


class ConstructorHasABug(StepHandler):
    """Its constructor takes no arguments, but fails by a TypeError of its own."""

    def __init__(self) -> None:
        len(5)  # type: ignore[arg-type]

    def call(self, _context: StepContext) -> None:
        return None


class Plain:
    """A handler without the base class."""

    def call(self, _context: StepContext) -> str:
        return "plain"


def function(context: StepContext) -> str:
    """A handler that is a function."""
    return f"function for {context.task.name}"


async def coroutine(context: StepContext) -> str:
    """A handler that is a coroutine function."""
    return f"coroutine for {context.task.name}"


class LeavesAThread(StepHandler):
    """Leaves a thread that ends once somebody has complained about it; or, being deaf, never."""

    def call(self, context: StepContext) -> str:
        noticed, deaf = threading.Event(), context.get_input("deaf")

        class Ear(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "go on" in record.getMessage():
                    print("noticed", flush=True)
                    noticed.set()

        logging.getLogger("kubesaga_sdk").addHandler(Ear())
        wait = threading.Event().wait if deaf else noticed.wait
        threading.Thread(target=wait, args=(60,), name="pump").start()
        return "done"


class LeavesAPool(StepHandler):
    """Leaves a pool whose threads have nothing more to do."""

    pool = ThreadPoolExecutor(2)

    def call(self, _context: StepContext) -> str:
        return self.pool.submit(str, "done").result()


class LeavesAProcess(StepHandler):
    """Leaves a process that ends once somebody has complained about it."""

    def call(self, _context: StepContext) -> str:
        noticed = multiprocessing.Event()

        class Ear(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "go on" in record.getMessage():
                    noticed.set()

        logging.getLogger("kubesaga_sdk").addHandler(Ear())
        multiprocessing.get_context("fork").Process(target=noticed.wait, args=(60,), name="Process-1").start()
        return "done"


class EndsAProcess(StepHandler):
    """Starts a process by a fork, ends it, and tells how it ended."""

    def call(self, _context: StepContext) -> int | None:
        started = multiprocessing.Event()
        process = multiprocessing.get_context("fork").Process(target=self._work, args=(started,))
        process.start()
        started.wait(60)
        process.terminate()
        process.join(60)
        return process.exitcode

    def _work(self, started: Any) -> None:
        started.set()
        for _ in range(6000):
            time.sleep(0.01)  # not in one piece: of a signal that comes just before a sleep nothing is heard in it


class Forks(StepHandler):
    """Comes back from its `call` twice: in the process that it forked first."""

    def call(self, _context: StepContext) -> str:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        return "parent" if child else "child"


class TalksOddly(StepHandler):
    """Logs fields that JSON cannot hold, under names that are taken."""

    def call(self, context: StepContext) -> None:
        odd = {"ratio": float("nan"), "by_day": {(1, 2): 3}, "name": "Ada", "message": "hello"}
        context.logger.info("odd", extra=odd)
