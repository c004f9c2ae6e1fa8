"""Attempts as processes of this machine: what a pod is on a cluster.

Each gets a session of its own, so that all that it started can be ended with it, and a log that is locked by who has it
open: a run that was killed leaves its programs running, and the lock tells the next one so (``leftovers``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import Queue, SimpleQueue

from kubesaga.api import constants as c
from kubesaga.api.programs import ProgramKind
from kubesaga.engine.records import StepError
from kubesaga.engine.session import TIMED_OUT
from kubesaga.local.commands import Machine
from kubesaga.local.launches import Ended, Key, Launch, Refused
from kubesaga.local.leftovers import locked_log
from kubesaga.local.outputs import judged

GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL, as in a pod."""
HURRY = 5.0
"""The same when everything is to stop."""


@dataclass(eq=False)
class Running:
    """A process; ``why`` it was told to stop, if it was."""

    launch: Launch
    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]
    why: str | None = None
    kill_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell_to_stop(self, why: str, grace: float) -> None:
        """SIGTERM, and SIGKILL once the grace is over; a second call only shortens the grace."""
        with self.lock:
            at = time.monotonic() + grace
            self.kill_at = at if self.kill_at is None else min(at, self.kill_at)
            if self.why is None:
                self.why = why
                self.process.terminate()


class Processes:
    """Runs attempts as processes. ``clock`` gives the times of their ends."""

    def __init__(self, machine: Machine, ended: Queue[object], clock: Callable[[], float]) -> None:
        self._machine = machine
        self._ended = ended
        self._clock = clock
        self._running: dict[Key, Running] = {}
        self._watchers: list[threading.Thread] = []
        self._closing = False
        self._lock = threading.Lock()

    def launch(self, launch: Launch) -> int | None:
        """As Programs does. The process has its own session: Ctrl-C at the terminal does not reach it.

        It is started by its watcher: a Ctrl-C, which comes to this thread at any point, cannot come between the start
        of a process and the note that it is there to be stopped.
        """
        begun: SimpleQueue[int | BaseException] = SimpleQueue()
        watcher = threading.Thread(target=self._attempt, args=(launch, begun), name=launch.log.stem, daemon=True)
        self._watchers.append(watcher)
        watcher.start()
        found = begun.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self, key: Key) -> None:
        """As Programs does."""
        running = self._running.get(key)
        if running is not None:
            running.tell_to_stop("stopped", GRACE)

    def close(self) -> None:
        """As Programs does. A Ctrl-C meanwhile ends them at once."""
        try:
            with self._lock:
                self._closing = True
            for running in list(self._running.values()):
                running.tell_to_stop("stopped", HURRY)
            self._await_all()
        except KeyboardInterrupt:
            self._closing = True
            for running in list(self._running.values()):
                running.tell_to_stop("stopped", 0.0)
                _kill_session(running.process.pid)
            self._await_all()
            raise

    def _await_all(self) -> None:
        for watcher in self._watchers:
            if watcher.ident is not None:  # None: interrupted before it was started
                watcher.join()

    def _attempt(self, launch: Launch, begun: SimpleQueue[int | BaseException]) -> None:
        """A watcher's work: start the process, tell its PID or why there is none, and see it to its end."""
        try:
            running = self._start(launch)
        except BaseException as error:
            begun.put(error)
            return
        begun.put(running.process.pid)
        self._watch(running)

    def _start(self, launch: Launch) -> Running:
        folder = tempfile.TemporaryDirectory(prefix="kubesaga-", ignore_cleanup_errors=True)
        environment = self._machine.environment_of(launch.program, {**launch.variables, **_files(launch, folder.name)})
        command = self._machine.command(launch.program, environment)
        with locked_log(launch.log) as log:
            try:
                process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                folder.cleanup()
                why = f"{command[0]}: {error.strerror or error}"
                raise Refused(StepError("ContainerCannotRun", why, retryable=False)) from error
        running = Running(launch, process, folder)
        with self._lock:
            self._running[launch.key] = running
            too_late = self._closing
        if too_late:
            running.tell_to_stop("stopped", HURRY)
        return running

    def _watch(self, running: Running) -> None:
        """Wait for the end, see to the timeout and the grace, and tell what came of it."""
        try:
            code = _awaited(running)
        finally:
            _kill_session(running.process.pid)
        end = _judged(running, code, self._clock())
        running.folder.cleanup()
        self._running.pop(running.launch.key, None)
        self._ended.put(end)


def _files(launch: Launch, folder: str) -> dict[str, str]:
    """The input and the result file, as the contract's variables name them."""
    result = Path(folder) / "result"
    result.touch()
    variables = {c.ENV_RESULT_FILE: str(result)}
    if len(launch.input.encode()) <= c.INLINE_INPUT_BYTES:
        return {**variables, c.ENV_INPUT: launch.input}
    file = Path(folder) / c.INPUT_KEY
    file.write_text(launch.input, encoding="utf-8")
    return {**variables, c.ENV_INPUT_FILE: str(file)}


def _awaited(running: Running) -> int:
    limit = running.launch.program.timeout_seconds
    timeout_at = None if limit is None else time.monotonic() + limit
    while True:
        now = time.monotonic()
        if timeout_at is not None and now >= timeout_at and running.why is None:
            running.tell_to_stop("timeout", GRACE)
        if running.kill_at is not None and now >= running.kill_at:
            _kill_session(running.process.pid)
        marks = [at for at in (running.kill_at, timeout_at if running.why is None else None) if at is not None]
        # Woken a few times a second too, since somebody else may tell it to stop.
        pause = min([1.0, *(max(0.0, at - now) for at in marks)])
        with suppress(subprocess.TimeoutExpired):
            return running.process.wait(max(pause, 0.001))


def _kill_session(pid: int) -> None:
    """Kill what is left of it: as a pod's sandbox goes, so do its children."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _judged(running: Running, code: int, at: float) -> Ended:
    launch = running.launch
    if running.why and code != 0:
        if running.why == "stopped":
            return Ended(launch.key, at, stopped=True)
        limit = launch.program.timeout_seconds or 0.0
        message = f"the attempt was stopped at its timeout of {limit:g} s; raise it if the work takes longer"
        return Ended(launch.key, at, error=replace(TIMED_OUT, message=message, exit_code=code if code > 0 else None))
    document = _left_in(Path(running.folder.name) / "result", c.RESULT_LIMIT_BYTES)
    expects = launch.program.kind is ProgramKind.HANDLER
    output = judged(code, document, partial(_left_in, launch.log), expects_document=expects)
    return Ended(launch.key, at, output.result, output.metadata, output.error)


def _left_in(file: Path, last: int | None) -> bytes:
    """What a program left in a file, or the last bytes of it: nothing where it has removed the file, or put something
    else in its place."""
    try:
        if not file.is_file():
            return b""
        with file.open("rb") as left:
            if last is not None:
                left.seek(max(0, file.stat().st_size - last))
            return left.read()
    except OSError:
        return b""
