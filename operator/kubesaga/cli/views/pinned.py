"""What a Task's pinned template says about it: the plan, and the limits that the plan leaves to Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import Role, StepKind


@dataclass(frozen=True)
class Pinned:
    """A template revision, read; ``timeouts`` of one attempt, in seconds, by step."""

    plan: Plan
    timeouts: Mapping[str, float]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Pinned | None:
        """Compile recorded content; None for what another version of Kubesaga wrote and this one cannot read."""
        from kubesaga.api.compile import compile_plan
        from kubesaga.api.models import TaskTemplateSpec
        from kubesaga.api.programs import step_program

        try:
            spec = TaskTemplateSpec.read(content)
            plan = compile_plan(spec)
            programs = {step.name for step in plan.steps if step.kind is StepKind.PROGRAM}
            limits = {name: step_program(spec, name, Role.FORWARD).timeout_seconds for name in programs}
        except (ValueError, TypeError):
            return None
        return cls(plan, {name: limit for name, limit in limits.items() if limit is not None})
