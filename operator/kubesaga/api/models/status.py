"""What the operator writes back: the schemas of both status subresources.

Only the CRD generator uses these models; the operator writes plain JSON. Everything is optional except what
tells the items of a list apart, so that no bound of ours can stand between a decision and its record.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kubesaga.api.constants import MAX_ACTIONS, MAX_DEPTH, MAX_FINDINGS, MAX_STEPS, MAX_TRANSITIONS
from kubesaga.api.models.base import AnyJson, FreeObject, Model, list_map
from kubesaga.engine.vocabulary import (
    ActionType,
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

# A decision may move every step and every compensation at once, and the Task.
_LONGEST_HISTORY = MAX_TRANSITIONS + 2 * MAX_STEPS + 1
# A Task that is refused for its depth has its place written down all the same.
_LONGEST_PATH = 2 * MAX_DEPTH


class Condition(Model):
    """One aspect of the object's state, as everywhere in Kubernetes."""

    type: Annotated[str, Field(max_length=316)]
    """Ready, Succeeded, Finished, Reconciling, Stalled, Suspended, NeedsAttention, Stale or FinallyFailed."""
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
    retry_after: Annotated[float, Field(json_schema_extra={"format": "double"})] | None = None
    """Seconds that the program asked to wait before the next attempt."""
    pod_reason: Word | None = None
    """How the pod or its container ended, in Kubernetes' word: Evicted, OOMKilled, DeadlineExceeded."""


class ResultRefStatus(Model):
    """A value too large for the status: in a ConfigMap, as JSON under the key result."""

    name: Word | None = None
    """The ConfigMap."""
    sha256: Annotated[str, Field(max_length=64)] | None = None
    """Of the JSON text, in hexadecimal digits."""
    size: int | None = None
    """Of the JSON text, in bytes."""


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
    ignored: int | None = None
    """Attempts since then that a retry rule does not count."""
    job_name: Word | None = None
    """The Job of the latest attempt."""
    child_name: Word | None = None
    """The child Task of a sub-workflow."""
    first_enqueued_at: Time | None = None
    """When the first of the attempts that are counted was decided."""
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
    result_ref: ResultRefStatus | None = None
    """In place of result: where a large one is."""
    metadata: FreeObject | None = None
    """What the program reported beside its result."""
    stop: StopStatus | None = None
    """That the attempt is being stopped."""
    outcome_unknown: bool | None = None
    """Whether any attempt ended without saying if its work was done."""
    disrupted: Annotated[tuple[Word, ...], Field(max_length=64)] | None = None
    """The pods of the latest attempt that Kubernetes took away and the Job replaced; they are not counted."""
    confirmed_stopped: bool | None = None
    """Whether a human said that nothing of the latest attempt runs any more."""


class StepStatus(AttemptStatus):
    """How far a step has come."""

    name: Annotated[str, Field(max_length=63)]
    """The step."""
    final: bool | None = None
    """Whether it is one of finally."""
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
    compensate: bool | None = None
    """Whether what was done is undone."""


class ParentStatus(Model):
    """Whose sub-workflow the Task is."""

    name: Word | None = None
    """The parent Task."""
    uid: Word | None = None
    """Its UID."""
    step: Word | None = None
    """The parent's step that this Task is."""
    root_key: Word | None = None
    """What the idempotency keys of the whole tree are made from: the root Task's idempotencyKey, else its UID."""
    path: Annotated[tuple[Word, ...], Field(max_length=_LONGEST_PATH)] | None = None
    """The steps from the root Task down to this one."""
    templates: Annotated[tuple[Word, ...], Field(max_length=_LONGEST_PATH)] | None = None
    """The templates (domain/name) of the Tasks above, the root's first."""
    attempt: int | None = None
    """The attempt of the parent's step that this Task last obeyed."""


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
    abandoned: Annotated[tuple[Word, ...], Field(max_length=MAX_STEPS)] | None = None
    """What a human left as it is."""


class ActionStatus(Model):
    """A TaskAction that was applied."""

    uid: Word | None = None
    """Its UID."""
    name: Word | None = None
    """Its name."""
    type: ActionType | None = None
    """What it did."""
    step: Word | None = None
    """To which step; absent where to the Task."""
    requested_by: Word | None = None
    """Who asked for it."""
    reason: Message | None = None
    """Why, in their words."""
    at: Time | None = None
    """When it was applied."""
    message: Message | None = None
    """What became of it."""


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
    state_since: Time | None = None
    """Since when."""
    outcome: TaskOutcome | None = None
    """How it ended."""
    message: Message | None = None
    """The state in a sentence."""
    result: AnyJson = None
    """What the workflow yielded."""
    result_ref: ResultRefStatus | None = None
    """In place of result: where a large one is."""
    error: StepErrorStatus | None = None
    """What is wrong with the Task itself: its output cannot be made."""
    template: PinnedTemplateStatus | None = None
    """The template revision that it runs."""
    request_hash: Word | None = None
    """A hash of what of the request may not change."""
    parent: ParentStatus | None = None
    """Whose sub-workflow it is."""
    run: int | None = None
    """How often it was started or reopened."""
    started_at: Time | None = None
    """When it started."""
    run_started_at: Time | None = None
    """When it was started or reopened last: the template's timeout counts from here."""
    finished_at: Time | None = None
    """When it ended."""
    next_retry_at: Time | None = None
    """When the next retry is due."""
    blocked_since: Time | None = None
    """Since when it has been BlockedByFailures."""
    suspended_since: Time | None = None
    """Since when nothing new is started."""
    resumed_at: Time | None = None
    """When that ended last."""
    stale: bool | None = None
    """Whether it has waited longer than its template's lifecycle allows."""
    finally_failed: bool | None = None
    """Whether a step of finally failed."""
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
    actions: Annotated[tuple[ActionStatus, ...], Field(max_length=MAX_ACTIONS)] | None = None
    """The latest TaskActions that were applied, oldest first."""
    history_blocks: int | None = None
    """How many ConfigMaps <task>-history-<hash>-<number> hold older moves, 128 each, oldest first."""
    transitions: Annotated[tuple[TransitionStatus, ...], Field(max_length=_LONGEST_HISTORY)] | None = None
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


class TemplateUsersStatus(Model):
    """How many Tasks there are that have started with this version, counted every few seconds."""

    live: int | None = None
    """Those that have not ended."""
    total: int | None = None
    """All of them."""


class TaskTemplateStatus(Model):
    """Whether the template can be used, and if not, why."""

    observed_generation: int = -1
    """The metadata.generation that was last seen; -1 before the first time."""
    revision: Word | None = None
    """The ControllerRevision that holds this content."""
    users: TemplateUsersStatus | None = None
    """How many Tasks run this version."""
    findings: Annotated[tuple[FindingStatus, ...], Field(max_length=MAX_FINDINGS)] | None = None
    """Everything that is wrong with it, at once."""
    conditions: Conditions | None = None
    """Ready, or Stalled with what is wrong."""
