"""Whether another attempt can help: the verdict on every exception that a handler may raise.

Called by `outcome` when a handler failed, imported only then. First match wins:

| the exception | verdict |
| --- | --- |
| says so itself by a boolean `retryable` (every StepError does) | as it says, after its `retry_after` |
| SystemExit | by its code, as any step's program |
| urllib's HTTPError | by status; `Retry-After` honoured |
| urllib's URLError | by its reason |
| programming errors and bad data: PERMANENT below | permanent |
| operating system errors that stay: PERMANENT and PERMANENT_ERRNOS below | permanent |
| anything else: timeouts, broken connections, other I/O errors, MemoryError, the unknown | retryable |

The unknown is retried, since the number of attempts is bounded and giving up is not undone by itself.
"""

from __future__ import annotations

import errno
import http.client
import urllib.error
from typing import Any, NamedTuple

from kubesaga_sdk import http_status
from kubesaga_sdk.contract import EXIT_DATA, EXIT_RETRYABLE, EXIT_SOFTWARE, PERMANENT_EXIT_CODES
from kubesaga_sdk.errors import StepError

PERMANENT: tuple[type[BaseException], ...] = (
    # The code is wrong, or the data are.
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,  # among them JSONDecodeError, UnicodeError, io.UnsupportedOperation, SSLCertVerificationError
    http.client.InvalidURL,
    # The image or the template is: a file, a mount or a right is missing, and will be the next time.
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
PERMANENT_ERRNOS = (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOEXEC, errno.E2BIG)


class Verdict(NamedTuple):
    """Whether to try again, when (seconds; None: by the step's backoff), and how the process exits."""

    retryable: bool
    retry_after: float | None
    exit_code: int


RETRYABLE_VERDICT = Verdict(True, None, EXIT_RETRYABLE)
PERMANENT_VERDICT = Verdict(False, None, EXIT_SOFTWARE)


def classify(error: BaseException) -> Verdict:
    """The verdict on one exception; for a group see `leading`."""
    own = told(error, "retryable")
    if isinstance(own, bool):
        return _by_itself(error, own)
    if isinstance(error, SystemExit):
        return _by_exit_code(error.code)
    if isinstance(error, urllib.error.HTTPError):
        return _by_status(error)
    if isinstance(error, urllib.error.URLError):
        # A reason that is no exception is urllib's own complaint about the URL.
        reason = error.reason
        return classify(reason) if isinstance(reason, BaseException) else PERMANENT_VERDICT
    if isinstance(error, PERMANENT) or told(error, "errno") in PERMANENT_ERRNOS:
        return PERMANENT_VERDICT
    return RETRYABLE_VERDICT


def told(error: BaseException, name: str) -> Any:
    """What an exception says under a name; None where it says nothing, or raises an error of its own when asked."""
    try:
        return getattr(error, name, None)
    except Exception:
        return None


def leading(error: BaseException) -> BaseException:
    """The exception that stands for a group (asyncio.TaskGroup's): its first permanent one, or its first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    members = [leading(member) for member in error.exceptions]
    return next((member for member in members if not classify(member).retryable), members[0])


def _by_itself(error: BaseException, retryable: bool) -> Verdict:
    if not retryable:
        return Verdict(False, None, error.exit_code if isinstance(error, StepError) else EXIT_DATA)
    return Verdict(True, http_status.seconds(told(error, "retry_after")), EXIT_RETRYABLE)


def _by_exit_code(code: object) -> Verdict:
    if code is None or code == 0:
        return PERMANENT_VERDICT  # A handler that ends the process leaves no result, however often it runs.
    if isinstance(code, int) and code in PERMANENT_EXIT_CODES:
        return Verdict(False, None, code)
    return RETRYABLE_VERDICT


def _by_status(error: urllib.error.HTTPError) -> Verdict:
    if not http_status.is_retryable(error.code):
        return Verdict(False, None, EXIT_DATA)
    return Verdict(True, http_status.retry_after(http_status.Headers(error.headers or {})), EXIT_RETRYABLE)
