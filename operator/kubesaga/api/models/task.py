"""Task.spec: one request to run a template. Only what its owner still wants of it can be changed afterwards."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import MAX_BYPASSED, MAX_METADATA_BYTES, MAX_TAGS
from kubesaga.api.models.base import Duration, FreeObject, Model, ShortText, StepName, Text, cel
from kubesaga.api.models.reference import TemplateRef
from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState, RunningSteps


def _check_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_METADATA_BYTES:
        raise PydanticCustomError(
            "MetadataTooLarge",
            "{size} bytes, of which {limit} are allowed",
            {
                "size": size,
                "limit": MAX_METADATA_BYTES,
                "remedy": "keep the data elsewhere and pass a reference, or move it to spec.context",
            },
        )
    return metadata


class CancellationSpec(Model):
    """How the Task is cancelled, once desiredState says so."""

    mode: RunningSteps = RunningSteps.DRAIN
    """What becomes of steps that run. Drain: they finish. Terminate: they are stopped."""
    compensate: bool = False
    """Whether what was done is undone in reverse order."""


_SET = {"x-kubernetes-list-type": "set"}


def _immutable(*names: str) -> list[tuple[str, str]]:
    # At spec, with has(): a transition rule on the field itself is not run when the field comes or goes.
    rule = "has(self.{0}) == has(oldSelf.{0}) && (!has(self.{0}) || self.{0} == oldSelf.{0})"
    return [(rule.format(name), f"spec.{name} cannot be changed: create another Task") for name in names]


_CANCELLED = f"oldSelf.desiredState == '{DesiredState.CANCELLED}'"
_TERMINATES = f"has({{0}}.cancellation) && {{0}}.cancellation.mode == '{RunningSteps.TERMINATE}'"
_COMPENSATES = "(has({0}.cancellation) && {0}.cancellation.compensate)"
_ONCE_CANCELLED = [
    (
        f"!({_CANCELLED}) || self.desiredState == '{DesiredState.CANCELLED}'",
        "spec.desiredState cannot be changed once it is Cancelled: create another Task",
    ),
    (
        f"!({_CANCELLED} && {_TERMINATES.format('oldSelf')}) || ({_TERMINATES.format('self')})",
        "spec.cancellation.mode may only change from Drain to Terminate once desiredState is Cancelled",
    ),
    (
        f"!({_CANCELLED}) || {_COMPENSATES.format('self')} == {_COMPENSATES.format('oldSelf')}",
        "spec.cancellation.compensate cannot be changed once desiredState is Cancelled",
    ),
]


class TaskSpec(Model):
    """One request to run a workflow."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            *_immutable(
                "templateRef",
                "context",
                "options",
                "metadata",
                "initiator",
                "sourceSystem",
                "reason",
                "tags",
                "correlationId",
                "parentCorrelationId",
                "idempotencyKey",
                "priority",
                "bypassSteps",
                "deletionPolicy",
            ),
            *_ONCE_CANCELLED,
        )
    )

    template_ref: TemplateRef
    """Which template to run."""
    context: FreeObject | None = None
    """The input of the workflow: what the template's inputSchema describes, and every step can read."""
    options: FreeObject | None = None
    """Settings of this run that steps can read, apart from its input."""
    metadata: Annotated[FreeObject, AfterValidator(_check_metadata)] | None = None
    """Anything that travels along for readers, at most 4 KiB."""
    initiator: ShortText | None = None
    """Who or what asked for it."""
    source_system: ShortText | None = None
    """Where the request came from."""
    reason: Text | None = None
    """Why it was asked for."""
    tags: (
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=63)], ...], Field(max_length=MAX_TAGS)] | None
    ) = None
    """For finding it again."""
    correlation_id: ShortText | None = None
    """Ties the Task to what happens elsewhere."""
    parent_correlation_id: ShortText | None = None
    """The correlation id of what caused this one."""
    idempotency_key: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """What makes this request the same as another: the steps' idempotency keys are made from it, and under
    identityStrategy CallerProvided only the first Task with it runs."""
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Higher starts first where the operator limits how many Tasks run."""
    bypass_steps: Annotated[tuple[StepName, ...], Field(max_length=MAX_BYPASSED, json_schema_extra=_SET)] | None = None
    """Steps to skip; the template must have them as skippable."""
    desired_state: DesiredState = DesiredState.RUNNING
    """Running; Suspended: nothing new is launched; Cancelled: the Task ends, which cannot be taken back."""
    cancellation: CancellationSpec | None = None
    """How it is cancelled; once it is, only mode may change, from Drain to Terminate."""
    deletion_policy: DeletionPolicy | None = None
    """What deleting the Task while it runs does. Delete: everything goes at once. Compensate: it is cancelled and what
    was done is undone before it goes. Default: Compensate if that is the template's failureStrategy, else Delete."""
    ttl_after_finished: Duration | None = None
    """How long after its end the Task is deleted; default: never."""
