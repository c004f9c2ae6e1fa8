"""TaskTemplate.spec: the graph of steps that Tasks run."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from kubesaga.api.constants import DEFAULT_DOMAIN, MAX_STEPS
from kubesaga.api.models.base import (
    Duration,
    Expression,
    FreeObject,
    LogicalName,
    Model,
    Text,
    Timeout,
    Version,
    cel,
    list_map,
)
from kubesaga.api.models.environments import Environments
from kubesaga.api.models.kubernetes import Env, EnvFrom, PodSettings, Resources, VolumeMounts
from kubesaga.api.models.lifecycle import LifecycleSpec
from kubesaga.api.models.programs import Image, ImagePullPolicy
from kubesaga.api.models.retry import RetrySettings
from kubesaga.api.models.steps import FinallyStepSpec, StepSpec
from kubesaga.engine.vocabulary import FailureStrategy, IdentityStrategy, RunningSteps


class StepDefaults(Model):
    """What holds for all steps, and for their compensations, that do not say otherwise."""

    image: Image | None = None
    """The image of the handlers; default: the operator's, if it has one."""
    image_pull_policy: ImagePullPolicy | None = None
    """When the node fetches the image; default: Kubernetes' own."""
    retry: RetrySettings | None = None
    """When a failed attempt is tried again."""
    timeout: Timeout | None = None
    """Of one attempt, from the start of its pod; default: none."""
    start_timeout: Timeout | None = None
    """How long an attempt may take from being enqueued to running; default: 10m."""
    resources: Resources | None = None
    """What each container needs and gets."""
    env: Env | None = None
    """Environment of every container."""
    env_from: EnvFrom | None = None
    """Sources of environment, as in a pod."""
    volume_mounts: VolumeMounts | None = None
    """Where volumes appear in every container."""
    pod: PodSettings | None = None
    """How pods are placed and what they may use."""


FinallySteps = Annotated[tuple[FinallyStepSpec, ...], Field(max_length=MAX_STEPS, json_schema_extra=list_map("name"))]


class TaskTemplateSpec(Model):
    """A workflow: a graph of steps, and what happens when one fails."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self == oldSelf || self.version != oldSelf.version || self.version.contains('-')",
                "a released version never changes: give the changed template a new spec.version",
            ),
            (
                f"!has(self.finally) || size(self.steps) + size(self.finally) <= {MAX_STEPS}",
                f"steps and finally may have {MAX_STEPS} steps together: split the workflow",
            ),
        )
    )

    domain: LogicalName = DEFAULT_DOMAIN
    """The logical owner of the template."""
    name: LogicalName | None = None
    """What Tasks call it; default: metadata.name."""
    version: Version
    """Semantic version. A released version never changes, a pre-release (1.1.0-rc.1) may."""
    description: Text | None = None
    """For readers."""
    input_schema: FreeObject | None = None
    """JSON Schema (draft 2020-12) that a Task's context must satisfy. `format` is enforced; no remote
    references, no recursion."""
    output_schema: FreeObject | None = None
    """JSON Schema, under the same rules, that the Task's result must satisfy."""
    output: Expression | None = None
    """CEL over `context`, `steps` and `task` that makes the Task's result; default: the results of the steps that no
    other waits for, by name."""
    default_context: FreeObject | None = None
    """What the Task's context is merged over, object by object."""
    default_options: FreeObject | None = None
    """What the Task's options are merged over, object by object."""
    failure_strategy: FailureStrategy = FailureStrategy.ABORT
    """What a step that failed for good does. Abort: nothing new starts. Continue: everything that does not
    depend on it goes on. Compensate: as Abort, then what was done is undone in reverse order."""
    running_steps: RunningSteps = RunningSteps.DRAIN
    """What becomes of steps that run when the Task fails. Drain: they finish. Terminate: they are stopped."""
    blocked_timeout: Duration = "0s"
    """How long a failed Task stays BlockedByFailures before it ends."""
    timeout: Timeout | None = None
    """How long the forward work of a Task may take; default: no limit."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    """How many steps of one Task run at once at most; default: no limit."""
    identity_strategy: IdentityStrategy = IdentityStrategy.ALWAYS_UNIQUE
    """Which Tasks are the same request, of which only the first runs. AlwaysUnique: none. Strict: those of one
    version with the same context. CallerProvided: those with the same spec.idempotencyKey."""
    lifecycle: LifecycleSpec | None = None
    """How long a Task may wait before it counts as stale."""
    defaults: StepDefaults | None = None
    """What holds for all steps that do not say otherwise."""
    environments: Environments | None = None
    """What is different where the operator runs for an environment of this name."""
    steps: Annotated[
        tuple[StepSpec, ...], Field(min_length=1, max_length=MAX_STEPS, json_schema_extra=list_map("name"))
    ]
    """The steps, in any order: dependsOn and runAfter say which comes first."""
    finally_: Annotated[FinallySteps | None, Field(alias="finally")] = None
    """Steps that run last, after compensation, whatever the outcome, if any step was ever started."""
