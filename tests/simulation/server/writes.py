"""Creating and updating objects: what is checked, in which order, and what becomes of what a client sent.

The order is the real server's: a version or a UID that does not fit is told before what is wrong with the content, and
what changes nothing makes no new version.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.simulation.server import builtins, metadata, refusals
from tests.simulation.server.kinds import NAMESPACES, Kind
from tests.simulation.server.refusals import Cause
from tests.simulation.server.schemas import schema_of
from tests.simulation.server.store import Key, Obj, Store, Version

Change = Callable[[Obj], Obj]
"""Makes of an object, which it must not touch, what a client wants it to be."""

_OUTSIDE = ("metadata", "status", "kind", "apiVersion")


class Writes:
    """Writes to a store. ``clock``: seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._uids = itertools.count(1)
        self._names = itertools.count(14_348_907)

    def create(self, kind: Kind, namespace: str, body: Obj, user: str, *, dry_run: bool = False) -> Version:
        """Create an object. Raises Refusal."""
        _check_type(kind, body)
        given = body.get("metadata") or {}
        if kind.is_namespaced:
            self._admit(kind, namespace, given)
        if given.get("resourceVersion"):
            raise refusals.internal("resourceVersion should not be set on objects to be created")
        name = given.get("name") or self._generated_name(kind, given.get("generateName"))
        obj = self._new(kind, namespace, {**body, "metadata": {**given, "name": name}})
        key = (namespace, name)
        there = self._store.get(kind, key)
        if there is not None:
            raise refusals.already_exists(kind, name, is_ending="deletionTimestamp" in there.obj["metadata"])
        if dry_run:
            return Version(kind, key, obj, 0)
        return self._store.put(kind, key, obj, user)

    def update(
        self, kind: Kind, key: Key, change: Change, user: str, *, is_status: bool = False, dry_run: bool = False
    ) -> Version:
        """Change an object, or its status only. Raises Refusal."""
        before = self.existing(kind, key)
        given = change(before.obj)
        _check_shape(given)
        _check_place(key, given.get("metadata") or {})
        _check_version(before, (given.get("metadata") or {}).get("resourceVersion"))
        after, causes = _checked(kind, before.obj, _prepared(kind, before.obj, given, is_status=is_status))
        if not (is_status and kind.is_custom):  # which takes nothing but the status
            causes = metadata.change_causes(before.obj["metadata"], given["metadata"]) + causes
        if causes:
            raise refusals.invalid(kind, key[1], causes)
        if dry_run or after == before.obj:
            return Version(kind, key, after, before.number)
        if _is_released(after):
            self._store.remove(kind, key, user)
            return Version(kind, key, after, before.number)
        return self._store.put(kind, key, after, user)

    def replace(
        self, kind: Kind, key: Key, body: Obj, user: str, *, is_status: bool = False, dry_run: bool = False
    ) -> Version:
        """Replace an object, as PUT does. Raises Refusal."""
        _check_type(kind, body)
        given = body.get("metadata") or {}
        there = self._store.get(kind, key)
        if there is None and not kind.is_created_by_update:
            raise refusals.not_found(kind, key[1])
        _check_uid(kind, key, given.get("uid"), "" if there is None else there.obj["metadata"]["uid"])
        if there is None:
            unversioned = {name: value for name, value in given.items() if name != "resourceVersion"}
            return self.create(kind, key[0], {**body, "metadata": unversioned}, user, dry_run=dry_run)
        return self.update(kind, key, lambda _: body, user, is_status=is_status, dry_run=dry_run)

    def existing(self, kind: Kind, key: Key) -> Version:
        """The object. Raises Refusal."""
        found = self._store.get(kind, key)
        if found is None:
            raise refusals.not_found(kind, key[1])
        return found

    def _admit(self, kind: Kind, namespace: str, given: Obj) -> None:
        if given.get("namespace") not in (None, "", namespace):
            told = "the namespace of the provided object does not match the namespace sent on the request"
            raise refusals.bad_request(told)
        scope = self.existing(NAMESPACES, ("", namespace))
        if scope.obj["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = Cause("metadata.namespace", f"namespace {namespace} is being terminated", "NamespaceTerminating")
            raise refusals.forbidden(kind, given.get("name") or given.get("generateName", ""), why, [cause])

    def _generated_name(self, kind: Kind, prefix: str | None) -> str:
        if not prefix:
            told = "Required value: name or generateName is required"
            raise refusals.invalid(kind, "", [Cause("metadata.name", told, "FieldValueRequired")])
        return metadata.generated_name(prefix, next(self._names))

    def _new(self, kind: Kind, namespace: str, body: Obj) -> Obj:
        name = body["metadata"]["name"]
        number = next(self._uids)
        uid = f"{number:08x}-0000-4000-8000-{number:012x}"
        created = metadata.timestamp(int(self._clock()))
        born = metadata.born(body["metadata"], namespace, uid, created, has_generation=kind.has_generation)
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, **body, "metadata": born}
        if kind.is_custom:
            obj.pop("status", None)
            obj = schema_of(kind).defaulted(obj)
            causes = schema_of(kind).causes(None, obj)
        else:
            obj = builtins.completed(kind, obj)
            causes = []
        causes += metadata.name_causes(name) + metadata.label_causes(born.get("labels"))
        if causes:
            raise refusals.invalid(kind, name, causes)
        return obj


def _check_shape(body: Any) -> None:
    if not isinstance(body, dict) or not isinstance(body.get("metadata") or {}, dict):
        raise refusals.bad_request("Object 'Kind' is missing")


def _check_type(kind: Kind, body: Any) -> None:
    _check_shape(body)
    given = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
    if given != (kind.api_version, kind.kind):
        told = f"{given[1]} in version {given[0]!r} cannot be handled as a {kind.kind}"
        raise refusals.bad_request(told)


def _check_place(key: Key, given: Obj) -> None:
    if given.get("name") != key[1]:
        told = f"the name of the object ({given.get('name', '')}) does not match the name on the URL ({key[1]})"
        raise refusals.bad_request(told)
    if given.get("namespace") not in (None, "", key[0]):
        raise refusals.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_uid(kind: Kind, key: Key, given: str | None, found: str) -> None:
    if given and given != found:
        where = f"/registry/{kind.group + '/' if kind.is_custom else ''}{kind.plural}/{'/'.join(filter(None, key))}"
        told = f"Precondition failed: UID in precondition: {given}, UID in object meta: {found}"
        raise refusals.conflict(
            kind,
            key[1],
            f"StorageError: invalid object, Code: 4, Key: {where}, ResourceVersion: 0, AdditionalErrorMsg: {told}",
        )


def _check_version(before: Version, given: Any) -> None:
    kind, name = before.kind, before.key[1]
    if given in (None, "", "0"):
        if not kind.is_updated_blindly:
            raise refusals.unversioned(kind, name)
    elif str(given) != before.obj["metadata"]["resourceVersion"]:
        raise refusals.conflict(kind, name)


def _prepared(kind: Kind, before: Obj, given: Obj, *, is_status: bool) -> Obj:
    """What of a client's object the endpoint takes."""
    if is_status and kind.is_custom:
        if "status" in given:
            return {**before, "status": given["status"]}
        return {field: value for field, value in before.items() if field != "status"}
    after = {**given, "apiVersion": kind.api_version, "kind": kind.kind}
    after["metadata"] = metadata.updated(before["metadata"], given["metadata"])
    if is_status:
        after["spec"] = before["spec"]
        return after
    if kind.has_status:
        after.pop("status", None)
        if "status" in before:
            after["status"] = before["status"]
    return after


def _checked(kind: Kind, before: Obj, after: Obj) -> tuple[Obj, list[Cause]]:
    """The object with its defaults and its generation, and what is wrong with it."""
    if kind.is_custom:
        after = schema_of(kind).defaulted(after)
        causes = schema_of(kind).causes(before, after)
    else:
        causes = builtins.change_causes(kind, before, after)
    if kind.has_generation and _differ(before, after):
        generation = before["metadata"].get("generation", 0) + 1
        after = {**after, "metadata": {**after["metadata"], "generation": generation}}
    return after, causes


def _differ(before: Obj, after: Obj) -> bool:
    """Whether anything has changed but metadata and status."""
    return any(before.get(field) != after.get(field) for field in {**before, **after} if field not in _OUTSIDE)


def _is_released(obj: Obj) -> bool:
    """Whether nothing holds an object any more that is being deleted."""
    meta = obj["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == NAMESPACES.kind and obj["spec"].get("finalizers"))
