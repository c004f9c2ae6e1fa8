"""The errors that a handler raises on purpose: by its class an error says whether another attempt can help.

    StepError
    ├── RetryableError            TimeoutError, NetworkError, RateLimitError, ServiceUnavailableError,
    │                             ResourceContentionError
    └── PermanentError            ValidationError, NotFoundError, AuthenticationError, AuthorizationError,
        │                         BusinessLogicError, InvalidResult, ResultTooLarge
        └── ConfigurationError    InvalidInput, CallableNotFound, CallableInvalid, HandlerImportError

A retry rule of a template (`onErrorTypes`) matches a class or any of its bases by name, so a subclass of
one's own is welcome. The last six are raised by the runner. Exceptions of other origin go through the
classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga_sdk.contract import EXIT_CONFIG, EXIT_DATA, EXIT_USAGE


class StepError(Exception):
    """Base of all errors that say for themselves whether another attempt can help.

    Arguments:
        message: one sentence for the human who reads the Task's status.
        error_code: a stable word for programs, such as "CARD_DECLINED"; retry rules can match it.
        retry_after: seconds until the next attempt, in place of the step's backoff.
        retryable: overrides what the class says.
        metadata, context: further facts, kept with the error (context is merged into metadata).
    """

    retryable: bool = True
    exit_code: int = EXIT_DATA
    """The process's exit code where the error is permanent."""

    def __init__(
        self,
        message: str,
        error_code: str | None = None,
        retry_after: float | None = None,
        *,
        retryable: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = bool(retryable)
        self.metadata: dict[str, Any] = {**(metadata or {}), **(context or {})}


TaskerError = StepError
"""Tasker's name for it."""


class RetryableError(StepError):
    """The same attempt may succeed later."""

    retryable = True


class PermanentError(StepError):
    """No further attempt with the same input can succeed."""

    retryable = False


class TimeoutError(RetryableError):  # noqa: A001 - the name is part of the vocabulary taken over
    """Something that the handler waited for took too long."""


class NetworkError(RetryableError):
    """A connection could not be made, or broke."""


class RateLimitError(RetryableError):
    """A service asks to be called less often; say when again with retry_after."""


class ServiceUnavailableError(RetryableError):
    """A service is down or overloaded."""


class ResourceContentionError(RetryableError):
    """A lock or a resource is held by someone else."""


class ValidationError(PermanentError):
    """The input does not meet the handler's requirements."""


class NotFoundError(PermanentError):
    """Something that the step needs does not exist."""


class AuthenticationError(PermanentError):
    """The handler's credentials were not accepted."""


class AuthorizationError(PermanentError):
    """The handler's identity may not do this."""


class BusinessLogicError(PermanentError):
    """A rule of the business forbids it."""


class ConfigurationError(PermanentError):
    """The template, the image or the environment is not as the handler needs it."""

    exit_code = EXIT_CONFIG


# Raised by the runner. Their names are what a user reads in a Task's status, hence without "Error".


class InvalidInput(ConfigurationError):
    """The step's input document is missing or is not one."""

    exit_code = EXIT_USAGE


class CallableNotFound(ConfigurationError):
    """The step's callable names nothing in this image."""


class CallableInvalid(ConfigurationError):
    """The step's callable was found, but cannot be called as the step asks."""


class HandlerImportError(ConfigurationError):
    """The handler's module is there, but raised an error while it was imported."""


class InvalidResult(PermanentError):
    """What the handler returned cannot be written as JSON without changing it."""


class ResultTooLarge(PermanentError):
    """What the handler returned is more than the operator takes."""
