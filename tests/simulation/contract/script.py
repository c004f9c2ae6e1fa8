"""One scenario at work: it sends, and everything that is answered goes into its transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.contract.server import Obj, Reply, Server
from tests.simulation.contract.transcript import Transcript
from tests.simulation.server.patching import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH

_JSON = "application/json"


class Script:
    """A scenario's hands. Each method's ``what`` says in the transcript what was done."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.namespace = server.new_namespace()
        self.transcript = Transcript([self.namespace])

    def get(self, what: str, path: str, **query: str) -> Obj:
        """GET an object or a list."""
        return self._send(what, "GET", path, query=query)

    def create(self, what: str, path: str, body: Obj, **query: str) -> Obj:
        """POST into a collection."""
        return self._send(what, "POST", path, body, query=query)

    def put(self, what: str, path: str, body: Obj, **query: str) -> Obj:
        """PUT an object."""
        return self._send(what, "PUT", path, body, query=query)

    def merge(self, what: str, path: str, body: Any, **query: str) -> Obj:
        """PATCH by a merge patch."""
        return self._send(what, "PATCH", path, body, MERGE_PATCH, query)

    def strategic(self, what: str, path: str, body: Any) -> Obj:
        """PATCH by a strategic merge patch."""
        return self._send(what, "PATCH", path, body, STRATEGIC_PATCH)

    def patch(self, what: str, path: str, *operations: Mapping[str, object]) -> Obj:
        """PATCH by a JSON Patch."""
        return self._send(what, "PATCH", path, list(operations), JSON_PATCH)

    def delete(self, what: str, path: str, body: Obj | None = None, **query: str) -> Obj:
        """DELETE an object or a collection."""
        return self._send(what, "DELETE", path, body, query=query)

    def quietly(self, method: str, path: str, body: Any = None) -> Reply:
        """Any call that the transcript does not tell of."""
        return self.server.send(method, path, body, _JSON, {})

    def watch(self, what: str, path: str, since: str | None = None, *, seconds: int = 1, **query: str) -> list[Obj]:
        """All events since a version."""
        asked = query if since is None else {**query, "resourceVersion": since}
        events = self.server.watch(path, asked, seconds)
        self.transcript.note_events(what, events)
        return events

    def until_gone(self, what: str, path: str) -> None:
        """Wait until an object is no more."""
        self._until(what, lambda: self.quietly("GET", path).status == 404)

    def until(self, what: str, path: str, holds: Callable[[Obj], object]) -> Obj:
        """Wait until an object is as described; it goes into the transcript as it is then."""
        self._until(f"{what} (awaited)", lambda: bool(holds(self.quietly("GET", path).body)))
        return self.get(what, path)

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        self.transcript.note(what, {"holds": self.server.until(holds)})

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = _JSON,
        query: dict[str, str] | None = None,
    ) -> Obj:
        reply = self.server.send(method, path, body, content_type, query or {})
        self.transcript.note_reply(what, reply)
        found: Obj = reply.body if isinstance(reply.body, dict) else {}
        return found
