"""Kubesaga's SDK: write a workflow's steps as Python classes.

A handler's author imports from here; `python -m kubesaga_sdk` runs the handler in the step's pod.

    from kubesaga_sdk import PermanentError, RetryableError, StepContext, StepHandler

    class ChargePayment(StepHandler):
        def call(self, context: StepContext) -> dict[str, str]:
            ...
            return {"paymentId": payment.id}

        def compensate(self, context: StepContext) -> None:
            ...

The vocabulary is that of the Tasker Python package, so that a handler moves over by changing its import.
"""

from __future__ import annotations

from kubesaga_sdk.context import StepContext, StepFailure, TaskInfo
from kubesaga_sdk.errors import (
    AuthenticationError,
    AuthorizationError,
    BusinessLogicError,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    PermanentError,
    RateLimitError,
    ResourceContentionError,
    RetryableError,
    ServiceUnavailableError,
    StepError,
)
from kubesaga_sdk.errors import TimeoutError as StepTimeoutError
from kubesaga_sdk.errors import ValidationError as StepValidationError
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.handler import StepHandler
from kubesaga_sdk.result import ErrorType, StepHandlerResult
from kubesaga_sdk.termination import StepTerminated

__version__ = "0.1.0"

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "BusinessLogicError",
    "ConfigurationError",
    "ErrorType",
    "ExecutionContext",
    "NetworkError",
    "NotFoundError",
    "PermanentError",
    "RateLimitError",
    "ResourceContentionError",
    "RetryableError",
    "ServiceUnavailableError",
    "StepContext",
    "StepError",
    "StepFailure",
    "StepHandler",
    "StepHandlerResult",
    "StepTerminated",
    "StepTimeoutError",
    "StepValidationError",
    "TaskInfo",
]
