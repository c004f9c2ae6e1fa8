"""A Kubernetes API server in memory, with its garbage collector and its namespace controller.

As far as the operator, kopf and the simulated controllers can tell it behaves as kube-apiserver 1.34: the contract in
``contract`` runs the same script against both. Operators reach it by ``serve`` and ``watch``, through a transport; the
simulated controllers, people and tests by its methods, which take and give dicts and raise Refusal. What it gives is
shared with everybody and never changed; what it is given, the giver does not change afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.server import discovery, refusals
from tests.simulation.server.controller import Delay, Later
from tests.simulation.server.deletes import BACKGROUND, Deletes, Options
from tests.simulation.server.garbage import GarbageCollector
from tests.simulation.server.kinds import BY_NAME, KINDS, Kind
from tests.simulation.server.listing import list_of
from tests.simulation.server.namespaces import NamespaceController
from tests.simulation.server.refusals import Refusal
from tests.simulation.server.store import Change, Key, Obj, Store
from tests.simulation.server.verbs import NO_PAGE, LogSource, Verbs, merge_patched
from tests.simulation.server.watches import Watch, Watches
from tests.simulation.server.wire import Answer, Request, route_of
from tests.simulation.server.writes import Writes

__all__ = ["Answer", "ApiServer", "Change", "Refusal", "Request", "Watch"]

CONTROLLER_DELAY = 0.2


class ApiServer:
    """``clock``: its wall time in seconds since the epoch; ``later(seconds, callback)`` runs its controllers.

    ``delay`` draws how many seconds a controller takes to act on what it has learnt.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        later: Later,
        delay: Delay = lambda: CONTROLLER_DELAY,
    ) -> None:
        self._store = Store()
        self._writes = Writes(self._store, clock)
        self._deletes = Deletes(self._store, clock)
        self._verbs = Verbs(self._store, self._writes, self._deletes)
        self._watches = Watches(self._store)
        self._controllers = (
            GarbageCollector(self._store, self._writes, self._deletes, later, delay),
            NamespaceController(self._store, self._deletes, later, delay),
        )
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})

    @property
    def version(self) -> int:
        """The current resourceVersion."""
        return self._store.version

    @property
    def observers(self) -> list[Callable[[Change], None]]:
        """Called at each commit, in this order."""
        return self._store.observers

    @property
    def log_source(self) -> LogSource | None:
        """Where the logs of pods come from."""
        return self._verbs.log_source

    @log_source.setter
    def log_source(self, source: LogSource | None) -> None:
        self._verbs.log_source = source

    @property
    def away(self) -> bool:
        """Whether its controllers do not reach it; whoever else does is the transports' affair."""
        return self._controllers[0].is_away

    @away.setter
    def away(self, away: bool) -> None:
        for controller in self._controllers:
            controller.is_away = away

    # --- over the wire -------------------------------------------------------------------------------------------

    def serve(self, request: Request) -> Answer:
        """Answer any call but a watch, at once and never by an exception."""
        try:
            route = route_of(request.path)
            if route is None:
                return _page(request)
            return self._verbs.answer(route, request)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body())

    def watch(self, request: Request) -> Watch | Answer:
        """Begin a watch; an Answer is why not. As of the real server, 410 comes as the watch's first event."""
        try:
            route = route_of(request.path)
            if route is None or route.sub:
                return _page(request)
            return self._watches.open(route, request)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body())

    def list_at(self, request: Request, version: int) -> Answer:
        """Answer a list as it was at an older version."""
        try:
            route = route_of(request.path)
            if route is None:
                return _page(request)
            return list_of(self._store, route, request, version)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body())

    def compact(self) -> None:
        """The history up to now is gone: a watch that would tell of it gets 410."""
        self._store.compact()
        self._watches.compact()

    def bookmark(self) -> None:
        """Send every watch that takes them a bookmark, as the real server does about once a minute."""
        self._watches.bookmark()

    # --- for controllers, people and tests -----------------------------------------------------------------------

    def peek(self, resource: str, namespace: str, name: str) -> Obj | None:
        """An object, or None. Shared: not to be changed."""
        kind = KINDS[resource]
        found = self._store.get(kind, _key(kind, namespace, name))
        return None if found is None else found.obj

    def all(self, resource: str, namespace: str | None = None) -> list[Obj]:
        """All objects of a kind by namespace and name. Shared: not to be changed."""
        return [version.obj for version in self._store.all(KINDS[resource], namespace or "")]

    def create(self, obj: Obj, *, namespace: str = "default", user: str = "human") -> Obj:
        """Create an object, in the namespace that it names if it does. Raises Refusal."""
        kind = BY_NAME[obj["kind"]]
        scope = obj["metadata"].get("namespace") or namespace if kind.is_namespaced else ""
        return self._writes.create(kind, scope, obj, user).obj

    def replace(self, obj: Obj, *, status: bool = False, user: str) -> Obj:
        """Replace an object, or its status; only that version of it, if it has a resourceVersion. Raises Refusal."""
        kind, meta = BY_NAME[obj["kind"]], obj["metadata"]
        key = _key(kind, meta.get("namespace", ""), meta["name"])
        if not meta.get("resourceVersion"):
            current = self._writes.existing(kind, key).obj["metadata"]["resourceVersion"]
            obj = {**obj, "metadata": {**meta, "resourceVersion": current}}
        return self._writes.replace(kind, key, obj, user, is_status=status).obj

    def merge(
        self, resource: str, namespace: str, name: str, patch: Obj, *, status: bool = False, user: str = "human"
    ) -> Obj:
        """Apply a merge patch to an object, or to its status. Raises Refusal."""
        kind = KINDS[resource]
        key = _key(kind, namespace, name)
        return self._writes.update(kind, key, lambda obj: merge_patched(obj, patch), user, is_status=status).obj

    def delete(
        self,
        resource: str,
        namespace: str,
        name: str,
        *,
        propagation: str = BACKGROUND,
        uid: str | None = None,
        user: str = "human",
        force: bool = False,
    ) -> None:
        """Delete an object; ``force``: a pod without its grace. Raises Refusal."""
        kind = KINDS[resource]
        options = Options(propagation, 0 if force else None, uid)
        self._deletes.delete(kind, _key(kind, namespace, name), options, user)


def _page(request: Request) -> Answer:
    found = discovery.page(request.path.rstrip("/")) if request.method == "GET" else None
    if found is not None:
        return Answer(200, found)
    if discovery.is_built_in(request.path):
        raise refusals.no_such_path()
    return NO_PAGE


def _key(kind: Kind, namespace: str, name: str) -> Key:
    return (namespace if kind.is_namespaced else "", name)
