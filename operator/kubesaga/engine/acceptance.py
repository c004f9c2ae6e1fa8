"""Whether what a step returned can be taken over: its resultSchema, and what a Task may carry.

Asked when a program, a child Task or a human has given a result, and by ``Draft.observed`` before a program's success
counts, since a success that is refused is a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.engine.encoding import size_of
from kubesaga.engine.plan import Step, Violation
from kubesaga.engine.records import StepError

# Bytes of JSON: the most that a result, and the metadata beside it, may have.
RESULT_LIMIT = 256 * 1024
METADATA_LIMIT = 4096


def refusal(step: Step, result: Any, metadata: Mapping[str, Any] | None) -> StepError | None:
    """Why a step's result cannot be accepted, if it cannot. The work was done all the same."""
    violations = step.check_result(result) if step.check_result else []
    if violations:
        return StepError(
            "ResultSchemaViolation",
            f"the result breaks the step's resultSchema: {listed(violations)}",
            retryable=False,
            outcome_unknown=True,
        )
    size, extra = size_of(result), size_of(metadata) if metadata else 0
    if size > RESULT_LIMIT or extra > METADATA_LIMIT:
        what = (
            f"the result has {size} bytes of {RESULT_LIMIT}"
            if size > RESULT_LIMIT
            else (f"the metadata has {extra} bytes of {METADATA_LIMIT}")
        )
        return StepError(
            "ResultTooLarge",
            f"{what}; store the data elsewhere and return a reference to it",
            retryable=False,
            outcome_unknown=True,
        )
    return None


def listed(violations: list[Violation]) -> str:
    """All violations in one sentence's part."""
    return "; ".join(f"{v.pointer or '/'}: {v.message}" for v in violations)
