"""What goes wrong with a call of the API server: one exception, whose properties say what it means for the caller."""

from __future__ import annotations

import json
from typing import Any

MESSAGE_LIMIT = 1000  # some refusals quote the whole object


class KubeError(Exception):
    """A call failed: ``status`` is the HTTP code (0 if there was no answer), ``reason`` the API's word."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        causes: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server asked to wait, or None."""
        self.causes = causes
        """Of an invalid body: each field and what is wrong with it."""

    @property
    def not_found(self) -> bool:
        """There is no such object, namespace or resource."""
        return self.status == 404

    @property
    def unserved(self) -> bool:
        """Nothing answers at this path: the resource is not installed or, of a log, its node does not know the pod."""
        return self.not_found and (
            "could not find the requested resource" in self.message or self.message.startswith("404 page")
        )

    @property
    def already_exists(self) -> bool:
        """The name is taken."""
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """The object has changed since it was read."""
        return self.status == 409 and self.reason != "AlreadyExists"

    @property
    def gone(self) -> bool:
        """The resourceVersion or continue token is too old."""
        return self.status == 410

    @property
    def invalid(self) -> bool:
        """The body breaks the schema or a rule; sending it again changes nothing."""
        return self.status == 422 or (self.status == 400 and self.reason in ("BadRequest", "Invalid"))

    @property
    def unauthorized(self) -> bool:
        """Who asks is not known: no credentials, wrong ones, or expired ones."""
        return self.status == 401

    @property
    def forbidden(self) -> bool:
        """RBAC, a quota or an admission policy refuses; also a create in a terminating namespace."""
        return self.status == 403

    @property
    def transient(self) -> bool:
        """No answer, overload or a server's fault: the same call may succeed later."""
        return self.status in (0, 429) or self.status >= 500


def error_of(status: int, retry_after: str | None, content: bytes) -> KubeError:
    """What a refusal says: its body is a Status, or a proxy's page. ``retry_after`` is the header's value."""
    answer = _status(content)
    details = answer.get("details") or {}
    seconds = str(retry_after or details.get("retryAfterSeconds"))
    causes = ((each.get("field") or "", each.get("message") or "") for each in details.get("causes") or ())
    return KubeError(
        status,
        answer.get("reason") or "Unknown",
        (answer.get("message") or "")[:MESSAGE_LIMIT],
        float(seconds) if seconds.isdecimal() else None,
        tuple((field, message[:MESSAGE_LIMIT]) for field, message in causes),
    )


def _status(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:  # "404 page not found"
        answer = None
    if isinstance(answer, dict):
        return answer
    return {"message": content.decode("utf-8", "replace").strip()}
