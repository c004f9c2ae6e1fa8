"""ApiResponse: what an HTTP API said, and which error of the tree that is.

Made by `api` for every request; tests make their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubesaga_sdk import http_status
from kubesaga_sdk.errors import (
    AuthenticationError,
    AuthorizationError,
    NotFoundError,
    PermanentError,
    RateLimitError,
    ResourceContentionError,
    RetryableError,
    ServiceUnavailableError,
    StepError,
    TimeoutError,  # noqa: A004 - the tree's own
    ValidationError,
)

ERRORS: dict[int, type[StepError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthorizationError,
    404: NotFoundError,
    408: TimeoutError,
    410: NotFoundError,
    422: ValidationError,
    423: ResourceContentionError,
    429: RateLimitError,
    504: TimeoutError,
}
"""Status → its error. Others are ServiceUnavailableError, RetryableError or PermanentError."""

_MESSAGE_FIELDS = ("error", "message", "detail", "error_message", "msg", "title")
_BODY_SHOWN = 500


class ApiResponse:
    """An API's answer, whatever its status."""

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes, what: str = "the API") -> None:
        """`what`: the request, for error messages: "POST https://…"."""
        self.status_code = status_code
        self.headers = http_status.Headers(headers)
        """By name, in whatever case."""
        self.content = content
        self._what = what

    @property
    def text(self) -> str:
        """The body as text, in the charset that the answer names."""
        charset = self.headers.get("Content-Type", "").partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
        try:
            return self.content.decode(charset, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    @property
    def body(self) -> Any:
        """The body: parsed where the answer says that it is JSON and it is, else its text; None where it is empty."""
        if not self.content:
            return None
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return json.loads(self.content)
            except (ValueError, RecursionError):
                return self.text
        return self.text

    @property
    def ok(self) -> bool:
        """Whether the status is one of success (200 to 299)."""
        return 200 <= self.status_code < 300

    @property
    def is_client_error(self) -> bool:
        """Whether the API blames the request (400 to 499)."""
        return 400 <= self.status_code < 500

    @property
    def is_server_error(self) -> bool:
        """Whether the API blames itself (500 to 599)."""
        return 500 <= self.status_code < 600

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return http_status.is_retryable(self.status_code)

    @property
    def retry_after(self) -> float | None:
        """Seconds until the time that the answer's `Retry-After` names, as a number or as a date."""
        return http_status.retry_after(self.headers)

    def error(self, message: str | None = None) -> StepError:
        """The answer as an error of the tree, with the code `HTTP_<status>` and the answer's `Retry-After`."""
        by_rule: type[StepError] = PermanentError
        if self.is_retryable:
            by_rule = ServiceUnavailableError if self.is_server_error else RetryableError
        made = ERRORS.get(self.status_code, by_rule)
        return made(
            message or f"{self._what} answered {self.status_code}{self._said()}",
            f"HTTP_{self.status_code}",
            self.retry_after if self.is_retryable else None,
            metadata={"status_code": self.status_code},
        )

    def raise_for_status(self) -> ApiResponse:
        """Raise `error()` unless `ok`; returns the answer itself."""
        if not self.ok:
            raise self.error()
        return self

    def to_dict(self) -> dict[str, Any]:
        """Status, headers and body."""
        return {"status_code": self.status_code, "headers": self.headers, "body": self.body}

    def _said(self) -> str:
        location = self.headers.get("Location")
        if 300 <= self.status_code < 400 and location:
            # A query may hold what nobody else should read.
            return f": it redirects to {location.partition('?')[0]}, which is not followed"
        body = self.body
        if isinstance(body, dict):
            found = next((body[name] for name in _MESSAGE_FIELDS if body.get(name)), "")
            body = found.get("message", "") if isinstance(found, dict) else found
        return f": {str(body)[:_BODY_SHOWN]}" if body else ""
