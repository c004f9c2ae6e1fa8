"""Lists: everything selected of one kind, whole or in pages of one snapshot."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from tests.simulation.server import refusals
from tests.simulation.server.selectors import selector_of
from tests.simulation.server.store import Key, Store, Version, encode
from tests.simulation.server.watches import too_old
from tests.simulation.server.wire import Answer, Request, Route

Obj = dict[str, Any]

_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


class _Start(NamedTuple):
    """Where a page starts: after ``last``, in the list as it was at ``version``."""

    version: int
    last: Key | None


def list_of(store: Store, route: Route, request: Request, at: int | None = None) -> Answer:
    """Answer a list, as it is now or was ``at`` a version. Raises Refusal."""
    query = request.query
    start = _start(store, query.get("continue", ""), query.get("resourceVersion", ""), at)
    selected = _selected(store, route, request, start)
    # A list of version 0 comes whole from the server's cache.
    limit = 0 if query.get("resourceVersion") == "0" else int(query.get("limit", "0"))
    page = selected[:limit] if limit else selected
    metadata: Obj = {"resourceVersion": str(start.version)}
    if route.kind.is_custom:
        metadata["continue"] = ""
    if len(page) < len(selected):
        metadata["continue"] = _token(start.version, page[-1].key)
        if "labelSelector" not in query and "fieldSelector" not in query:
            metadata["remainingItemCount"] = len(selected) - len(page)
    return Answer(200, _body(route, metadata, page))


def _start(store: Store, token: str, version: str, at: int | None) -> _Start:
    if token:
        if version not in ("", "0"):
            raise refusals.bad_request("specifying resource version is not allowed when using continue")
        start = _read_token(token)
        if start.version < store.compacted:
            raise refusals.expired(_CONTINUE_TOO_OLD)
        return start
    if at is not None:
        return _Start(at, None)
    if version not in ("", "0"):
        least = int(version)
        if least > store.version:
            raise refusals.Refusal(504, "Timeout", f"Timeout: Too large resource version: {least}", {})
        if least < store.compacted:
            raise too_old(least, store.compacted)
    return _Start(store.version, None)


def _selected(store: Store, route: Route, request: Request, start: _Start) -> list[Version]:
    selects = selector_of(request.query)
    there = store.all(route.kind, route.namespace, start.version)
    if start.last is not None:
        there = [version for version in there if version.key > start.last]
    return there if selects is None else [version for version in there if selects(version.obj)]


def _body(route: Route, metadata: Obj, page: list[Version]) -> bytes:
    items = b",".join(version.item for version in page)
    kind = route.kind
    return b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[%b]}' % (
        kind.kind.encode(),
        kind.api_version.encode(),
        encode(metadata),
        items,
    )


def _token(version: int, last: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *last]).encode()).decode()


def _read_token(token: str) -> _Start:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise refusals.bad_request(
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        ) from error
    return _Start(version, (namespace, name))
