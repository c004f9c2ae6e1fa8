"""What is wrong with a TaskAction, whatever the Task."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, has
from kubesaga.api.models.action import WITH_RESULT, WITH_STEP, WITHOUT_STEP
from kubesaga.engine.vocabulary import ActionType


def action_findings(spec: Raw, path: str) -> Iterator[Finding]:
    """Findings about what goes with which type.

    The API server's rules say the same, except of ``result``: they cannot see a field that may be anything.
    """
    type_ = spec.get("type")
    if type_ not in list(ActionType):  # It may be anything, also what no set could hold.
        return
    if type_ in WITH_STEP and not has(spec, "step"):
        yield finding(Code.INVALID_ACTION, f"{path}.step", f"is required for {type_}", "name the step that is meant")
    if type_ in WITHOUT_STEP and has(spec, "step"):
        message = f"cannot go with {type_}, which is about the whole Task"
        yield finding(Code.INVALID_ACTION, f"{path}.step", message, "remove it")
    if has(spec, "expectedAttempt") and not has(spec, "step"):
        message = "cannot be without a step: only a step has attempts"
        yield finding(Code.INVALID_ACTION, f"{path}.expectedAttempt", message, "name the step, or remove it")
    if "result" in spec and type_ not in WITH_RESULT:
        message = f"cannot go with {type_}"
        remedy = f"remove it: a result goes with {', '.join(WITH_RESULT)}"
        yield finding(Code.INVALID_ACTION, f"{path}.result", message, remedy)
