"""From a TaskTemplate to what runs: the engine's Plan, and the content that a revision pins.

Called by the runtime when a template changes and when a revision is read back, by the local engine, and by the pages of
the CLI that tell of a Task's template. What an attempt's container looks like is the business of ``programs``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kubesaga.api.constants import DEFAULT_START_TIMEOUT
from kubesaga.api.durations import format_duration, parse_duration
from kubesaga.api.environments import in_environment
from kubesaga.api.expressions import Condition, Expression, compile_condition, compile_expression
from kubesaga.api.input_schema import input_check, schema_check
from kubesaga.api.merge import deep_merged, merged_retry
from kubesaga.api.models import (
    ApprovalSpec,
    ChildTaskSpec,
    LifecycleSpec,
    ProgramStep,
    RetrySettings,
    StepDefaults,
    StepSpec,
    TaskTemplateSpec,
)
from kubesaga.engine.plan import (
    Approval,
    ChildTask,
    Compensation,
    Lifecycle,
    Plan,
    RetryPolicy,
    Scope,
    Step,
    accept_any_input,
)
from kubesaga.engine.vocabulary import StepKind, TaskState

_NOTHING = StepDefaults()
# What is not tried again unless the step itself says so: to retry a sub-workflow is to reopen all of it.
_ONCE = RetrySettings.read({"maxAttempts": 1})
_WATCHED_STATES = {
    TaskState.WAITING_FOR_DEPENDENCIES: "waiting_for_dependencies",
    TaskState.WAITING_FOR_RETRY: "waiting_for_retry",
    TaskState.STEPS_IN_PROCESS: "steps_in_process",
    TaskState.BLOCKED_BY_FAILURES: "blocked_by_failures",
    TaskState.COMPENSATING: "compensating",
}


def compile_plan(spec: TaskTemplateSpec) -> Plan:
    """The engine's view of a template.

    Raises InvalidSchemaError and InvalidExpression; a graph that is none is found when the plan is used. Findings rule
    all of them out.
    """
    defaults = spec.defaults or _NOTHING
    forward = (_step(step, defaults) for step in spec.steps)
    finals = (replace(_common(step, defaults), final=True) for step in spec.finally_ or ())
    output = None if spec.output is None else compile_expression(spec.output)
    return Plan(
        steps=(*forward, *finals),
        failure_strategy=spec.failure_strategy,
        running_steps=spec.running_steps,
        blocked_timeout=parse_duration(spec.blocked_timeout),
        timeout=_seconds(spec.timeout),
        parallelism=spec.parallelism,
        domain=spec.domain,
        name=spec.name or "",
        output=output,
        output_reads=output.steps if output else None,
        check_output=None if spec.output_schema is None else schema_check(spec.output_schema, "outputSchema"),
        identity=spec.identity_strategy,
        lifecycle=_lifecycle(spec.lifecycle),
        check_input=accept_any_input if spec.input_schema is None else input_check(spec.input_schema),
    )


def effective_template(
    spec: Mapping[str, Any],
    *,
    name: str | None = None,
    default_image: str | None = None,
    environment: str | None = None,
) -> dict[str, Any]:
    """The content to pin: a valid spec, as plain JSON values, that says everything its Tasks need.

    The built-in defaults are written out, so that a later release with other ones changes nothing for a Task
    that has started; what is different in ``environment`` (the operator's) stands in the steps. ``name`` (the
    object's metadata.name) and ``default_image`` (the operator's) stand in where the spec says nothing. Raises
    pydantic.ValidationError for a spec whose shape has findings.
    """
    template = in_environment(TaskTemplateSpec.read(spec), environment)
    given = template.defaults or _NOTHING
    defaults = given.model_copy(
        update={
            "image": given.image or default_image,
            "retry": _written_out(merged_retry(None, given.retry), given.retry),
            "start_timeout": given.start_timeout or DEFAULT_START_TIMEOUT,
        }
    )
    return template.model_copy(update={"name": template.name or name, "defaults": defaults}).write()


def effective_context(template: TaskTemplateSpec, task_spec: Mapping[str, Any]) -> dict[str, Any]:
    """A Task's context: its own over the template's defaultContext, object by object."""
    return deep_merged(template.default_context or {}, task_spec.get("context") or {})


def effective_options(template: TaskTemplateSpec, task_spec: Mapping[str, Any]) -> dict[str, Any]:
    """A Task's options: its own over the template's defaultOptions, object by object."""
    return deep_merged(template.default_options or {}, task_spec.get("options") or {})


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON: the order of keys makes no difference."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _written_out(policy: RetryPolicy, given: RetrySettings | None) -> RetrySettings:
    written = {
        "maxAttempts": policy.max_attempts,
        "backoff": policy.backoff,
        "initialInterval": format_duration(policy.initial_interval),
        "factor": policy.factor,
        "maxInterval": format_duration(policy.max_interval),
        "jitter": policy.jitter,
    }
    # What is absent of these is not limited and has no rules in any release.
    if given is not None:
        written |= given.model_copy(update={"rules": given.rules or None}).model_dump(
            mode="json", by_alias=True, exclude_none=True, include={"max_duration", "rules"}
        )
    return RetrySettings.model_validate(written)


@dataclass(frozen=True, slots=True)
class ChildContext:
    """Makes a child Task's context: the values, and over them those of the expressions, object by object."""

    values: Mapping[str, Any]
    expressions: Mapping[str, Expression]

    def __call__(self, scope: Scope) -> dict[str, Any]:
        """Raises ExpressionError."""
        return deep_merged(self.values, {name: expression(scope) for name, expression in self.expressions.items()})


def _step(step: StepSpec, defaults: StepDefaults) -> Step:
    common = _common(step, defaults)
    child = None if step.task is None else _child(step.task)
    return replace(
        common,
        run_after=step.run_after or (),
        kind=_kind(step),
        retry=common.retry if _kind(step) is StepKind.PROGRAM else merged_retry(_ONCE, step.retry),
        continue_on_error=step.continue_on_error,
        skippable=step.skippable,
        priority=step.priority,
        check_result=None if step.result_schema is None else schema_check(step.result_schema, "resultSchema"),
        approval=None if step.approval is None else _approval(step.approval),
        child=child,
        reads=_reads(common.when, child),
        compensation=_compensation(step, defaults, common.start_timeout),
    )


def _common(step: ProgramStep, defaults: StepDefaults) -> Step:
    when = None if step.when is None else compile_condition(step.when)
    return Step(
        name=step.name,
        depends_on=step.depends_on or (),
        retry=merged_retry(defaults.retry, step.retry),
        start_timeout=parse_duration(step.start_timeout or defaults.start_timeout or DEFAULT_START_TIMEOUT),
        when=when,
        reads=_reads(when, None),
    )


def _reads(when: object, child: ChildTask | None) -> frozenset[str] | None:
    """The steps that a step's expressions mention; None = any."""
    expressions = [when.expression] if isinstance(when, Condition) else []
    if child is not None and isinstance(child.make_context, ChildContext):
        expressions += child.make_context.expressions.values()
    named = [expression.steps for expression in expressions]
    return None if not named or None in named else frozenset().union(*(names or () for names in named))


def _kind(step: StepSpec) -> StepKind:
    if step.task is not None:
        return StepKind.TASK
    return StepKind.PROGRAM if step.approval is None else StepKind.APPROVAL


def _approval(written: ApprovalSpec) -> Approval:
    return Approval(timeout=_seconds(written.timeout), on_timeout=written.on_timeout)


def _child(written: ChildTaskSpec) -> ChildTask:
    ref = written.template_ref
    expressions = {name: compile_expression(source) for name, source in (written.context_from or {}).items()}
    return ChildTask(ref.domain, ref.name, ref.version, ChildContext(written.context or {}, expressions))


def _compensation(step: StepSpec, defaults: StepDefaults, start_timeout: float) -> Compensation | None:
    written = step.compensation
    if step.task is not None and (written is None or not (written.handler or written.container)):
        # Without a program of its own a sub-workflow is undone by its child Task.
        own = Compensation() if written is None else Compensation(when=written.when)
        retry = merged_retry(_ONCE, written.retry if written else None)
        return replace(own, retry=retry, start_timeout=start_timeout, kind=StepKind.TASK)
    if written is None:
        return None
    return Compensation(
        when=written.when, retry=merged_retry(defaults.retry, written.retry), start_timeout=start_timeout
    )


def _lifecycle(written: LifecycleSpec | None) -> Lifecycle:
    if written is None:
        return Lifecycle()
    limits = {state: getattr(written, field) for state, field in _WATCHED_STATES.items()}
    return Lifecycle(
        limits={state: parse_duration(limit) for state, limit in limits.items() if limit is not None},
        total=_seconds(written.total),
        action=written.action,
    )


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else parse_duration(duration)
