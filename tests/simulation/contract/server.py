"""What a scenario needs of an API server, simulated or real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

Obj = dict[str, Any]


class Reply(NamedTuple):
    """An answer; ``body`` is parsed JSON, or text where it is none."""

    status: int
    body: Any


class Server(Protocol):
    """An API server with a client that may do everything."""

    def send(
        self, method: str, path: str, body: Any, content_type: str, query: Mapping[str, str]
    ) -> Reply:  # pragma: no cover - a protocol
        """One call."""

    def watch(self, path: str, query: Mapping[str, str], seconds: int) -> list[Obj]:
        """All events of a watch that lasts so long."""

    def until(self, holds: Callable[[], bool]) -> bool:
        """Let time go by until something holds; False: it never came to that."""

    def new_namespace(self) -> str:
        """The name of a namespace that is there, and empty, for one scenario."""

    def forget_history(self) -> None:
        """Make the versions up to now too old to be watched from, if they are not anyway."""
