"""TaskAction: what a human, or a program in their name, does to a Task; written once, answered once.

A resource of its own, so that RBAC and the audit log say who may and who did.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from kubesaga.api.models.base import AnyJson, Model, StepName, Text, cel
from kubesaga.engine.vocabulary import ActionPhase, ActionType

WITH_STEP = (
    ActionType.COMPLETE,
    ActionType.SKIP,
    ActionType.FAIL,
    ActionType.APPROVE,
    ActionType.REJECT,
    ActionType.MARK_COMPENSATED,
    ActionType.CONFIRM_STOPPED,
)
"""The types that are about one step."""
WITHOUT_STEP = (ActionType.GIVE_UP, ActionType.ABANDON)
"""The types that are about the Task as a whole."""
WITH_RESULT = (ActionType.COMPLETE, ActionType.APPROVE, ActionType.RESOLVE)
"""The types that may bring a result."""


def _among(types: tuple[ActionType, ...]) -> str:
    return f"self.type in [{', '.join(repr(str(each)) for each in types)}]"


def _listed(types: tuple[ActionType, ...]) -> str:
    return ", ".join(types)


class TaskReference(Model):
    """A Task in the same namespace."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Its metadata.name."""
    uid: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Its metadata.uid, so that the action cannot meet a later Task of the same name."""


class TaskActionSpec(Model):
    """What is to be done to which Task. It cannot be changed: create another TaskAction."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self == oldSelf", "a TaskAction cannot be changed: create another one"),
            (f"!({_among(WITH_STEP)}) || has(self.step)", f"spec.step is required for {_listed(WITH_STEP)}"),
            (
                f"!({_among(WITHOUT_STEP)}) || !has(self.step)",
                f"spec.step must be left out for {_listed(WITHOUT_STEP)}: they are about the whole Task",
            ),
            (
                "!has(self.expectedAttempt) || has(self.step)",
                "spec.expectedAttempt needs spec.step: only a step has attempts",
            ),
        )
    )

    task_ref: TaskReference
    """To which Task."""
    type: ActionType
    """On a step, or without one on every failed step: Retry, and RetryCompensation where undoing is stuck. On a step,
    or without one on the Task: Resolve. On a step: Complete (with its result), Skip (if it is skippable), Fail,
    Approve, Reject, MarkCompensated, ConfirmStopped (a human's word that its pod is gone). On the Task: GiveUp
    (end BlockedByFailures now), Abandon (end Compensating with what is not undone)."""
    step: StepName | None = None
    """The step that is meant."""
    result: AnyJson = None
    """With Complete, Approve or Resolve: the result of the step, or of the Task; null is one too. A step's
    resultSchema and the template's outputSchema hold for it."""
    reason: Text | None = None
    """Why, for whoever reads the Task's history."""
    requested_by: Annotated[str, Field(min_length=1, max_length=512)]
    """Who asks for it: the name of the user who creates the TaskAction, or of the service account
    (system:serviceaccount:NAMESPACE:NAME). The chart's admission policy refuses any other."""
    expected_attempt: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """The step's attempt as it was when the decision was made: if it has gone on since, the action is Rejected."""


class TaskActionStatus(Model):
    """What became of the action."""

    observed_generation: int = -1
    """The metadata.generation that was answered; -1 before."""
    phase: ActionPhase | None = None
    """Applied or Rejected; absent until it is answered."""
    message: Annotated[str, Field(max_length=32768)] | None = None
    """What was done, or why it was refused."""
