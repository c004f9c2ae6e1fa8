"""An attempt's way through this machine: what is launched, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kubesaga.api.programs import Program
from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepError

Key = tuple[str, Attempt]
"""An attempt of a Task: the Task's UID, and the attempt."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What an attempt needs: its program, its input document (JSON), the contract's variables, where its log goes."""

    key: Key
    program: Program
    input: str
    variables: Mapping[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over: its result or its error. ``stopped``: it was told to stop, and left no word."""

    key: Key
    at: float
    result: Any = None
    metadata: Mapping[str, Any] | None = None
    error: StepError | None = None
    stopped: bool = False


class Refused(Exception):
    """The attempt cannot be started, and waiting will not help."""

    def __init__(self, error: StepError) -> None:
        super().__init__(str(error))
        self.error = error


class Programs(Protocol):
    """Runs programs. An end is put into the queue that the Programs were made with, as Ended."""

    def launch(self, launch: Launch) -> int | None:
        """Start an attempt; returns the PID of its process, if it is one. Raises Refused."""

    def stop(self, key: Key) -> None:
        """Tell it to stop; its end follows."""

    def close(self) -> None:
        """Stop everything, and come back once nothing runs any more."""


@dataclass
class Dispatcher:
    """Handlers here, containers there."""

    handlers: Programs
    containers: Programs
    _where: dict[Key, Programs] = field(default_factory=dict)

    def launch(self, launch: Launch) -> int | None:
        """As Programs does."""
        where = self.handlers if launch.program.callable else self.containers
        self._where[launch.key] = where
        return where.launch(launch)

    def stop(self, key: Key) -> None:
        """As Programs does."""
        self._where[key].stop(key)

    def close(self) -> None:
        """As Programs does."""
        for each in (self.handlers, self.containers):
            each.close()
