"""What is wrong with a template's lifecycle."""

from __future__ import annotations

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, an_object, has
from kubesaga.api.models import LifecycleSpec
from kubesaga.engine.vocabulary import StaleAction

_LIMITS = [field.alias or name for name, field in LifecycleSpec.model_fields.items() if name != "action"]


def lifecycle_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about ``lifecycle``."""
    lifecycle = an_object(spec, "lifecycle")
    # Mark is the default: the API server writes it into a lifecycle that says nothing.
    if lifecycle.get("action") != StaleAction.FAIL or any(has(lifecycle, limit) for limit in _LIMITS):
        return []
    return [
        finding(
            Code.FIELD_WITHOUT_EFFECT,
            f"{path}.lifecycle.action",
            "has no effect: there is no limit that a Task could pass",
            f"set one of {', '.join(_LIMITS)}, or remove it",
        )
    ]
