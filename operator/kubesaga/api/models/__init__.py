"""What a user writes and what the operator writes back, as pydantic models.

The one source of the CRDs and of the editors' schemas: a docstring here is what ``kubectl explain`` prints.
"""

from __future__ import annotations

from kubesaga.api.models.kubernetes import EnvVar, PodSettings, Resources
from kubesaga.api.models.steps import (
    CompensationSpec,
    ContainerProgram,
    HandlerProgram,
    RetrySettings,
    StepSpec,
)
from kubesaga.api.models.task import TaskSpec, TemplateRef
from kubesaga.api.models.template import StepDefaults, TaskTemplateSpec

__all__ = [
    "CompensationSpec",
    "ContainerProgram",
    "EnvVar",
    "HandlerProgram",
    "PodSettings",
    "Resources",
    "RetrySettings",
    "StepDefaults",
    "StepSpec",
    "TaskSpec",
    "TaskTemplateSpec",
    "TemplateRef",
]
