"""The API handler: what it sends, how it reads answers, and which error each status is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubesaga_sdk import ApiHandler, ApiResponse, StepContext, StepHandlerResult, errors
from kubesaga_sdk.classifier import classify
from kubesaga_sdk.outcome import of_return
from tests.sdk.http_service import Answer, HttpService, http_service


class Handler(ApiHandler):
    """Requests come from the tests."""

    default_headers = {"X-Api-Key": "k-1", "X-Kind": "default"}  # noqa: RUF012

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def call(self, _context: StepContext) -> None:
        return None


@pytest.fixture
def api() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


@pytest.fixture
def handler(api: HttpService) -> Handler:
    return Handler(f"{api.url}/v1/")


def test_a_request_is_sent_as_it_is_said(api: HttpService, handler: Handler) -> None:
    handler.get("/users", params={"page": 2, "tag": ["a", "b c"], "none": None}, headers={"X-Kind": "own"})
    handler.get(f"{api.url}/elsewhere?x=1", params={"y": "ü"})
    handler.post("users", json={"name": "Zoë"}, idempotency_key="key-1")
    handler.put("users/1", data={"name": "Ada", "tag": ["a", "b"]})
    handler.patch("users/1", data="as it is", headers={"Content-Type": "text/plain"})
    handler.delete("users/1")
    handler.request("GET", "")
    assert [(asked.method, asked.path) for asked in api.asked] == [
        ("GET", "/v1/users?page=2&tag=a&tag=b+c"),
        ("GET", "/elsewhere?x=1&y=%C3%BC"),
        ("POST", "/v1/users"),
        ("PUT", "/v1/users/1"),
        ("PATCH", "/v1/users/1"),
        ("DELETE", "/v1/users/1"),
        ("GET", "/v1/"),
    ]
    get, _, post, put, patch, *_ = api.asked
    assert (get.headers["X-Api-Key"], get.headers["X-Kind"], get.headers["Accept"]) == (
        "k-1",
        "own",
        "application/json",
    )
    assert json.loads(post.body) == {"name": "Zoë"}
    assert (post.headers["Content-Type"], post.headers["Idempotency-Key"]) == ("application/json", "key-1")
    assert (put.headers["Content-Type"], put.body) == ("application/x-www-form-urlencoded", b"name=Ada&tag=a&tag=b")
    assert (patch.headers["Content-Type"], patch.body) == ("text/plain", b"as it is")
    assert "Idempotency-Key" not in get.headers


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (Answer(200, {"a": 1}), {"a": 1}),
        (Answer(200, [1], {"Content-Type": "application/problem+json; charset=utf-8"}), [1]),
        (Answer(200, b"{broken"), "{broken"),
        (Answer(200, b"[" * 100_000), "[" * 100_000),
        (Answer(200, "Zoë".encode("latin-1"), {"Content-Type": 'text/plain; charset="latin-1"'}), "Zoë"),
        (Answer(200, b"Zo\xff", {"Content-Type": "text/plain; charset=nonsense"}), "Zo\ufffd"),
        (Answer(204, None), None),
    ],
)
def test_a_body_is_read_by_its_type(api: HttpService, handler: Handler, answer: Answer, body: object) -> None:
    api.answer(answer)
    response = handler.get("x")
    assert (response.ok, response.body) == (True, body)
    assert response.to_dict()["status_code"] == answer.status
    assert response.raise_for_status() is response


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (303, errors.PermanentError), (400, errors.ValidationError), (401, errors.AuthenticationError),
        (403, errors.AuthorizationError), (404, errors.NotFoundError), (405, errors.PermanentError),
        (408, errors.TimeoutError), (409, errors.PermanentError), (410, errors.NotFoundError),
        (418, errors.PermanentError), (422, errors.ValidationError), (423, errors.ResourceContentionError),
        (425, errors.RetryableError), (429, errors.RateLimitError), (500, errors.ServiceUnavailableError),
        (501, errors.PermanentError), (502, errors.ServiceUnavailableError), (503, errors.ServiceUnavailableError),
        (504, errors.TimeoutError), (505, errors.PermanentError), (599, errors.ServiceUnavailableError),
    ],
)  # fmt: skip
def test_a_status_is_an_error_of_the_tree(
    api: HttpService, handler: Handler, status: int, error: type[errors.StepError]
) -> None:
    api.answer(Answer(status, {"message": "no"}))
    response = handler.get("x?secret=1")
    with pytest.raises(error) as raised:
        response.raise_for_status()
    assert type(raised.value) is error
    assert str(raised.value) == f"GET {api.url}/v1/x answered {status}: no"
    assert raised.value.error_code == f"HTTP_{status}"
    assert classify(raised.value).retryable is response.is_retryable


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_says_where_to(api: HttpService, handler: Handler, status: int) -> None:
    api.answer(Answer(status, "Moved", {"Location": "https://elsewhere/v2/x?token=1"}))
    error = handler.get("x").error()
    assert type(error) is errors.PermanentError
    assert str(error).endswith(f" answered {status}: it redirects to https://elsewhere/v2/x, which is not followed")
    assert len(api.asked) == 1


def test_headers_are_found_in_whatever_case() -> None:
    response = ApiResponse(200, {"x-Request-ID": "r-1"}, b"")
    assert (response.headers["X-Request-Id"], response.headers.get("x-request-id")) == ("r-1", "r-1")
    assert "X-REQUEST-ID" in response.headers
    assert response.headers.get("x-other", "none") == "none"
    assert json.loads(json.dumps(response.to_dict()))["headers"] == {"X-Request-Id": "r-1"}


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_breaks_off_is_none(api: HttpService, handler: Handler, status: int) -> None:
    api.answer(Answer(status, b"half", {"Transfer-Encoding": "chunked"}))
    with pytest.raises(errors.NetworkError, match="no answer"):
        handler.get("x")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "a"}, ": a"),
        ({"error": {"message": "b"}}, ": b"),
        ({"errors": ["c"]}, ""),
        (b"d", ": d"),
        (None, ""),
        ({"detail": "x" * 600}, ": " + "x" * 500),
    ],
)
def test_the_apis_own_words_are_in_the_message(body: object, said: str) -> None:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    response = ApiResponse(400, {"content-type": "application/json"}, content, "GET it")
    assert str(response.error()) == f"GET it answered 400{said}"
    assert str(response.error("mine")) == "mine"


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (503, "7", 7.0), (503, "Wed, 21 Oct 2026 07:28:30 GMT", 30.0), (503, "Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        (503, "soon", None), (429, "0", 0.0), (400, "7", None),
    ],
)  # fmt: skip
def test_retry_after_is_taken_over_where_trying_again_can_help(status: int, header: str, seconds: float | None) -> None:
    headers = {"retry-after": header, "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert ApiResponse(status, headers, b"").error().retry_after == seconds


def test_a_date_without_a_date_counts_from_now() -> None:
    later = ApiResponse(503, {"Retry-After": "Wed, 21 Oct 2116 07:28:00 GMT"}, b"").retry_after
    assert later is not None
    assert later > 3600


def document(result: StepHandlerResult) -> Any:
    return json.loads(of_return(result).document)


def test_results_are_made_of_answers(handler: Handler) -> None:
    good = ApiResponse(201, {"Content-Type": "application/json", "Set-Cookie": "secret"}, b'{"id": 1}')
    assert document(handler.api_success(good)) == {"result": {"id": 1}, "metadata": {"status_code": 201}}
    assert document(handler.api_success(good, {"own": 2}, include_response=False)) == {"result": {"own": 2}}
    bad = ApiResponse(503, {"Retry-After": "3"}, b"", "GET it")
    assert document(handler.api_failure(bad)) == {
        "error": {
            "type": "ServiceUnavailableError",
            "types": ["ServiceUnavailableError", "RetryableError", "StepError"],
            "code": "HTTP_503",
            "message": "GET it answered 503",
            "retryable": True,
            "retryAfter": 3.0,
            "metadata": {"status_code": 503},
        }
    }
    lost = document(handler.connection_error(OSError("reset"), "fetching users"))["error"]
    assert (lost["type"], lost["message"]) == ("NetworkError", "no connection while fetching users: reset")
    late = document(handler.timeout_error(OSError("late")))["error"]
    assert (late["type"], late["message"]) == ("TimeoutError", "no answer in time: late")


def test_no_answer_is_a_network_error(api: HttpService, handler: Handler) -> None:
    api.answer(Answer(0))
    with pytest.raises(errors.NetworkError, match=r"GET .*: no answer"):
        handler.get("x")


def test_an_answer_that_does_not_come_is_a_timeout(api: HttpService, handler: Handler) -> None:
    api.answer(Answer(-1))
    with pytest.raises(errors.TimeoutError, match=r"no answer within 0\.05 s"):
        handler.get("x", timeout=0.05)


def test_a_host_that_is_not_there_is_a_network_error() -> None:
    with pytest.raises(errors.NetworkError, match="no answer"):
        Handler("http://127.0.0.1:1").get("/x")


@pytest.mark.parametrize("base", ["", "file:///etc", "ftp://host", "bank.example.com", "http://"])
def test_what_is_no_url_of_http_is_the_configurations_fault(base: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="is no URL of http or https"):
        Handler(base).get("passwd")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("users:search", "/v1/users:search"),
        ("users/Zoë b", "/v1/users/Zo%C3%AB%20b"),
        ("users/a%2Fb", "/v1/users/a%2Fb"),
        ("x\r\nHost: other", "/v1/x%0D%0AHost:%20other"),
        ("//other.example.com/x", "/v1/other.example.com/x"),
        ("x?next=http://other.example.com/", "/v1/x?next=http://other.example.com/"),
    ],
)
def test_a_path_stays_below_the_base(api: HttpService, handler: Handler, path: str, asked: str) -> None:
    handler.get(path)
    assert api.asked[0].path == asked


def test_a_port_that_is_none_is_the_configurations_fault() -> None:
    with pytest.raises(errors.ConfigurationError, match="nonnumeric port"):
        Handler("http://127.0.0.1:http").get("/x")


def test_a_request_has_one_body(handler: Handler) -> None:
    with pytest.raises(TypeError, match="json or data, not both"):
        handler.post("x", json=1, data="1")
