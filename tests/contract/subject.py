"""The program under test on the Python SDK: does what its input's context asks of it, as docs/step-contract.md says."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from kubesaga_sdk import StepContext, StepHandler, StepHandlerResult


class Asked(StepHandler):
    """Does what it is asked to."""

    def call(self, context: StepContext) -> Any:
        return getattr(self, f"do_{context.get_input('do')}")(context)

    def compensate(self, context: StepContext) -> Any:
        return {"undone": context.forward_result, "key": context.compensation_key}

    def do_return(self, context: StepContext) -> Any:
        return context.get_input("value")

    def do_repeat(self, context: StepContext) -> str:
        unit: str = context.get_input("unit")
        return unit * int(context.get_input("times"))

    def do_previous(self, context: StepContext) -> Any:
        return context.get_dependency_result(context.get_input("step"))

    def do_describe(self, context: StepContext) -> dict[str, Any]:
        variable: Callable[[str], str] = os.environ.__getitem__
        return {
            "input": {
                "task": context.task.name,
                "step": context.step_name,
                "attempt": context.attempt,
                "idempotencyKey": context.idempotency_key,
            },
            "environment": {
                "task": variable("KUBESAGA_TASK"),
                "step": variable("KUBESAGA_STEP"),
                "attempt": variable("KUBESAGA_ATTEMPT"),
                "idempotencyKey": variable("KUBESAGA_IDEMPOTENCY_KEY"),
            },
        }

    def do_fail(self, context: StepContext) -> StepHandlerResult:
        error = context.get_input("error")
        raised = type(error["type"], (Exception,), {"retryable": error["retryable"], "error_code": error["code"]})
        raised.retry_after = error.get("retryAfter")  # type: ignore[attr-defined]
        raise raised(error["message"])

    def do_exit(self, context: StepContext) -> None:
        sys.exit(context.get_input("exitCode"))

    def do_wait(self, _context: StepContext) -> None:
        print("waiting", flush=True)
        time.sleep(600)
