"""What a user writes and what the operator writes back, as pydantic models.

The one source of the CRDs and of the editors' schemas: a docstring here is what ``kubectl explain`` prints.
"""

from __future__ import annotations

from kubesaga.api.models.action import TaskActionSpec, TaskReference
from kubesaga.api.models.environments import EnvironmentSpec, HandlerOverride, StepOverride
from kubesaga.api.models.kubernetes import EnvVar, PodSettings, Resources
from kubesaga.api.models.lifecycle import LifecycleSpec
from kubesaga.api.models.programs import ContainerProgram, HandlerProgram
from kubesaga.api.models.reference import TemplateRef
from kubesaga.api.models.retry import RetryRule, RetrySettings
from kubesaga.api.models.steps import (
    ApprovalSpec,
    ChildTaskSpec,
    CompensationSpec,
    FinallyStepSpec,
    ProgramStep,
    StepSpec,
)
from kubesaga.api.models.task import CancellationSpec, TaskSpec
from kubesaga.api.models.template import StepDefaults, TaskTemplateSpec

__all__ = [
    "ApprovalSpec",
    "CancellationSpec",
    "ChildTaskSpec",
    "CompensationSpec",
    "ContainerProgram",
    "EnvVar",
    "EnvironmentSpec",
    "FinallyStepSpec",
    "HandlerOverride",
    "HandlerProgram",
    "LifecycleSpec",
    "PodSettings",
    "ProgramStep",
    "Resources",
    "RetryRule",
    "RetrySettings",
    "StepDefaults",
    "StepOverride",
    "StepSpec",
    "TaskActionSpec",
    "TaskReference",
    "TaskSpec",
    "TaskTemplateSpec",
    "TemplateRef",
]
