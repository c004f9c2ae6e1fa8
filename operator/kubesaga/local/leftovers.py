"""What a killed run left running: found by its log, and ended before its attempt counts as lost.

A log is locked by who has it open, which is the program and all that it started. Used by ``processes``, which makes the
logs, and by ``start``, where a run goes on.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PATIENCE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_POLL = 0.05


def locked_log(path: Path) -> BinaryIO:
    """A new log, locked as long as anybody has it open who got it from here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.open("wb")
    fcntl.flock(log, fcntl.LOCK_EX)
    return log


def still_runs(log: Path) -> bool:
    """Whether a process of the attempt with this log is alive, whoever started it."""
    try:
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def end_leftover(log: Path, pid: int | None) -> bool:
    """End what a killed run left running of an attempt; False if it cannot be ended.

    ``pid`` is None where the run was killed before it had written it down: then who writes the log is looked for.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not still_runs(log):
            return True
        for group in _writers(log) if pid is None else [pid]:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        until = time.monotonic() + PATIENCE
        while still_runs(log) and time.monotonic() < until:
            time.sleep(_POLL)
    return not still_runs(log)


def _writers(log: Path) -> set[int]:
    """The process groups of those who have it open to write; none on a system that does not tell."""
    path, groups = str(log.resolve()), set()
    for process in filter(str.isdecimal, _names("/proc")):
        for number in _names(f"/proc/{process}/fd"):
            with suppress(OSError):  # it has ended, or closed it, meanwhile
                if os.readlink(f"/proc/{process}/fd/{number}") == path and _writes(process, number):
                    groups.add(os.getpgid(int(process)))
    return groups - {os.getpgrp()}


def _writes(process: str, number: str) -> bool:
    """Whether the file is open to write: one who only reads a log is no part of its attempt."""
    lines = Path(f"/proc/{process}/fdinfo/{number}").read_text("ascii").splitlines()
    flags = next(line.partition(":")[2] for line in lines if line.startswith("flags:"))
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
