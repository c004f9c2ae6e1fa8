"""What a template does differently in the operator's environment, put into its steps.

Called by ``compile`` before a revision is pinned: a Task never sees another environment's settings, nor any change of
the operator's environment after it has started.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from kubesaga.api.constants import ALL_STEPS
from kubesaga.api.merge import deep_merged, merged_settings
from kubesaga.api.models import ProgramStep, StepOverride, TaskTemplateSpec

_Step = TypeVar("_Step", bound=ProgramStep)


def in_environment(template: TaskTemplateSpec, environment: str | None) -> TaskTemplateSpec:
    """The template with the overrides of this environment in its steps, and without ``environments``.

    None, or one that the template does not name: nothing is different. What is said of a step by its name goes over
    what is said of ALL.
    """
    overrides = template.environments.get(environment) if template.environments and environment else None
    changes: dict[str, object] = {"environments": None}
    if overrides is not None:
        # ALL first, so that the others go over it.
        ordered = sorted(overrides.steps, key=lambda override: override.name != ALL_STEPS)
        changes["steps"] = _overridden(template.steps, ordered)
        if template.finally_ is not None:
            changes["finally_"] = _overridden(template.finally_, ordered)
    return template.model_copy(update=changes)


def _overridden(steps: Iterable[_Step], overrides: list[StepOverride]) -> tuple[_Step, ...]:
    changed = []
    for step in steps:
        for override in overrides:
            if override.name == step.name or (override.name == ALL_STEPS and (step.handler or step.container)):
                step = _with(step, override)  # noqa: PLW2901
        changed.append(step)
    return tuple(changed)


def _with(step: _Step, override: StepOverride) -> _Step:
    changes: dict[str, object] = {}
    if override.retry is not None:
        changes["retry"] = merged_settings(step.retry, override.retry)
    if override.timeout is not None:
        changes["timeout"] = override.timeout
    if step.handler is not None and override.handler is not None and override.handler.config is not None:
        config = deep_merged(step.handler.config or {}, override.handler.config)
        changes["handler"] = step.handler.model_copy(update={"config": config})
    return step.model_copy(update=changes)
