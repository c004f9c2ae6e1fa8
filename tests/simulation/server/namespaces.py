"""The namespace controller: it empties a namespace that is being deleted, and then lets it go.

Pods first, and all else when none is left, as Kubernetes 1.34 does. What finalizers hold is waited for.
"""

from __future__ import annotations

from tests.simulation.server.controller import Controller, Delay, Later
from tests.simulation.server.deletes import BACKGROUND, Deletes, Options
from tests.simulation.server.kinds import NAMESPACES, PODS, Kind
from tests.simulation.server.store import Change, Store

USER = "namespace-controller"


class NamespaceController(Controller):
    """Empties namespaces of a store."""

    def __init__(
        self,
        store: Store,
        deletes: Deletes,
        later: Later,
        delay: Delay,
    ) -> None:
        super().__init__(later, delay)
        self._store = store
        self._deletes = deletes
        self._ending: dict[str, None] = {}
        store.observers.append(self._see)

    def _see(self, change: Change) -> None:
        meta = change.after["metadata"]
        if change.resource == NAMESPACES.plural:
            if change.type == "DELETED":
                self._ending.pop(meta["name"], None)
            elif "deletionTimestamp" in meta:
                self._ending[meta["name"]] = None
                self.wake(meta["name"])
        elif change.type == "DELETED" and meta["namespace"] in self._ending:
            self.wake(meta["namespace"])

    def act(self, item: str) -> None:
        """See Controller: empty a namespace as far as can be."""
        if item not in self._ending:
            return
        kinds = [kind for kind in self._store.kinds() if kind.is_namespaced and kind is not PODS]
        left = self._empty(item, [PODS]) or self._empty(item, kinds)
        if not left:
            self._store.remove(NAMESPACES, ("", item), USER)

    def _empty(self, namespace: str, kinds: list[Kind]) -> bool:
        """Delete what is there of some kinds; whether something is left."""
        for kind in kinds:
            for version in self._store.all(kind, namespace):
                if "deletionTimestamp" not in version.obj["metadata"]:
                    self._deletes.delete(kind, version.key, Options(propagation=BACKGROUND), USER)
        return any(self._store.all(kind, namespace) for kind in kinds)
