"""What an attempt of a step runs: a template's step and defaults, boiled down to one container.

The Kubernetes half of a template, beside the engine's half made by ``compile``. Called by the runtime when it
builds a Job and when it reads what the Job's container left behind, and by the local engine for its processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubesaga.api.constants import COMPENSATION_METHOD
from kubesaga.api.durations import parse_duration
from kubesaga.api.merge import merged_list, merged_pod, merged_resources
from kubesaga.api.models import (
    CompensationSpec,
    ContainerProgram,
    HandlerProgram,
    ProgramStep,
    StepDefaults,
    StepSpec,
    TaskTemplateSpec,
)
from kubesaga.engine.vocabulary import Role

_NOTHING = StepDefaults()


class ProgramKind(StrEnum):
    """By which contract the program runs."""

    HANDLER = "handler"
    """Python on the SDK: must leave a result document."""
    CONTAINER = "container"
    """Anything: the exit code counts, a result document is optional."""


class ProgramError(ValueError):
    """The template has no such program; the message says what is missing. Findings and the plan rule this out
    beforehand."""


@dataclass(frozen=True, slots=True)
class Program:
    """One container, as the template describes it. Mappings are plain JSON values under Kubernetes' names.

    ``callable``, ``method`` and ``config`` are set for a handler, ``command`` and ``args`` may be for a
    container. ``timeout_seconds`` limits one attempt from the start of its pod; None = no limit. ``pod``
    holds the settings of ``PodSettings``.
    """

    kind: ProgramKind
    image: str
    callable: str | None = None
    method: str | None = None
    config: Mapping[str, Any] | None = None
    image_pull_policy: str | None = None
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[Mapping[str, Any], ...] = ()
    env_from: tuple[Mapping[str, Any], ...] = ()
    volume_mounts: tuple[Mapping[str, Any], ...] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float | None = None


def step_program(spec: TaskTemplateSpec, step_name: str, role: Role) -> Program:
    """What the step, of the workflow or of ``finally``, runs in this role. Raises ProgramError."""
    steps: tuple[ProgramStep, ...] = (*spec.steps, *(spec.finally_ or ()))
    step = next((step for step in steps if step.name == step_name), None)
    if step is None:
        raise ProgramError(f"the template has no step {step_name!r}")
    defaults = spec.defaults or _NOTHING
    if role is Role.FORWARD:
        written, timeout = _forward(step), step.timeout
    else:
        declared = _declared_compensation(step)
        written, timeout = _compensation(step, declared), declared.timeout
    timeout = timeout or defaults.timeout
    image = written.image or defaults.image
    if not image:
        raise ProgramError(f"step {step_name!r} has no image, and neither have the template's defaults")
    container = None if isinstance(written, HandlerProgram) else written
    handler = written if isinstance(written, HandlerProgram) else None
    return Program(
        kind=ProgramKind.HANDLER if handler else ProgramKind.CONTAINER,
        image=image,
        callable=handler.callable if handler else None,
        method=handler.method if handler else None,
        config=handler.config if handler else None,
        image_pull_policy=(container.image_pull_policy if container else None) or defaults.image_pull_policy,
        command=container.command if container else None,
        args=container.args if container else None,
        env=merged_list("name", defaults.env, written.env),
        env_from=(*(defaults.env_from or ()), *((container.env_from if container else None) or ())),
        volume_mounts=merged_list("mountPath", defaults.volume_mounts, container.volume_mounts if container else None),
        resources=merged_resources(defaults.resources, step.resources),
        pod=merged_pod(defaults.pod, step.pod),
        timeout_seconds=parse_duration(timeout) if timeout else None,
    )


def _forward(step: ProgramStep) -> HandlerProgram | ContainerProgram:
    program = step.handler or step.container
    if program is not None:
        return program
    if isinstance(step, StepSpec) and step.task is not None:
        raise ProgramError(f"step {step.name!r} is a sub-workflow: its work is done by a child Task, not by a program")
    if isinstance(step, StepSpec) and step.approval is not None:
        raise ProgramError(f"step {step.name!r} is an approval: it waits for a TaskAction and runs no program")
    raise ProgramError(f"step {step.name!r} has neither a handler nor a container")


def _declared_compensation(step: ProgramStep) -> CompensationSpec:
    declared = step.compensation if isinstance(step, StepSpec) else None
    if declared is None:
        raise ProgramError(f"step {step.name!r} has no compensation")
    return declared


def _compensation(step: ProgramStep, declared: CompensationSpec) -> HandlerProgram | ContainerProgram:
    own = step.handler
    handler = declared.handler
    if declared.container is not None:
        return declared.container
    if handler is None:
        if own is None:
            raise ProgramError(
                f"the compensation of step {step.name!r} has no program: only that of a handler step has one by itself"
            )
        return own.model_copy(update={"method": COMPENSATION_METHOD})
    if handler.image is None and own is not None:
        return handler.model_copy(update={"image": own.image})
    return handler
