"""StepHandlerResult: what a handler returns where a plain value does not say enough.

Returned by handlers, read by `outcome`. Plain classes here and in `context`: importing dataclasses would add
a fifth to the start-up of every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from kubesaga_sdk.errors import StepError


class ErrorType(StrEnum):
    """Customary values for the error_type of a reported failure; any other string will do as well."""

    PERMANENT_ERROR = "permanent_error"
    RETRYABLE_ERROR = "retryable_error"
    VALIDATION_ERROR = "validation_error"
    TIMEOUT = "timeout"
    HANDLER_ERROR = "handler_error"


class StepHandlerResult:
    """The outcome of one attempt; make it with `success` or `failure`."""

    __slots__ = ("error", "error_code", "error_message", "error_type", "is_success", "metadata", "result", "retryable")

    def __init__(
        self,
        *,
        is_success: bool,
        result: Any = None,
        error_message: str | None = None,
        error_type: str | None = None,
        error_code: str | None = None,
        retryable: bool = True,
        metadata: Mapping[str, Any] | None = None,
        error: StepError | None = None,
    ) -> None:
        self.is_success = is_success
        self.result = result
        self.error_message = error_message
        self.error_type = error_type
        self.error_code = error_code
        self.retryable = retryable
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.error = error

    @classmethod
    def success(cls, result: Any = None, metadata: Mapping[str, Any] | None = None) -> StepHandlerResult:
        """The step is done.

        Arguments:
            result: any JSON value; later steps read it by `get_dependency_result`.
            metadata: facts about the run rather than about the work; shown in the Task's status.
        """
        return cls(is_success=True, result=result, metadata=metadata)

    @classmethod
    def failure(
        cls,
        message: str,
        error_type: str = ErrorType.HANDLER_ERROR,
        retryable: bool = True,
        metadata: Mapping[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """The step failed; the same as raising a RetryableError or a PermanentError.

        Arguments:
            message: one sentence for the human who reads the Task's status.
            error_type: what a retry rule matches with `onErrorTypes`.
            retryable: whether another attempt can help.
            error_code: what a retry rule matches with `onErrorCodes`.
        """
        return cls(
            is_success=False,
            error_message=message,
            error_type=str(error_type),
            error_code=error_code,
            retryable=retryable,
            metadata=metadata,
        )

    @classmethod
    def from_error(cls, error: StepError) -> StepHandlerResult:
        """The step failed with this error: the same as raising it, its base classes and its delay included."""
        return cls(
            is_success=False,
            error_message=error.message,
            error_type=type(error).__name__,
            error_code=error.error_code,
            retryable=error.retryable,
            metadata=error.metadata,
            error=error,
        )

    def is_success_result(self) -> bool:
        """Whether the step is done."""
        return self.is_success

    def is_failure_result(self) -> bool:
        """Whether the step failed."""
        return not self.is_success

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"StepHandlerResult({fields})"
