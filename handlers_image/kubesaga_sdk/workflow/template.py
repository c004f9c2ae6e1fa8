"""From a workflow written in Python to its TaskTemplate. Called by `Definition.to_template`."""

from __future__ import annotations

import re
from typing import Any

from kubesaga_sdk import json_value
from kubesaga_sdk.contract import API_VERSION
from kubesaga_sdk.workflow.definition import LOGICAL_NAME, Definition, Doc, FailureStrategy, StepDefinition
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.retry import RetryPolicy, check_limit

_UNSAID = RetryPolicy()
_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII)
_LONGEST_VERSION = 63
_SHORTEST_TIMEOUT = 1.0


def template(definition: Definition[Any], image: str | None) -> Doc:
    """The TaskTemplate as plain JSON values. Raises NoImportPath, WorkflowError."""
    _check_identity(definition)
    if fault := json_value.fault(definition.input_schema, "input_schema"):
        raise WorkflowError(f"{definition.name}: {fault}")
    steps = [_step(definition, step) for step in definition.steps()]
    output = definition.output
    name = definition.name.replace("_", "-")
    spec = _present(
        domain=None if definition.domain == "default" else definition.domain,
        name=None if definition.name == name else definition.name,
        version=definition.version,
        description=definition.description or None,
        failureStrategy=_unless(FailureStrategy.ABORT, definition.failure_strategy),
        timeout=_limit(definition.timeout, f"the timeout of {definition.name}"),
        inputSchema=definition.input_schema,
        output=None if output is None else f"steps.{output}.result",
        defaults=None if image is None else {"image": image},
        steps=steps,
    )
    return {"apiVersion": API_VERSION, "kind": "TaskTemplate", "metadata": {"name": name}, "spec": spec}


def duration(seconds: float | None) -> str | None:
    """Seconds as a template writes them, to the millisecond: 90 is `90s`, 0.5 is `500ms`, 1.5 is `1s500ms`."""
    if seconds is None:
        return None
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{whole}s{rest}ms" if whole and rest else f"{rest}ms" if rest else f"{whole}s"


def _check_identity(definition: Definition[Any]) -> None:
    version, domain = str(definition.version), str(definition.domain)
    if not _VERSION.fullmatch(version) or len(version) > _LONGEST_VERSION:
        raise WorkflowError(
            f"the version of {definition.name} is {version!r}: a template's is three numbers, such as 1.0.0, with a "
            "pre-release such as 1.1.0-rc.1 at most"
        )
    if not LOGICAL_NAME.fullmatch(domain):
        raise WorkflowError(
            f"the domain of {definition.name} is {domain!r}: a template's has letters a to z, digits, - and _, a "
            "letter first, and at most 63 characters"
        )


def _limit(seconds: float | None, name: str) -> str | None:
    """A limit of time as a template writes it. Raises WorkflowError for one that a cluster cannot keep."""
    check_limit(seconds, name)
    if seconds is not None and seconds < _SHORTEST_TIMEOUT:
        raise WorkflowError(f"{name} is {seconds:g} seconds; on a cluster, where a pod is stopped, it is at least 1")
    return duration(seconds)


def _step(definition: Definition[Any], step: StepDefinition) -> Doc:
    return _present(
        name=step.name,
        description=step.description or None,
        dependsOn=list(step.depends_on) or None,
        runAfter=list(step.run_after) or None,
        handler=definition.handler(step),
        timeout=_limit(step.timeout, f"the timeout of step {step.name}"),
        retry=_retry(step.retry, f"step {step.name}"),
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
        retry=_retry(step.undo_retry, f"the undo of step {step.name}"),
    )


def _retry(policy: RetryPolicy, of: str) -> Doc | None:
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
        maxDuration=_limit(policy.max_duration, f"max_duration of {of}"),
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
