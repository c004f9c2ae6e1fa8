"""Starting processes that outlive the command, and ending exactly those again.

A process is remembered by its id *and* its start time: an id alone may have been given to somebody else's process by
the time that it is read back, and nobody else's process is ever signalled.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.cluster.errors import ClusterError

PROC = Path("/proc")
KILL_SECONDS = 30.0
"""How long a killed process may take to be gone: a large one on a busy machine, or one that waits for a disk."""


@dataclass(frozen=True)
class Process:
    """One process of this machine; `started` is in clock ticks since boot, as the kernel reports it."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return identify(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended in the meantime is fine."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait_gone(self, seconds: float) -> bool:
        """Wait until the process has ended; False when it still runs after that time."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self, grace_seconds: float) -> None:
        """End the process: SIGTERM, then SIGKILL when the grace is over."""
        self.signal(signal.SIGTERM)
        if not self.wait_gone(grace_seconds):
            self.kill()

    def kill(self) -> None:
        """End the process by SIGKILL. Raises ClusterError when it is there still, long afterwards."""
        self.signal(signal.SIGKILL)
        if not self.wait_gone(KILL_SECONDS):
            raise ClusterError(f"process {self.pid} does not end, not even by SIGKILL; is it stuck in the kernel?")


def identify(pid: int) -> Process | None:
    """The process that has this id now, or None when none has or it is a zombie.

    A process that has been killed may be a zombie while some of its threads still hold its files and ports: it counts
    until the last of them is gone.
    """
    fields = stat(pid)
    if fields is None or (fields[0] in "ZX" and int(fields[17]) <= 1):
        return None
    return Process(pid, int(fields[19]))


def stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (the state) on, or None without such a process."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def command_line(pid: int) -> list[str]:
    """The arguments that a process was started with; empty when it is gone."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return raw.decode(errors="replace").rstrip("\0").split("\0")


def every_pid() -> list[int]:
    """The ids of all processes that can be seen."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def spawn(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a command in a session of its own, with its output appended to a file; returns its process id.

    Not by `subprocess`, whose objects are about children that one waits for: these outlive the caller.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    files = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    )
    return os.posix_spawnp(command[0], list(command), environment, file_actions=files, setsid=True)


def child_of(launcher: int, seconds: float = 60.0) -> Process:
    """The process that unshare or nsenter forked to enter new namespaces, as soon as it exists.

    Raises ClusterError when the launcher ends, or does not fork in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(launcher, os.WNOHANG)
        if ended:
            raise ClusterError(
                f"no process was started: its launcher ended with status {os.waitstatus_to_exitcode(status)}"
            )
        for pid in every_pid():
            fields = stat(pid)
            if fields is not None and int(fields[1]) == launcher and (found := identify(pid)) is not None:
                return found
        time.sleep(0.005)
    raise ClusterError(f"no process was started by its launcher (process {launcher}) within {seconds:.0f} s")


class Ledger:
    """The processes that were started, by name, each in a file of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, name: str, process: Process) -> None:
        """Remember a process under a name, in place of what was there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(json.dumps(asdict(process)))

    def find(self, name: str) -> Process | None:
        """The process of that name if it was recorded and still runs."""
        try:
            process = Process(**json.loads((self.folder / name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return process if process.alive else None
