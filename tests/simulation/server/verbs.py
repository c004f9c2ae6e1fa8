"""The verbs of the API on objects and collections, but for watching.

``ApiServer.serve`` finds out where a path leads and calls ``answer``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.server import refusals
from tests.simulation.server.builtins import patch_causes
from tests.simulation.server.deletes import Deletes, Options
from tests.simulation.server.kinds import NAMESPACES, PODS
from tests.simulation.server.listing import list_of
from tests.simulation.server.patching import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, json_patched, merged
from tests.simulation.server.refusals import Refusal
from tests.simulation.server.selectors import selector_of
from tests.simulation.server.store import Key, Obj, Store, Version, encode
from tests.simulation.server.wire import Answer, Request, Route
from tests.simulation.server.writes import Writes
from tests.simulation.workloads import logs

NO_PAGE = Answer(404, b"404 page not found\n")
LogSource = Callable[[str, str], bytes | None]
"""The log of a pod's container, by namespace and pod; None: there is none."""


class Verbs:
    """What clients do to a store over the wire."""

    def __init__(self, store: Store, writes: Writes, deletes: Deletes) -> None:
        self.log_source: LogSource | None = None
        self._store = store
        self._writes = writes
        self._deletes = deletes
        self._methods = {
            "GET": self._get,
            "POST": self._post,
            "PUT": self._put,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    def answer(self, route: Route, request: Request) -> Answer:
        """Do as asked. Raises Refusal."""
        if route.sub == "log" and route.kind is PODS:
            return self._log(route, request)
        if route.sub and not (route.sub == "status" and route.kind.has_status):
            raise refusals.no_such_path()
        method = self._methods.get(request.method)
        if method is None:
            raise refusals.not_allowed()
        return method(route, request)

    def _get(self, route: Route, request: Request) -> Answer:
        if not route.name:
            return list_of(self._store, route, request)
        return Answer(200, self._writes.existing(route.kind, _key_of(route)).json)

    def _post(self, route: Route, request: Request) -> Answer:
        if route.name or (route.kind.is_namespaced and not route.namespace):
            if route.kind.is_custom:
                return NO_PAGE
            raise refusals.not_allowed()
        dry_run = _is_dry(request)
        created = self._writes.create(route.kind, route.namespace, request.body, request.user, dry_run=dry_run)
        return Answer(201, created.json)

    def _put(self, route: Route, request: Request) -> Answer:
        _check_named(route)
        is_status, dry_run = route.sub == "status", _is_dry(request)
        there = self._store.get(route.kind, _key_of(route))
        written = self._writes.replace(
            route.kind, _key_of(route), request.body, request.user, is_status=is_status, dry_run=dry_run
        )
        return Answer(200 if there else 201, written.json)

    def _patch(self, route: Route, request: Request) -> Answer:
        _check_named(route)
        key, is_status = _key_of(route), route.sub == "status"

        def change(obj: Obj) -> Obj:
            if causes := patch_causes(route.kind):
                raise refusals.invalid(route.kind, route.name, causes)
            return _patched(obj, request)

        written = self._writes.update(
            route.kind, key, change, request.user, is_status=is_status, dry_run=_is_dry(request)
        )
        return Answer(200, written.json)

    def _delete(self, route: Route, request: Request) -> Answer:
        options = Options.read(request.body, request.query)
        if not route.name:
            return self._delete_collection(route, request, options)
        version, is_gone = self._deletes.delete(route.kind, _key_of(route), options, request.user)
        if not is_gone or route.kind is PODS:
            return Answer(200, version.json)
        return Answer(200, encode(_success(version)))

    def _delete_collection(self, route: Route, request: Request, options: Options) -> Answer:
        if route.kind is NAMESPACES or not route.namespace:
            raise refusals.not_allowed()
        selects = selector_of(request.query)
        answer = list_of(self._store, route, Request("GET", request.path, request.query))
        for version in self._store.all(route.kind, route.namespace):
            if selects is None or selects(version.obj):
                self._deletes.delete(route.kind, version.key, options, request.user)
        return answer

    def _log(self, route: Route, request: Request) -> Answer:
        self._writes.existing(route.kind, _key_of(route))
        source = self.log_source
        return logs.answer(source(route.namespace, route.name) if source else None, route, request)


def _patched(obj: Obj, request: Request) -> Obj:
    if request.content_type == JSON_PATCH:
        patched: Obj = json_patched(obj, request.body)
        return patched
    if request.content_type in (MERGE_PATCH, STRATEGIC_PATCH):  # which differ for lists with keys only
        return merge_patched(obj, request.body)
    raise Refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format", {})


def merge_patched(obj: Obj, patch: Any) -> Obj:
    """An object after a merge patch. Raises Refusal."""
    if not isinstance(patch, dict):
        raise refusals.bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    after: Obj = merged(obj, patch)
    return after


def _check_named(route: Route) -> None:
    if not route.name:
        raise refusals.not_allowed()


def _is_dry(request: Request) -> bool:
    return request.query.get("dryRun") == "All"


def _key_of(route: Route) -> Key:
    return (route.namespace, route.name)


def _success(version: Version) -> Obj:
    kind = version.kind
    details = {"name": version.key[1], "group": kind.group, "kind": kind.plural, "uid": version.obj["metadata"]["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
