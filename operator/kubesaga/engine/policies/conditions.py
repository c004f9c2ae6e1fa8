"""Whether a step whose turn it is runs at all: bypassed, skipped by its ``when``, or failed by a bad expression.

Called by ``forward.launch`` and for ``finally`` before a step is enqueued for the first time.
"""

from __future__ import annotations

from enum import StrEnum

from kubesaga.engine.draft import Draft
from kubesaga.engine.plan import ExpressionError
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import Role, StepEvent, StepKind, StepOutcome, StepState

_FORWARD = Role.FORWARD

# A sub-workflow may be this deep below its root (semantics 5).
MAX_DEPTH = 8


class Fate(StrEnum):
    """What becomes of a step whose turn it is."""

    RUNS = "Runs"
    SKIPPED = "Skipped"
    FAILED = "Failed"


def weigh(draft: Draft, i: int) -> Fate:
    """Decide, and record a skip or a failure. Raises MissingValues."""
    step, record = draft.plan.steps[i], draft.steps[i]
    if record.name in draft.snapshot.bypass:
        skip(draft, i, "bypassed by spec.bypassSteps")
        return Fate.SKIPPED
    if step.when is None and step.child is None:
        return Fate.RUNS
    try:
        scope = draft.scope(i)
        if step.when is not None and not step.when(scope):
            skip(draft, i, "its condition (when) is false")
            return Fate.SKIPPED
        if step.child is not None:
            refusal = _refusal(draft, i)
            if refusal:
                fail(draft, i, refusal)
                return Fate.FAILED
            step.child.make_context(scope)
    except ExpressionError as error:
        fail(draft, i, StepError("ExpressionFailed", str(error), retryable=False))
        return Fate.FAILED
    return Fate.RUNS


def _refusal(draft: Draft, i: int) -> StepError | None:
    """Why this sub-workflow may not be: too deep, or one that is running above it already."""
    child = draft.plan.steps[i].child
    assert draft.plan.steps[i].kind is StepKind.TASK
    assert child is not None
    above = (*(draft.parent.templates if draft.parent else ()), f"{draft.plan.domain}/{draft.plan.name}")
    wanted = f"{child.domain}/{child.name}"
    if wanted in above:
        return StepError(
            "SubWorkflowCycle",
            f"{wanted} runs above this step already ({' > '.join(above)}): a workflow cannot contain itself",
            retryable=False,
        )
    if len(above) >= MAX_DEPTH:
        return StepError(
            "SubWorkflowTooDeep",
            f"{' > '.join(above)} > {wanted} is deeper than {MAX_DEPTH} workflows: flatten it",
            retryable=False,
        )
    return None


def skip(draft: Draft, i: int, why: str) -> None:
    """The step counts as done, without having run."""
    draft.move_step(
        i,
        _FORWARD,
        StepEvent.SKIP,
        StepState.COMPLETE,
        why,
        outcome=StepOutcome.SKIPPED,
        finished_at=draft.now,
        next_retry_at=None,
        result=None,
        error=None,
    )


def fail(draft: Draft, i: int, error: StepError) -> None:
    """The step fails for good before an attempt of it was made."""
    draft.move_step(
        i,
        _FORWARD,
        StepEvent.FAIL,
        StepState.ERROR,
        str(error),
        outcome=StepOutcome.FAILED,
        error=error,
        finished_at=draft.now,
        next_retry_at=None,
    )
    draft.emit("StepFailed", f"{draft.steps[i].name} failed: {error}", warning=True)
