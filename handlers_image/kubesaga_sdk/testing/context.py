"""Making the StepContext that a handler under test gets.

Called by tests, and by ``run_handler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubesaga_sdk import step_input
from kubesaga_sdk.context import StepContext

if TYPE_CHECKING:
    from kubesaga_sdk.services import Services

_KEY = "test-key"


def make_context(
    input: Mapping[str, Any] | None = None,  # noqa: A002 - Tasker's word for it, as in get_input
    *,
    config: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    errors: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    step: str = "step",
    attempt: int = 1,
    retry_count: int | None = None,
    max_attempts: int = 3,
    idempotency_key: str = _KEY,
    forward_result: Any = None,
    forward_error: Mapping[str, Any] | None = None,
    services: Services | None = None,
    **fields: Any,
) -> StepContext:
    """A context as the runner would make it.

    Arguments:
        input: the Task's context.
        config: the step's ``handler.config``.
        results: ancestor step → its result.
        errors: ancestor step → ``{type, code, message}``, of those that failed under ``continueOnError``.
        retry_count: attempts before this one since the last reset; by default ``attempt - 1``.
        forward_result, forward_error: in a compensation, what became of the step to undo.
        services: what stands for the services that the handler asks for.
        fields: any other field of the step's input document (see the step contract): ``task``, ``trace``, ...

    Raises InvalidInput for a field of the wrong type, TypeError for one that there is not.
    """
    if unknown := fields.keys() - step_input.FIELDS:
        raise TypeError(
            f"a step's input has no field {', '.join(sorted(unknown))}; it has: {', '.join(sorted(step_input.FIELDS))}"
        )
    document = {
        "context": dict(input or {}),
        "config": dict(config or {}),
        "results": dict(results or {}),
        "errors": dict(errors or {}),
        "options": dict(options or {}),
        "metadata": dict(metadata or {}),
        "step": {"name": step, "maxAttempts": max_attempts},
        "attempt": attempt,
        "retryCount": attempt - 1 if retry_count is None else retry_count,
        "idempotencyKey": idempotency_key,
        "correlationId": "test",
        "forward": {"result": forward_result, "error": forward_error},
        **fields,
    }
    return StepContext(step_input.complete(document, "make_context"), services)
