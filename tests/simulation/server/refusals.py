"""What an API server says when it does not do as asked: the Status objects, word for word as far as clients read them.

Raised everywhere in the simulated server; ``ApiServer.serve`` turns them into answers, and the methods for controllers
and people let them through.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.simulation.server.kinds import Kind

Obj = dict[str, Any]

CHANGED = "the object has been modified; please apply your changes to the latest version and try again"
IMMUTABLE = "field is immutable"


class Refusal(Exception):
    """An answer that is no success: ``status`` is the HTTP code, ``reason`` the API's word for it."""

    def __init__(self, status: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details

    def obj(self) -> Obj:
        """The Status object."""
        status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status |= {"message": self.message, "code": self.status}
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status

    def body(self) -> bytes:
        """The Status object as JSON."""
        return json.dumps(self.obj(), separators=(",", ":")).encode()


class Cause(NamedTuple):
    """One thing that is wrong with an object, and in which field."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


def not_found(kind: Kind, name: str) -> Refusal:
    """No such object."""
    return Refusal(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_path() -> Refusal:
    """No such resource."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str, *, is_ending: bool = False) -> Refusal:
    """The name is taken, maybe by what is being deleted."""
    told = f'{"object is being deleted: " if is_ending else ""}{kind.resource} "{name}" already exists'
    return Refusal(409, "AlreadyExists", told, _details(kind, name))


def conflict(kind: Kind, name: str, why: str = CHANGED) -> Refusal:
    """The object is not as the request says it must be."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(kind, name))


def forbidden(kind: Kind, name: str, why: str, causes: Sequence[Cause] = ()) -> Refusal:
    """Nobody may do that now."""
    named = f'{kind.resource} "{name}"' if name else kind.resource
    details = _details(kind, name)
    if causes:
        details["causes"] = [_cause(cause) for cause in causes]
    return Refusal(403, "Forbidden", f"{named} is forbidden: {why}", details)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> Refusal:
    """The object would break its schema or a rule."""
    said = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details: Obj = {"name": name, "group": kind.group, "kind": kind.kind, "causes": [_cause(each) for each in causes]}
    if not kind.group:
        del details["group"]
    named = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return Refusal(422, "Invalid", f'{named} "{name}" is invalid: {listed}', details)


def unversioned(kind: Kind, name: str) -> Refusal:
    """An update must name the version that it stands on."""
    told = "Invalid value: 0: must be specified for an update"
    refusal = invalid(kind, name, [Cause("metadata.resourceVersion", told)])
    assert refusal.details is not None
    refusal.details["kind"] = kind.plural  # sic
    return refusal


def unmet(kind: Kind, name: str, why: str) -> Refusal:
    """A delete's precondition does not hold."""
    refusal = conflict(kind, name, why)
    assert refusal.details is not None
    refusal.details["kind"] = kind.kind  # sic
    refusal.message = refusal.message.replace(kind.resource, f"{kind.kind}.{kind.group}" if kind.group else kind.kind)
    return refusal


def unfit_patch() -> Refusal:
    """The operations of a JSON Patch cannot be applied to the object as it is."""
    return Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> Refusal:
    """The request makes no sense."""
    return Refusal(400, "BadRequest", message)


def not_allowed() -> Refusal:
    """The resource has no such verb."""
    return Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def internal(message: str) -> Refusal:
    """An error that nobody classified."""
    return Refusal(500, "", message)


def expired(message: str) -> Refusal:
    """What is asked for is history."""
    return Refusal(410, "Expired", message)


def too_large() -> Refusal:
    """The database takes no request of that size."""
    return internal("etcdserver: request is too large")


def _details(kind: Kind, name: str) -> Obj:
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}


def _cause(cause: Cause) -> Obj:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}
