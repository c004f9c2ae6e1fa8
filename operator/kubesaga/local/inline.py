"""Handlers in this process, each attempt in a thread of its own: no start-up, breakpoints work, nothing is isolated.

A thread cannot be stopped: an attempt that is told to stop, or takes longer than its timeout, is over when its handler
returns, so that no other attempt ever runs beside it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

from kubesaga.engine.session import TIMED_OUT
from kubesaga.local.errors import LocalError
from kubesaga.local.launches import Ended, Key, Launch
from kubesaga.local.outputs import judged_whole

Run = Callable[[dict[str, Any]], tuple[bytes, int]]


class Inline:
    """Runs handlers in threads. ``clock`` gives the times of their ends."""

    def __init__(self, handlers: Iterable[Path], ended: Queue[object], clock: Callable[[], float]) -> None:
        """``handlers`` are folders to import from. Raises LocalError where there is no SDK."""
        self._ended = ended
        self._clock = clock
        self._stopped: set[Key] = set()
        self._run = _runner()
        for folder in map(str, handlers):
            if folder not in sys.path:
                sys.path.insert(0, folder)

    def launch(self, launch: Launch) -> int | None:
        """As Programs does."""
        threading.Thread(target=self._attempt, args=(launch,), name=launch.log.stem, daemon=True).start()
        return None

    def stop(self, key: Key) -> None:
        """As Programs does: what it comes to is dropped, unless it comes to a result."""
        self._stopped.add(key)

    def close(self) -> None:
        """As Programs does, as far as it can be done: what still runs goes with this process."""

    def _attempt(self, launch: Launch) -> None:
        began = time.monotonic()
        # A copy, as a pod would get one: what the handler does to its context stays with the handler.
        document, code = self._run(json.loads(launch.input))
        taken = time.monotonic() - began
        output = judged_whole(code, document)
        limit = launch.program.timeout_seconds
        end = Ended(launch.key, self._clock(), output.result, output.metadata, output.error)
        if output.error is not None and launch.key in self._stopped:
            end = Ended(launch.key, end.at, stopped=True)
        elif limit is not None and taken > limit:
            message = f"took {taken:.3g} s of {limit:g} s (inline, a handler cannot be stopped in the middle)"
            end = Ended(launch.key, end.at, error=replace(TIMED_OUT, message=message))
        self._ended.put(end)


def _runner() -> Run:
    try:
        from kubesaga_sdk import outcome, step_input
        from kubesaga_sdk.attempt import run_attempt
    except ImportError as error:
        raise LocalError(f"handlers need the SDK, which is not here: {error}", "pip install kubesaga-sdk") from error

    def run(document: dict[str, Any]) -> tuple[bytes, int]:
        try:
            return run_attempt(step_input.complete(document, "the step's input"))
        except KeyboardInterrupt as error:  # Ctrl-C never comes to a thread: the handler itself has raised it
            return outcome.of_error(error)

    return run
