"""StepHandler: the base class of a step's code.

Subclassed by handlers' authors; the runner makes one object per attempt, without arguments, and calls one
method of it. Any other class with such a method works too: the base class gives a handler its type and two
conveniences.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from kubesaga_sdk.context import StepContext
from kubesaga_sdk.result import ErrorType, StepHandlerResult


class StepHandler(ABC):
    """One step's code: `call` does its work, `compensate(context)`, where defined, undoes it.

    An attempt may run more than once (a node can die before its success is known), so give
    `context.idempotency_key` to whatever changes the world. A compensation runs also where the forward
    attempt's outcome is not known: it must be right whether or not the work was done.

    The base class has no `compensate`, so that a template that asks for one which nobody wrote is told so
    instead of being satisfied with nothing.
    """

    handler_name: str = ""
    """What templates may call this handler by; the class's name where empty."""
    handler_version: str = "1.0.0"
    handler_namespace: str = ""
    """Tells handlers of the same name apart: templates then write `namespace/name`."""

    @abstractmethod
    def call(self, context: StepContext) -> Any:
        """Do the step's work, synchronously or as a coroutine (`async def`).

        Returns a StepHandlerResult, any JSON value (the step's result), or None. An exception fails the
        attempt; see `errors` for those that say whether to try again.
        """

    @property
    def name(self) -> str:
        """handler_name, or the class's name."""
        return self.handler_name or type(self).__name__

    @property
    def version(self) -> str:
        """handler_version."""
        return self.handler_version

    def success(self, result: Any = None, metadata: Mapping[str, Any] | None = None) -> StepHandlerResult:
        """The same as `StepHandlerResult.success`."""
        return StepHandlerResult.success(result, metadata)

    def failure(
        self,
        message: str,
        error_type: str = ErrorType.HANDLER_ERROR,
        retryable: bool = True,
        metadata: Mapping[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """The same as `StepHandlerResult.failure`."""
        return StepHandlerResult.failure(message, error_type, retryable, metadata, error_code)
