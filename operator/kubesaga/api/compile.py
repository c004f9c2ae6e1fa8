"""From a TaskTemplate to what runs: the engine's Plan, and the content that a revision pins.

Called by the runtime when a template changes and when a revision is read back. What an attempt's container
looks like is the business of ``programs``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import DEFAULT_START_TIMEOUT
from kubesaga.api.durations import format_duration, parse_duration
from kubesaga.api.input_schema import input_check
from kubesaga.api.merge import merged_retry
from kubesaga.api.models import RetrySettings, StepDefaults, StepSpec, TaskTemplateSpec
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step, accept_any_input

_NOTHING = StepDefaults()


def compile_plan(spec: TaskTemplateSpec) -> Plan:
    """The engine's view of a template.

    Raises InvalidSchemaError; a graph that is none is found when the plan is used. Findings rule both out.
    """
    return Plan(
        steps=tuple(_step(step, spec.defaults or _NOTHING) for step in spec.steps),
        failure_strategy=spec.failure_strategy,
        running_steps=spec.running_steps,
        blocked_timeout=parse_duration(spec.blocked_timeout),
        timeout=parse_duration(spec.timeout) if spec.timeout else None,
        parallelism=spec.parallelism,
        check_input=accept_any_input if spec.input_schema is None else input_check(spec.input_schema),
    )


def effective_template(
    spec: Mapping[str, Any], *, name: str | None = None, default_image: str | None = None
) -> dict[str, Any]:
    """The content to pin: a valid spec, as plain JSON values, that says everything its Tasks need.

    The built-in defaults are written out, so that a later release with other ones changes nothing for a Task
    that has started. ``name`` (the object's metadata.name) and ``default_image`` (the operator's) stand in
    where the spec says nothing. Raises pydantic.ValidationError for a spec whose shape has findings.
    """
    template = TaskTemplateSpec.read(spec)
    given = template.defaults or _NOTHING
    defaults = given.model_copy(
        update={
            "image": given.image or default_image,
            "retry": _written_out(merged_retry(None, given.retry)),
            "start_timeout": given.start_timeout or DEFAULT_START_TIMEOUT,
        }
    )
    return template.model_copy(update={"name": template.name or name, "defaults": defaults}).write()


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON: the order of keys makes no difference."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _written_out(policy: RetryPolicy) -> RetrySettings:
    return RetrySettings.model_validate(
        {
            "maxAttempts": policy.max_attempts,
            "backoff": policy.backoff,
            "initialInterval": format_duration(policy.initial_interval),
            "factor": policy.factor,
            "maxInterval": format_duration(policy.max_interval),
            "jitter": policy.jitter,
        }
    )


def _step(step: StepSpec, defaults: StepDefaults) -> Step:
    start_timeout = parse_duration(step.start_timeout or defaults.start_timeout or DEFAULT_START_TIMEOUT)
    compensation = None
    if step.compensation is not None:
        compensation = Compensation(
            when=step.compensation.when,
            retry=merged_retry(defaults.retry, step.compensation.retry),
            start_timeout=start_timeout,
        )
    return Step(
        name=step.name,
        depends_on=step.depends_on or (),
        run_after=step.run_after or (),
        retry=merged_retry(defaults.retry, step.retry),
        start_timeout=start_timeout,
        continue_on_error=step.continue_on_error,
        priority=step.priority,
        compensation=compensation,
    )
