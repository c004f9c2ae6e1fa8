"""Kubesaga's SDK: write a workflow's steps as Python classes or functions.

A handler's author imports from here; `python -m kubesaga_sdk` runs the handler in the step's pod.

    from kubesaga_sdk import PermanentError, RetryableError, StepContext, StepHandler

    class ChargePayment(StepHandler):
        def call(self, context: StepContext) -> dict[str, str]:
            ...
            return {"paymentId": payment.id}

        def compensate(self, context: StepContext) -> None:
            ...

The vocabulary is that of the Tasker Python package, so that a handler moves over by changing its import. What only
some handlers need is imported when they do: a step's pod starts with the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubesaga_sdk.context import StepContext
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
from kubesaga_sdk.errors import TaskerError as TaskerError
from kubesaga_sdk.errors import TimeoutError as StepTimeoutError
from kubesaga_sdk.errors import ValidationError as StepValidationError
from kubesaga_sdk.facts import StepFailure, TaskInfo
from kubesaga_sdk.handler import StepHandler
from kubesaga_sdk.result import ErrorType, StepHandlerResult
from kubesaga_sdk.termination import StepTerminated

if TYPE_CHECKING:
    from kubesaga_sdk.api import ApiHandler, APIMixin
    from kubesaga_sdk.api_response import ApiResponse
    from kubesaga_sdk.execution_context import ExecutionContext
    from kubesaga_sdk.functional import FunctionalHandler, depends_on, inputs, step_handler
    from kubesaga_sdk.registry import HandlerRegistry
    from kubesaga_sdk.services import Services, provider

__version__ = "0.1.0"

__all__ = [
    "APIMixin",
    "ApiHandler",
    "ApiResponse",
    "AuthenticationError",
    "AuthorizationError",
    "BusinessLogicError",
    "ConfigurationError",
    "ErrorType",
    "ExecutionContext",
    "FunctionalHandler",
    "HandlerRegistry",
    "NetworkError",
    "NotFoundError",
    "PermanentError",
    "RateLimitError",
    "ResourceContentionError",
    "RetryableError",
    "ServiceUnavailableError",
    "Services",
    "StepContext",
    "StepError",
    "StepFailure",
    "StepHandler",
    "StepHandlerResult",
    "StepTerminated",
    "StepTimeoutError",
    "StepValidationError",
    "TaskInfo",
    "depends_on",
    "inputs",
    "provider",
    "step_handler",
]

_WHEN_NEEDED = {
    "APIMixin": "api",
    "ApiHandler": "api",
    "ApiResponse": "api_response",
    "ExecutionContext": "execution_context",
    "FunctionalHandler": "functional",
    "HandlerRegistry": "registry",
    "Services": "services",
    "depends_on": "functional",
    "inputs": "functional",
    "provider": "services",
    "step_handler": "functional",
}
_BRANCH = "write the condition as `when` on each step of the branch"
_BATCH = "split the work before the Task is made, one Task for each part"
_LOG = "write to `context.logger`, or to Python's own logging"
_NO_COUNTERPART = {
    **dict.fromkeys(
        ("Decision", "DecisionHandler", "DecisionMixin", "DecisionPointOutcome", "DecisionType", "decision_handler"),
        _BRANCH,
    ),
    **dict.fromkeys(
        (
            "Batchable", "BatchAnalyzerOutcome", "BatchConfig", "BatchWorkerConfig", "BatchWorkerContext",
            "BatchWorkerOutcome", "CursorConfig", "batch_analyzer", "batch_worker",
        ),
        _BATCH,
    ),
    **dict.fromkeys(("LogContext", "log_debug", "log_error", "log_info", "log_trace", "log_warn"), _LOG),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _WHEN_NEEDED:
        from importlib import import_module

        return getattr(import_module(f"kubesaga_sdk.{_WHEN_NEEDED[name]}"), name)
    if name in _NO_COUNTERPART:
        raise ImportError(f"kubesaga_sdk has no {name}, as Tasker has: {_NO_COUNTERPART[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
