"""Deleting objects: preconditions, finalizers, the grace of pods, and who looks after the dependents.

The steps are those of the real server's registry (Store.Delete, BeforeDelete): an object that something holds, or that
has its grace, is marked; else it is gone at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api.times import epoch
from tests.simulation.server import refusals
from tests.simulation.server.kinds import NAMESPACES, PODS, Kind
from tests.simulation.server.metadata import FOREGROUND, ORPHAN, timestamp
from tests.simulation.server.store import Key, Obj, Store, Version

BACKGROUND = "Background"
_IMMORTAL = ("default", "kube-system", "kube-public")
_FINALIZERS = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


@dataclass(frozen=True, slots=True)
class Options:
    """What a client asks for. ``propagation``: Background, Foreground, Orphan, or None for the kind's own way."""

    propagation: str | None = None
    grace: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    @classmethod
    def read(cls, body: Any, query: Mapping[str, str]) -> Options:
        """From a request's body, else its query."""
        given: Obj = body if isinstance(body, dict) else {}
        preconditions = given.get("preconditions") or {}
        grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        return cls(
            given.get("propagationPolicy") or query.get("propagationPolicy"),
            None if grace is None else int(grace),
            preconditions.get("uid"),
            preconditions.get("resourceVersion"),
            "All" in (given.get("dryRun") or query.get("dryRun") or ()),
        )


class Deletes:
    """Deletes from a store. ``clock``: seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def delete(self, kind: Kind, key: Key, options: Options, user: str) -> tuple[Version, bool]:
        """Delete an object; the answer is how it is or was at last, and whether it is gone. Raises Refusal."""
        version = self._store.get(kind, key)
        if version is None:
            raise refusals.not_found(kind, key[1])
        _check(version, options)
        if kind is NAMESPACES:
            if key[1] in _IMMORTAL:
                raise refusals.forbidden(kind, key[1], "this namespace may not be deleted")
            return self._end(version, user, dry_run=options.dry_run), False
        marked = self._marked(version, options)
        if marked is None:
            return version, False
        kept = bool(marked["metadata"].get("finalizers")) or bool(_grace(marked))
        if options.dry_run:
            return Version(kind, key, marked, version.number), not kept
        if marked != version.obj and (kept or kind is PODS):
            version = self._store.put(kind, key, marked, user)
        if kept:
            return version, False
        return self._store.remove(kind, key, user), True

    def _marked(self, version: Version, options: Options) -> Obj | None:
        """The object as one that is being deleted; None: it is already, and goes no sooner for this."""
        if version.kind is PODS:
            marked = self._with_grace(version.obj, options)
            if marked is None:
                return None
        else:
            marked = version.obj
        meta = marked["metadata"]
        finalizers = _finalizers(version.kind, meta.get("finalizers") or (), options.propagation)
        if finalizers != (meta.get("finalizers") or []):
            marked = {**marked, "metadata": {**meta, "finalizers": finalizers}}
        return marked if version.kind is PODS else self._as_deleting(marked)

    def _as_deleting(self, obj: Obj) -> Obj:
        meta = obj["metadata"]
        if "deletionTimestamp" in meta:
            return obj
        return {**obj, "metadata": {**_next_generation(meta), **self._timestamp(0)}}

    def _with_grace(self, pod: Obj, options: Options) -> Obj | None:
        meta = pod["metadata"]
        period = options.grace if options.grace is None or options.grace >= 0 else 1
        if "deletionTimestamp" not in meta:
            period = _period(pod, period)
            return {**pod, "metadata": {**_next_generation(meta), **self._timestamp(period)}}
        left = meta.get("deletionGracePeriodSeconds")
        if not left:
            return pod
        if period is None or period >= left:
            return None
        ends = epoch(meta["deletionTimestamp"]) - left + period
        if ends < self._clock():
            ends, period = self._clock(), 1 if period else 0
        sooner = {"deletionTimestamp": timestamp(int(ends)), "deletionGracePeriodSeconds": period}
        return {**pod, "metadata": {**meta, **sooner}}

    def _end(self, version: Version, user: str, *, dry_run: bool) -> Version:
        """A namespace is Terminating until its controller has emptied it."""
        obj = version.obj
        if dry_run or "deletionTimestamp" in obj["metadata"]:
            return version
        ending = {
            **obj,
            "metadata": {**obj["metadata"], **self._timestamp(0)},
            "status": {**obj["status"], "phase": "Terminating"},
        }
        del ending["metadata"]["deletionGracePeriodSeconds"]
        return self._store.put(version.kind, version.key, ending, user)

    def _timestamp(self, grace: int) -> Obj:
        at = timestamp(int(self._clock()) + grace)
        return {"deletionTimestamp": at, "deletionGracePeriodSeconds": grace}


def _check(version: Version, options: Options) -> None:
    meta = version.obj["metadata"]
    asked = (("UID", options.uid, meta["uid"]), ("ResourceVersion", options.resource_version, meta["resourceVersion"]))
    ends = {
        "UID": "The object might have been deleted and then recreated",
        "ResourceVersion": "The object might have been modified",
    }
    for field, wanted, found in asked:
        if wanted is not None and wanted != found:
            why = f"the {field} in the precondition ({wanted}) does not match the {field} in record ({found}). "
            raise refusals.unmet(version.kind, version.key[1], why + ends[field])


def _finalizers(kind: Kind, present: tuple[str, ...] | list[str], propagation: str | None) -> list[str]:
    """The finalizers of an object that is to be deleted in this way."""
    if propagation is None:
        if ORPHAN in present or FOREGROUND in present or not kind.orphans:
            return list(present)
        propagation = "Orphan"
    wanted = _FINALIZERS.get(propagation)
    if wanted in present:
        return [each for each in present if each == wanted or each not in (FOREGROUND, ORPHAN)]
    others = [each for each in present if each not in (FOREGROUND, ORPHAN)]
    return [*others, wanted] if wanted else others


def _period(pod: Obj, asked: int | None) -> int:
    """The grace of a pod that is deleted now: none for one that was not scheduled, or has ended."""
    has_ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if not pod["spec"].get("nodeName") or has_ended:
        return 0
    period = pod["spec"].get("terminationGracePeriodSeconds", 0) if asked is None else asked
    return int(period) if period >= 0 else 1


def _grace(obj: Obj) -> int:
    return int(obj["metadata"].get("deletionGracePeriodSeconds") or 0)


def _next_generation(meta: Obj) -> Obj:
    return {**meta, "generation": meta["generation"] + 1} if meta.get("generation") else meta
