"""From a workflow written in Python to its TaskTemplate. Called by `Definition.to_template`."""

from __future__ import annotations

from typing import Any

from kubesaga_sdk.contract import API_VERSION
from kubesaga_sdk.workflow.definition import Definition, Doc, FailureStrategy, StepDefinition
from kubesaga_sdk.workflow.retry import RetryPolicy

_UNSAID = RetryPolicy()


def template(definition: Definition[Any], image: str | None) -> Doc:
    """The TaskTemplate as plain JSON values. Raises NoImportPath, WorkflowError."""
    steps = [_step(definition, step) for step in definition.steps()]
    output = definition.output
    name = definition.name.replace("_", "-")
    spec = _present(
        domain=None if definition.domain == "default" else definition.domain,
        name=None if definition.name == name else definition.name,
        version=definition.version,
        description=definition.description or None,
        failureStrategy=_unless(FailureStrategy.ABORT, definition.failure_strategy),
        timeout=duration(definition.timeout),
        inputSchema=definition.input_schema,
        output=None if output is None else f"steps.{output}.result",
        defaults=None if image is None else {"image": image},
        steps=steps,
    )
    return {"apiVersion": API_VERSION, "kind": "TaskTemplate", "metadata": {"name": name}, "spec": spec}


def duration(seconds: float | None) -> str | None:
    """Seconds as a template writes them, to the millisecond: 90 is `90s`, 0.5 is `500ms`."""
    if seconds is None:
        return None
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _step(definition: Definition[Any], step: StepDefinition) -> Doc:
    return _present(
        name=step.name,
        description=step.description or None,
        dependsOn=list(step.depends_on) or None,
        runAfter=list(step.run_after) or None,
        handler=definition.handler(step),
        timeout=duration(step.timeout),
        retry=_retry(step.retry),
        skippable=step.skippable or None,
        compensation=_compensation(definition, step),
    )


def _compensation(definition: Definition[Any], step: StepDefinition) -> Doc | None:
    if step.undo is None:
        return None
    return _present(
        when="Succeeded",
        **definition.compensation(step),
        timeout=duration(step.timeout),
        retry=_retry(step.undo_retry),
    )


def _retry(policy: RetryPolicy) -> Doc | None:
    """What differs from what the operator takes unless said, and always the number of attempts."""
    rules = [
        {"onErrorTypes": list(names), "action": "Retry" if tried_again else "Fail"}
        for names, tried_again in policy.rules()
    ]
    found = _present(
        backoff=_unless(_UNSAID.backoff, policy.backoff),
        initialInterval=_unless(duration(_UNSAID.delay), duration(policy.delay)),
        factor=_unless(_UNSAID.factor, policy.factor),
        maxInterval=_unless(duration(_UNSAID.max_delay), duration(policy.max_delay)),
        jitter=_unless(_UNSAID.jitter, policy.jitter),
        maxDuration=duration(policy.max_duration),
        rules=rules or None,
    )
    return {"maxAttempts": policy.max_attempts, **found}


def _unless(unsaid: Any, value: Any) -> Any:
    """None for what holds unless said; a word's plain text."""
    if value == unsaid:
        return None
    return str(value) if isinstance(value, str) else value


def _present(**fields: Any) -> Doc:
    return {name: value for name, value in fields.items() if value is not None}
