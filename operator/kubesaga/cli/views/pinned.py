"""What a Task's pinned template says about it: the plan, and the limits that the plan leaves to Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import Role


@dataclass(frozen=True)
class Pinned:
    """A template revision, read; ``timeouts`` of one attempt, in seconds, by step and role."""

    plan: Plan
    timeouts: Mapping[tuple[str, Role], float]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Pinned | None:
        """Compile recorded content; None for what another version of Kubesaga wrote and this one cannot read."""
        from kubesaga.api.compile import compile_plan
        from kubesaga.api.models import TaskTemplateSpec
        from kubesaga.api.programs import step_program

        try:
            spec = TaskTemplateSpec.read(content)
            plan = compile_plan(spec)
            limits = {key: step_program(spec, *key).timeout_seconds for key in plan.programs()}
        except (ValueError, TypeError):
            return None
        return cls(plan, {key: limit for key, limit in limits.items() if limit is not None})
