"""What the operator writes back: the schemas of both status subresources.

Only the CRD generator uses these models; the operator writes plain JSON. Everything is optional except what
tells the items of a list apart, so that no bound of ours can stand between a decision and its record.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kubesaga.api.constants import MAX_FINDINGS, MAX_STEPS, MAX_TRANSITIONS
from kubesaga.api.models.base import AnyJson, FreeObject, Model, list_map
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    StepOutcome,
    StepState,
    StopAction,
    TaskOutcome,
    TaskState,
)

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 with microseconds."""

Word = Annotated[str, Field(max_length=256)]
Message = Annotated[str, Field(max_length=32768)]


class Condition(Model):
    """One aspect of the object's state, as everywhere in Kubernetes."""

    type: Annotated[str, Field(max_length=316)]
    """Ready, Succeeded, Finished, Reconciling, Stalled or NeedsAttention."""
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    """True, False or Unknown."""
    observed_generation: int | None = None
    """The metadata.generation that the condition speaks of."""
    last_transition_time: Time
    """When status last changed."""
    reason: Annotated[str, Field(max_length=1024)]
    """One CamelCase word."""
    message: Message
    """A sentence for humans."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=list_map("type"))]


class StepErrorStatus(Model):
    """Why an attempt failed."""

    type: Word | None = None
    """The error's class, or the operator's classification."""
    code: Word | None = None
    """What the program calls the error."""
    message: Message | None = None
    """What happened, and what can be done."""
    retryable: bool | None = None
    """Whether another attempt could help."""
    exit_code: int | None = None
    """Of the program."""
    types: Annotated[tuple[Word, ...], Field(max_length=64)] | None = None
    """The error's class and its base classes."""
    outcome_unknown: bool | None = None
    """Whether the work may have been done all the same: after a timeout, a lost Job, a killed process."""


class StopStatus(Model):
    """That an attempt is to be stopped: written before its Job is touched."""

    reason: Word | None = None
    """Why."""
    at: Time | None = None
    """Since when."""
    action: StopAction | None = None
    """What becomes of the attempt."""


class AttemptStatus(Model):
    """How far a step, or its compensation, has come."""

    state: StepState | None = None
    """Where it is."""
    outcome: StepOutcome | None = None
    """How it ended."""
    attempt: int | None = None
    """Attempts so far; the number only grows."""
    retry_base: int | None = None
    """The attempt from which retries are counted."""
    job_name: Word | None = None
    """The Job of the latest attempt."""
    enqueued_at: Time | None = None
    """When the latest attempt was decided."""
    started_at: Time | None = None
    """When its program started."""
    finished_at: Time | None = None
    """When it was over."""
    next_retry_at: Time | None = None
    """When the next attempt is due."""
    error: StepErrorStatus | None = None
    """Why the latest attempt failed."""
    result: AnyJson = None
    """What the program returned."""
    metadata: FreeObject | None = None
    """What the program reported beside its result."""
    stop: StopStatus | None = None
    """That the attempt is being stopped."""
    outcome_unknown: bool | None = None
    """Whether any attempt ended without saying if its work was done."""


class StepStatus(AttemptStatus):
    """How far a step has come."""

    name: Annotated[str, Field(max_length=63)]
    """The step."""
    compensation: AttemptStatus | None = None
    """How far its undoing has come."""


class PinnedTemplateStatus(Model):
    """The template revision that the Task runs, whatever becomes of the template."""

    name: Word | None = None
    """Its logical name."""
    version: Word | None = None
    """Its version."""
    revision: Word | None = None
    """The ControllerRevision that holds its content."""


class EndingStatus(Model):
    """The decided end of the Task; once written it is never weighed again."""

    trigger: EndingTrigger | None = None
    """Why it ends."""
    at: Time | None = None
    """Since when."""
    phase: EndingPhase | None = None
    """How far the ending has come."""
    outcome: TaskOutcome | None = None
    """With which outcome it will end, or has ended."""


class Counts(Model):
    """How many steps are where."""

    total: int | None = None
    """All of them."""
    complete: int | None = None
    """Done, skipped or resolved by hand."""
    failed: int | None = None
    """Failed for good."""
    cancelled: int | None = None
    """Cancelled."""
    running: int | None = None
    """With a live attempt."""
    waiting: int | None = None
    """Not yet started, or waiting for a retry."""


class PlannedCompensationStatus(Model):
    """One entry of the frozen saga."""

    step: Annotated[str, Field(max_length=63)]
    """What is undone."""
    after: Annotated[tuple[Word, ...], Field(max_length=MAX_STEPS)] | None = None
    """Once these are undone."""


class SagaStatus(Model):
    """The frozen plan of compensation."""

    trigger: EndingTrigger | None = None
    """What made it due."""
    plan: Annotated[tuple[PlannedCompensationStatus, ...], Field(max_length=MAX_STEPS)] | None = None
    """What is undone, and in which order."""


class TransitionStatus(Model):
    """The way that a state machine went in one decision: of the Task, or of a step."""

    at: Time | None = None
    """When."""
    step: Word | None = None
    """Which step; absent for the Task itself."""
    role: Role | None = None
    """compensation when the step was being undone; absent for its own work."""
    events: Annotated[tuple[Annotated[str, Field(max_length=63)], ...], Field(max_length=64)]
    """What happened, in order: TaskEvents or StepEvents."""
    from_: Annotated[str, Field(alias="from", max_length=63)]
    """The state before."""
    to: Annotated[str, Field(max_length=63)]
    """The state after."""
    attempt: int | None = None
    """Which attempt."""
    message: Message | None = None
    """Why."""


class TaskStatus(Model):
    """Where the Task is, and everything that was decided about it."""

    observed_generation: int = -1
    """The metadata.generation that was last seen; -1 before the first time."""
    state: TaskState | None = None
    """Where the Task is."""
    outcome: TaskOutcome | None = None
    """How it ended."""
    message: Message | None = None
    """The state in a sentence."""
    result: AnyJson = None
    """What the workflow yielded."""
    template: PinnedTemplateStatus | None = None
    """The template revision that it runs."""
    run: int | None = None
    """How often it was reopened."""
    started_at: Time | None = None
    """When it started."""
    finished_at: Time | None = None
    """When it ended."""
    next_retry_at: Time | None = None
    """When the next retry is due."""
    blocked_since: Time | None = None
    """Since when it has been BlockedByFailures."""
    ending: EndingStatus | None = None
    """Its decided end."""
    progress: Word | None = None
    """Steps done of all steps, such as 3/5."""
    counts: Counts | None = None
    """How many steps are where."""
    steps: Annotated[tuple[StepStatus, ...], Field(max_length=MAX_STEPS, json_schema_extra=list_map("name"))] | None = (
        None
    )
    """The steps."""
    compensation: SagaStatus | None = None
    """The saga, once it is due."""
    transitions: Annotated[tuple[TransitionStatus, ...], Field(max_length=MAX_TRANSITIONS)] | None = None
    """The latest moves of all state machines, oldest first."""
    conditions: Conditions | None = None
    """Finished is True at any end, Succeeded says how it ended."""


class FindingStatus(Model):
    """One thing that is wrong with the template."""

    code: Word
    """Stable name of the kind of mistake."""
    path: Message
    """Where it is."""
    message: Message
    """What is wrong."""
    remedy: Message | None = None
    """What to do about it."""


class TaskTemplateStatus(Model):
    """Whether the template can be used, and if not, why."""

    observed_generation: int = -1
    """The metadata.generation that was last seen; -1 before the first time."""
    revision: Word | None = None
    """The ControllerRevision that holds this content."""
    findings: Annotated[tuple[FindingStatus, ...], Field(max_length=MAX_FINDINGS)] | None = None
    """Everything that is wrong with it, at once."""
    conditions: Conditions | None = None
    """Ready, or Stalled with what is wrong."""
