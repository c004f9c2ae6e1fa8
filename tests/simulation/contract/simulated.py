"""The simulated API server, as scenarios use it: time goes by only while one waits."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.contract.server import Obj, Reply
from tests.simulation.server.api_server import Answer, ApiServer, Request

EPOCH = 1_800_000_000.0
PATIENCE = 60.0


class Timers:
    """Virtual time for a server without an event loop."""

    def __init__(self) -> None:
        self.now = EPOCH
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        """Seconds since 1970."""
        return self.now

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back then."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), callback))

    def advance(self, until: float) -> bool:
        """Go on to the next callback, if it is due by then."""
        if not self._due or self._due[0][0] > until:
            return False
        self.now, _, callback = heapq.heappop(self._due)
        callback()
        return True

    def run(self) -> None:
        """Go on until nothing is due any more."""
        while self.advance(float("inf")):
            pass


class SimulatedServer:
    """Implements Server."""

    def __init__(self) -> None:
        self._timers = Timers()
        self._namespaces = itertools.count(1)
        self.server = ApiServer(self._timers.clock, self._timers.later)

    def send(self, method: str, path: str, body: Any, content_type: str, query: Mapping[str, str]) -> Reply:
        """See Server."""
        given = json.loads(json.dumps(body))
        answer = self.server.serve(Request(method, path, dict(query), given, content_type, "contract"))
        return _reply(answer)

    def watch(self, path: str, query: Mapping[str, str], seconds: int) -> list[Obj]:
        """See Server."""
        watch = self.server.watch(Request("GET", path, {**query, "watch": "true", "timeoutSeconds": str(seconds)}))
        if isinstance(watch, Answer):
            return [_refusal(_reply(watch))]
        if seconds > 2:
            self.server.bookmark()
        return [json.loads(line) for line in watch.take()]

    def until(self, holds: Callable[[], bool]) -> bool:
        """See Server."""
        deadline = self._timers.now + PATIENCE
        while not holds():
            if not self._timers.advance(deadline):
                return False
        return True

    def new_namespace(self) -> str:
        """See Server."""
        name = f"contract-{next(self._namespaces)}"
        self.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def forget_history(self) -> None:
        """See Server."""
        self.server.compact()


def _reply(answer: Answer) -> Reply:
    try:
        return Reply(answer.status, json.loads(answer.body))
    except ValueError:
        return Reply(answer.status, answer.body.decode())


def _refusal(reply: Reply) -> Obj:
    return {"refused": reply.status, "object": reply.body}
