"""A step: what it runs, what it waits for, and how it is retried and undone."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import DEFAULT_METHOD, MAX_ATTEMPTS, MAX_DEPENDENCIES
from kubesaga.api.models.base import Duration, FreeObject, Model, StepName, Text, Timeout, cel
from kubesaga.api.models.kubernetes import Env, EnvFrom, PodSettings, Resources, VolumeMounts
from kubesaga.engine.vocabulary import Backoff, CompensationWhen, Jitter

CALLABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*[.:][A-Za-z_][A-Za-z0-9_]*$"
METHOD_PATTERN = "^[A-Za-z][A-Za-z0-9_]*$"
_CALLABLE = re.compile(CALLABLE_PATTERN)


class ImagePullPolicy(StrEnum):
    """When the node fetches the image, as in a pod."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


def _check_callable(text: str) -> str:
    if not _CALLABLE.fullmatch(text):
        raise PydanticCustomError(
            "InvalidCallable",
            "{text} does not name a callable",
            {
                "text": repr(text[:100]),
                "remedy": "write package.module:Class or package.module.Class, as Python would import it",
            },
        )
    return text


Callable = Annotated[
    str,
    Field(max_length=253, json_schema_extra={"pattern": CALLABLE_PATTERN}),
    AfterValidator(_check_callable),
]
Image = Annotated[str, Field(min_length=1, max_length=512)]
Arguments = Annotated[tuple[Annotated[str, Field(max_length=32768)], ...], Field(max_length=128)]
Dependencies = Annotated[tuple[StepName, ...], Field(max_length=MAX_DEPENDENCIES)]


class RetrySettings(Model):
    """When a failed attempt is tried again. What is absent here comes from the defaults."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """Attempts in total, the first included; 3 if neither the step nor the defaults say."""
    backoff: Backoff | None = None
    """How the delay grows from retry to retry; Exponential if neither the step nor the defaults say."""
    initial_interval: Duration | None = None
    """Delay before the second attempt; 1s if neither the step nor the defaults say."""
    factor: Annotated[float, Field(ge=1, le=100)] | None = None
    """By how much an Exponential delay grows each time; 2 if neither the step nor the defaults say."""
    max_interval: Duration | None = None
    """No delay is longer; 30s if neither the step nor the defaults say."""
    jitter: Jitter | None = None
    """How much of the delay is random: None (the default), Full, or Equal (its second half)."""


class HandlerProgram(Model):
    """Python code in an image that has the Kubesaga SDK."""

    callable: Callable
    """package.module:Class or package.module.Class."""
    method: Annotated[str, Field(pattern=METHOD_PATTERN, max_length=128)] = DEFAULT_METHOD
    """The method that runs."""
    config: FreeObject | None = None
    """Settings for the handler."""
    image: Image | None = None
    """Default: the template's; for a compensation first the step's own handler image."""
    env: Env | None = None
    """Environment, merged by name over the template's."""


class ContainerProgram(Model):
    """Any program: exit code 0 is success, 64 to 78 a permanent failure, anything else a retryable one."""

    image: Image | None = None
    """Default: the template's."""
    image_pull_policy: ImagePullPolicy | None = None
    """Default: the template's."""
    command: Arguments | None = None
    """Instead of the image's entry point."""
    args: Arguments | None = None
    """Arguments of the command."""
    env: Env | None = None
    """Environment, merged by name over the template's."""
    env_from: EnvFrom | None = None
    """Sources of environment, as in a pod, after the template's."""
    volume_mounts: VolumeMounts | None = None
    """Merged by mountPath over the template's."""


_ONE_OF = "handler and container exclude each other"


class CompensationSpec(Model):
    """How the step's work is undone. Empty: the step's own handler, by its method `compensate`."""

    model_config = ConfigDict(
        json_schema_extra={
            **cel(("!(has(self.handler) && has(self.container))", _ONE_OF)),
            "not": {"required": ["handler", "container"]},
        }
    )

    handler: HandlerProgram | None = None
    """Another handler."""
    container: ContainerProgram | None = None
    """Any program."""
    when: CompensationWhen = CompensationWhen.STARTED
    """Started: once any attempt was enqueued. Succeeded: unless the step reported that it failed."""
    retry: RetrySettings | None = None
    """The compensation's own retries, over the defaults."""
    timeout: Timeout | None = None
    """Of one attempt, from the start of its pod; default: the template's."""


class StepSpec(Model):
    """One step of the workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            **cel(
                ("has(self.handler) != has(self.container)", "a step has either a handler or a container"),
                (
                    "!has(self.compensation) || has(self.handler) || has(self.compensation.handler)"
                    " || has(self.compensation.container)",
                    "nothing undoes a container step: give its compensation a handler or a container",
                ),
            ),
            "oneOf": [{"required": ["handler"]}, {"required": ["container"]}],
        }
    )

    name: StepName
    """Unique in the template, snake_case, at most 40 characters."""
    description: Text | None = None
    """For readers."""
    depends_on: Dependencies | None = None
    """Steps that must be done before this one starts; it sees their results and those of all before them."""
    run_after: Dependencies | None = None
    """Steps that must be over, in whatever way, before this one starts. No failure spreads along it."""
    handler: HandlerProgram | None = None
    """What the step runs: Python code on the Kubesaga SDK."""
    container: ContainerProgram | None = None
    """What the step runs: any program."""
    retry: RetrySettings | None = None
    """When a failed attempt is tried again, over the defaults."""
    timeout: Timeout | None = None
    """Of one attempt, from the start of its pod; default: the template's."""
    start_timeout: Timeout | None = None
    """How long an attempt may take from being enqueued to running; default: the template's, else 10m."""
    continue_on_error: bool = False
    """A failure of this step does not fail the Task: those that depend on it start all the same."""
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Higher starts first where parallelism sets a limit."""
    resources: Resources | None = None
    """What the container needs and gets; requests and limits merged by name over the template's."""
    pod: PodSettings | None = None
    """How the pod is placed and what it may use, over the template's."""
    compensation: CompensationSpec | None = None
    """How the step's work is undone if the Task fails under failureStrategy Compensate."""
