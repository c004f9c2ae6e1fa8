"""The garbage collector: what belongs to nobody any more goes; foreground deletion takes dependents first.

A controller like the real one: it learns of changes, and acts on each a moment later, as a client of the server.
"""

from __future__ import annotations

from typing import Any

from tests.simulation.server.controller import Controller, Delay, Later
from tests.simulation.server.deletes import Deletes, Options
from tests.simulation.server.kinds import BY_NAME, EVENTS, KINDS, NAMESPACES, Kind
from tests.simulation.server.metadata import FOREGROUND, ORPHAN
from tests.simulation.server.store import Change, Key, Obj, Store, Version
from tests.simulation.server.writes import Writes

USER = "garbage-collector"
Place = tuple[Kind, Key]


class GarbageCollector(Controller):
    """Collects on a store."""

    def __init__(
        self,
        store: Store,
        writes: Writes,
        deletes: Deletes,
        later: Later,
        delay: Delay,
    ) -> None:
        super().__init__(later, delay)
        self._store = store
        self._writes = writes
        self._deletes = deletes
        self._places: dict[str, Place] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        """By the owner's UID, those of its dependents, in the order of their arrival."""
        store.observers.append(self._see)

    # --- what it learns ------------------------------------------------------------------------------------------

    def _see(self, change: Change) -> None:
        kind = KINDS[change.resource]
        if kind in (EVENTS, NAMESPACES):
            return
        uid = change.after["metadata"]["uid"]
        before = {} if change.before is None else _owners(change.before)
        after = {} if change.type == "DELETED" else _owners(change.after)
        self._relate(uid, before, after)
        if change.type == "DELETED":
            self._gone(uid)
            return
        meta = change.after["metadata"]
        self._places[uid] = (kind, (meta.get("namespace", ""), meta["name"]))
        if after != before and (before or any(map(self._cannot_keep, after))):
            self.wake(uid)
        marks = _marks(change.after)
        if marks and marks != (() if change.before is None else _marks(change.before)):
            self._marked(uid, marks)

    def _relate(self, uid: str, before: dict[str, Obj], after: dict[str, Obj]) -> None:
        for owner in after:
            if owner not in before:
                self._dependents.setdefault(owner, {})[uid] = None
        for owner, reference in before.items():
            if owner not in after:
                self._dependents[owner].pop(uid, None)
            if owner not in after or (_blocks(reference) and not _blocks(after[owner])):
                self.wake(owner)

    def _gone(self, uid: str) -> None:
        self._places.pop(uid, None)
        for dependent in self._dependents.get(uid, ()):
            self.wake(dependent)

    def _cannot_keep(self, owner: str) -> bool:
        """Whether an owner is gone, or waits for its dependents to go."""
        place = self._places.get(owner)
        found = self._store.get(*place) if place is not None else None
        return found is None or _is_waiting(found.obj)

    def _marked(self, uid: str, marks: tuple[str, ...]) -> None:
        """An object is to go, and its dependents before it, or without it."""
        if FOREGROUND in marks:
            for dependent in self._dependents.get(uid, ()):
                self.wake(dependent)
        self.wake(uid)

    # --- what it does --------------------------------------------------------------------------------------------

    def act(self, item: str) -> None:
        """See Controller: look at one object, by its UID."""
        place = self._places.get(item)
        version = self._store.get(*place) if place is not None else None
        if version is not None:
            self._collect(version)

    def _collect(self, version: Version) -> None:
        meta = version.obj["metadata"]
        if "deletionTimestamp" in meta:
            marks = _marks(version.obj)
            if ORPHAN in marks:
                self._orphan(version)
            elif FOREGROUND in marks:
                self._finish(version)
            return
        owners = _owners(version.obj)
        if not owners:
            return
        solid, waiting, dangling = self._classify(version.key[0], owners)
        if solid:
            if waiting or dangling:
                self._disown(version, {*waiting, *dangling})
        elif waiting and self._dependents.get(meta["uid"]):
            self._delete(version, "Foreground")
        else:
            self._delete(version, "Orphan" if ORPHAN in (meta.get("finalizers") or ()) else "Background")

    def _classify(self, namespace: str, owners: dict[str, Obj]) -> tuple[list[str], list[str], list[str]]:
        """The UIDs of owners that live, that wait for their dependents to go, and that are gone."""
        solid, waiting, dangling = [], [], []
        for uid, reference in owners.items():
            owner = self._live(namespace, reference)
            if owner is None:
                dangling.append(uid)
            elif _is_waiting(owner.obj):
                waiting.append(uid)
            else:
                solid.append(uid)
        return solid, waiting, dangling

    def _live(self, namespace: str, reference: Obj) -> Version | None:
        kind = BY_NAME.get(reference["kind"])
        found = self._store.get(kind, (namespace, reference["name"])) if kind is not None else None
        return found if found is not None and found.obj["metadata"]["uid"] == reference["uid"] else None

    def _finish(self, version: Version) -> None:
        """Let an object go whose dependents had to go first, if none of them is left that holds it."""
        uid = version.obj["metadata"]["uid"]
        holding = False
        for dependent in tuple(self._dependents.get(uid, ())):
            place = self._places.get(dependent)
            found = self._store.get(*place) if place is not None else None
            if found is not None and _blocks(_owners(found.obj).get(uid, {})):
                holding = True
                if not _is_waiting(found.obj):
                    self.wake(dependent)
        if not holding:
            self._finalize(version, FOREGROUND)

    def _orphan(self, version: Version) -> None:
        uid = version.obj["metadata"]["uid"]
        for dependent in tuple(self._dependents.get(uid, ())):
            place = self._places.get(dependent)
            found = self._store.get(*place) if place is not None else None
            if found is not None:
                self._disown(found, {uid})
        self._finalize(version, ORPHAN)

    def _disown(self, version: Version, owners: set[str]) -> None:
        def change(obj: Obj) -> Obj:
            kept = [each for each in obj["metadata"].get("ownerReferences") or () if each["uid"] not in owners]
            return {**obj, "metadata": {**obj["metadata"], "ownerReferences": kept}}

        self._writes.update(version.kind, version.key, change, USER)

    def _finalize(self, version: Version, done: str) -> None:
        def change(obj: Obj) -> Obj:
            kept = [each for each in obj["metadata"].get("finalizers") or () if each != done]
            return {**obj, "metadata": {**obj["metadata"], "finalizers": kept}}

        self._writes.update(version.kind, version.key, change, USER)

    def _delete(self, version: Version, propagation: str) -> None:
        options = Options(propagation=propagation, uid=version.obj["metadata"]["uid"])
        self._deletes.delete(version.kind, version.key, options, USER)


def _owners(obj: Obj) -> dict[str, Any]:
    return {reference["uid"]: reference for reference in obj["metadata"].get("ownerReferences") or ()}


def _blocks(reference: Obj) -> bool:
    return bool(reference.get("blockOwnerDeletion"))


def _marks(obj: Obj) -> tuple[str, ...]:
    """The collector's own finalizers on an object that is being deleted."""
    meta = obj["metadata"]
    if "deletionTimestamp" not in meta:
        return ()
    return tuple(each for each in meta.get("finalizers") or () if each in (FOREGROUND, ORPHAN))


def _is_waiting(obj: Obj) -> bool:
    return FOREGROUND in _marks(obj)
