"""Handlers that call an HTTP API: requests on urllib, and answers judged by the error tree.

    class FetchCustomer(ApiHandler):
        base_url = "https://crm.example.com/v1"

        def call(self, context):
            answer = self.get(f"/customers/{context.get_input('customer')}")
            return self.api_success(answer) if answer.ok else self.api_failure(answer)

In the vocabulary of Tasker's Python package. A request comes back with whatever status the API answers; what raises is
only that there was no answer. `answer.raise_for_status()` is the short way to an error of the tree.
"""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubesaga_sdk.api_response import ApiResponse
from kubesaga_sdk.errors import ConfigurationError, NetworkError, TimeoutError  # noqa: A004 - the tree's own
from kubesaga_sdk.handler import StepHandler
from kubesaga_sdk.result import StepHandlerResult

if TYPE_CHECKING:
    from email.message import Message

_IS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HTTP = re.compile(r"(?P<origin>https?://[^/?#\s]+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_URL_CHARACTERS = "/?:@!$&'()*+,;=%~-._[]"


class APIMixin:
    """Requests for a handler: `class FetchCustomer(APIMixin, StepHandler)`; ApiHandler is both in one."""

    base_url: str = ""
    """Before every path that is no URL of its own."""
    default_timeout: float = 30.0
    """Seconds without a byte from the API; below the step's timeout, so that a silent API is reported as such."""
    default_headers: Mapping[str, str] = {}
    """Sent with every request."""

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> ApiResponse:
        """GET; see `request`."""
        return self.request("GET", path, params=params, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> ApiResponse:
        """POST; see `request`."""
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> ApiResponse:
        """PUT; see `request`."""
        return self.request("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> ApiResponse:
        """PATCH; see `request`."""
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> ApiResponse:
        """DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> ApiResponse:
        """Send a request and wait for the answer, whatever its status.

        A redirect is an answer like any other: following it could give the request's credentials to somebody else.

        Arguments:
            path: below `base_url`, or a whole URL of http or https.
            params: the query; a list is sent as several values, None is left out.
            json: the body, as JSON.
            data: the body as a form (a dict), or as it is.
            timeout: seconds; the default is `default_timeout`.
            idempotency_key: the header `Idempotency-Key`: give `context.idempotency_key`, with a suffix of its own for
                each request of a step that makes several.

        Raises NetworkError and TimeoutError where there is no answer, ConfigurationError for a URL that is none.
        """
        body, kind = _body(json, data)
        sent = {**kind, "Accept": "application/json", **self.default_headers, **(headers or {})}
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        return _send(method, _url(self.base_url, path, params), body, sent, timeout or self.default_timeout)

    def api_success(
        self, response: ApiResponse, result: Any = None, include_response: bool = True
    ) -> StepHandlerResult:
        """The step is done.

        Arguments:
            result: default the answer's body.
            include_response: add the status to the result's metadata. (No headers: they may hold credentials.)
        """
        metadata = {"status_code": response.status_code} if include_response else None
        return StepHandlerResult.success(response.body if result is None else result, metadata)

    def api_failure(self, response: ApiResponse, message: str | None = None) -> StepHandlerResult:
        """The step failed: the same as raising `response.error(message)`."""
        return StepHandlerResult.from_error(response.error(message))

    def connection_error(self, error: BaseException, context: str | None = None) -> StepHandlerResult:
        """The step failed retryably, for want of a connection; `context` says during what."""
        return StepHandlerResult.from_error(NetworkError(f"no connection{_during(context)}: {error}", "NO_CONNECTION"))

    def timeout_error(self, error: BaseException, context: str | None = None) -> StepHandlerResult:
        """The step failed retryably, for want of an answer in time; `context` says during what."""
        return StepHandlerResult.from_error(TimeoutError(f"no answer in time{_during(context)}: {error}", "TIMEOUT"))


class ApiHandler(APIMixin, StepHandler):
    """A handler that calls an HTTP API; give it `base_url` and `call`."""


def _during(context: str | None) -> str:
    return f" while {context}" if context else ""


def _url(base: str, path: str, params: Mapping[str, Any] | None) -> str:
    from urllib.parse import quote, urlencode

    whole = path if _IS_URL.match(path) else f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
    parts = _HTTP.fullmatch(whole)
    if parts is None:
        raise ConfigurationError(
            f"{whole!r} is no URL of http or https: set the handler's base_url, and give paths below it", "INVALID_URL"
        )
    whole = parts["origin"] + quote(parts["rest"], safe=_URL_CHARACTERS)
    given = {name: value for name, value in (params or {}).items() if value is not None}
    if not given:
        return whole
    return f"{whole}{'&' if '?' in whole else '?'}{urlencode(given, doseq=True)}"


def _body(json: Any, data: Mapping[str, Any] | bytes | str | None) -> tuple[bytes | None, dict[str, str]]:
    if json is not None and data is not None:
        raise TypeError("a request has one body: give json or data, not both")
    if json is not None:
        return json_module.dumps(json, allow_nan=False).encode(), {"Content-Type": "application/json"}
    if isinstance(data, Mapping):
        from urllib.parse import urlencode

        return urlencode(data, doseq=True).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    kind = {"Content-Type": "application/octet-stream"} if data is not None else {}
    return (data.encode() if isinstance(data, str) else data), kind


def _send(method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> ApiResponse:
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments: Any) -> None:
            return None

    what = f"{method} {url.partition('?')[0]}"  # A query may hold what nobody else should read.
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    try:
        try:
            answer = urllib.request.build_opener(Stay).open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error  # An answer like any other, whose body may break off as well.
        with answer:
            return _response(answer.status, answer.headers, answer.read(), what)
    except http.client.InvalidURL as error:
        raise ConfigurationError(f"{what}: {error}", "INVALID_URL") from error
    except (OSError, http.client.HTTPException) as error:
        raise _no_answer(error, what, timeout) from error


def _response(status: int, headers: Message, content: bytes, what: str) -> ApiResponse:
    return ApiResponse(status, dict(headers.items()), content, what)


def _no_answer(error: Exception, what: str, timeout: float) -> Exception:
    import builtins
    import ssl

    reason = getattr(error, "reason", error)
    if isinstance(reason, builtins.TimeoutError):
        return TimeoutError(f"{what}: no answer within {timeout:g} s", "TIMEOUT")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ConfigurationError(f"{what}: the certificate is not trusted: {reason}", "CERTIFICATE_NOT_TRUSTED")
    return NetworkError(f"{what}: no answer: {reason}", "NO_CONNECTION")
