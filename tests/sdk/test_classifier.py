"""The verdict on every kind of exception."""

from __future__ import annotations

import email.message
import errno
import http.client
import io
import json
import socket
import ssl
import subprocess
import urllib.error

import pytest

from kubesaga_sdk import PermanentError, RateLimitError, RetryableError, StepTimeoutError, StepValidationError
from kubesaga_sdk.classifier import classify, leading
from kubesaga_sdk.errors import CallableNotFound, InvalidInput


def test_retry_after_is_read_however_its_name_is_written() -> None:
    headers = email.message.Message()
    headers["retry-after"] = "7"
    assert classify(urllib.error.HTTPError("http://api", 429, "slow down", headers, None)).retry_after == 7


class ForeignRetryable(Exception):
    retryable = True
    retry_after = 7


class ForeignPermanent(Exception):
    retryable = False


class ForeignUndecided(Exception):
    retryable = "perhaps"


class ForeignBroken(Exception):
    @property
    def retryable(self) -> bool:
        raise KeyError("state")

    errno = property(lambda _: 1 / 0)


RETRYABLE = [
    RetryableError("busy"),
    StepTimeoutError("slow"),
    ForeignRetryable(),
    ForeignUndecided(),
    ForeignBroken(),
    TimeoutError(),
    ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
    ConnectionResetError(),
    BrokenPipeError(),
    BlockingIOError(),
    InterruptedError(),
    OSError(errno.ENOSPC, "disk full"),
    OSError("unknown"),
    socket.gaierror(socket.EAI_AGAIN, "no name server"),
    ssl.SSLError("handshake"),
    http.client.RemoteDisconnected("bye"),
    http.client.IncompleteRead(b""),
    urllib.error.URLError(ConnectionRefusedError("refused")),
    urllib.error.URLError(TimeoutError("slow")),
    EOFError(),
    MemoryError(),
    RuntimeError("who knows"),
    Exception("who knows"),
    subprocess.TimeoutExpired("cmd", 1),
]

PERMANENT_BY_THEMSELVES = [
    (PermanentError("no"), 65),
    (StepValidationError("no"), 65),
    (RetryableError("not this one", retryable=False), 65),
    (ForeignPermanent(), 65),
    (CallableNotFound("no"), 78),
    (InvalidInput("no"), 64),
]

PERMANENT = [
    ArithmeticError(),
    ZeroDivisionError(),
    AssertionError(),
    AttributeError(),
    ImportError(),
    ModuleNotFoundError(),
    KeyError("k"),
    IndexError(),
    NameError(),
    NotImplementedError(),
    RecursionError(),
    SyntaxError(),
    TypeError(),
    ValueError(),
    UnicodeDecodeError("utf-8", b"", 0, 1, "bad"),
    json.JSONDecodeError("bad", "", 0),
    io.UnsupportedOperation(),
    ssl.SSLCertVerificationError("self-signed"),
    urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")),
    urllib.error.URLError("unknown url type: ftpx"),
    http.client.InvalidURL("bad"),
    FileNotFoundError(),
    FileExistsError(),
    IsADirectoryError(),
    NotADirectoryError(),
    PermissionError(),
    OSError(errno.EROFS, "read-only"),
    OSError(errno.ENAMETOOLONG, "too long"),
]


@pytest.mark.parametrize("error", RETRYABLE, ids=repr)
def test_another_attempt_can_help(error: Exception) -> None:
    verdict = classify(error)
    assert (verdict.retryable, verdict.exit_code) == (True, 1)


@pytest.mark.parametrize("error", PERMANENT, ids=repr)
def test_no_further_attempt_can_help(error: Exception) -> None:
    verdict = classify(error)
    assert (verdict.retryable, verdict.exit_code) == (False, 70)


@pytest.mark.parametrize(("error", "exit_code"), PERMANENT_BY_THEMSELVES, ids=repr)
def test_a_permanent_error_brings_its_exit_code(error: Exception, exit_code: int) -> None:
    verdict = classify(error)
    assert (verdict.retryable, verdict.exit_code) == (False, exit_code)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (302, False), (400, False), (401, False), (403, False), (404, False), (408, True), (409, False),
        (422, False), (423, True), (425, True), (429, True), (500, True), (501, False), (502, True),
        (503, True), (504, True), (505, False), (599, True),
    ],
)  # fmt: skip
def test_an_http_error_is_judged_by_its_status(status: int, retryable: bool) -> None:
    with urllib.error.HTTPError("http://bank", status, "", email.message.Message(), io.BytesIO()) as error:
        assert classify(error).retryable is retryable


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0", 0.0), ("-1", None), ("Wed, 21 Oct 2026 07:28:10 GMT", 10.0), ("soon", None), ("nan", None)],
)
def test_retry_after_is_honoured_as_a_number_and_as_a_date(header: str, seconds: float | None) -> None:
    headers = email.message.Message()
    headers["Retry-After"], headers["Date"] = header, "Wed, 21 Oct 2026 07:28:00 GMT"
    with urllib.error.HTTPError("http://bank", 503, "", headers, io.BytesIO()) as error:
        assert classify(error).retry_after == seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimitError("slow down", retry_after=60), 60.0),
        (RetryableError("now", "NOW", 0), 0.0),
        (RetryableError("never", retry_after=float("inf")), None),
        (RetryableError("never", retry_after=10**400), None),
        (RetryableError("whenever"), None),
        (ForeignRetryable(), 7.0),
        (PermanentError("no", retry_after=5), None),
    ],
    ids=repr,
)
def test_an_errors_own_delay_is_kept_where_it_makes_sense(error: Exception, seconds: float | None) -> None:
    assert classify(error).retry_after == seconds


def test_a_group_is_led_by_its_first_permanent_member() -> None:
    busy, first, second = RetryableError("busy"), PermanentError("first"), PermanentError("second")
    group = ExceptionGroup("outer", [busy, ExceptionGroup("inner", [first, second])])
    assert leading(group) is first


def test_a_group_without_permanent_members_is_led_by_its_first() -> None:
    first = RetryableError("first")
    assert leading(ExceptionGroup("group", [first, OSError()])) is first
