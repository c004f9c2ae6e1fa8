"""From a workflow written in Python to the engine's plan, the same that the operator compiles from its template.

Called by `Definition.to_plan`. The engine is imported here and by the runners' modules only, when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubesaga_sdk.workflow.definition import Definition, StepDefinition
from kubesaga_sdk.workflow.errors import EngineMissing
from kubesaga_sdk.workflow.retry import RetryPolicy

if TYPE_CHECKING:
    from kubesaga.engine import plan as engine


def need_engine() -> None:
    """Raise EngineMissing where the engine is not installed."""
    try:
        import kubesaga.engine  # noqa: F401
    except ImportError as error:
        raise EngineMissing(
            "to run a workflow in this process, the engine is needed: pip install kubesaga-engine"
        ) from error


def plan(definition: Definition[Any]) -> engine.Plan:
    """The engine's plan. Raises EngineMissing, WorkflowError."""
    need_engine()
    from kubesaga.engine import plan as engine
    from kubesaga.engine import vocabulary

    steps = tuple(_step(step) for step in definition.steps())
    output = definition.output
    return engine.Plan(
        steps=steps,
        failure_strategy=vocabulary.FailureStrategy(definition.failure_strategy.value),
        timeout=_rounded(definition.timeout),
        domain=definition.domain,
        name=definition.name,
        output=None if output is None else lambda scope: scope["steps"][output]["result"],
        output_reads=None if output is None else frozenset({output}),
    )


def _step(step: StepDefinition) -> engine.Step:
    from kubesaga.engine import plan as engine
    from kubesaga.engine import vocabulary

    undo = None
    if step.undo is not None:
        undo = engine.Compensation(when=vocabulary.CompensationWhen.SUCCEEDED, retry=_policy(step.undo_retry))
    return engine.Step(
        step.name,
        depends_on=step.depends_on,
        run_after=step.run_after,
        retry=_policy(step.retry),
        skippable=step.skippable,
        compensation=undo,
    )


def _policy(policy: RetryPolicy) -> engine.RetryPolicy:
    from kubesaga.engine import plan as engine
    from kubesaga.engine import vocabulary

    actions = {True: vocabulary.RuleAction.RETRY, False: vocabulary.RuleAction.FAIL}
    return engine.RetryPolicy(
        max_attempts=policy.max_attempts,
        backoff=vocabulary.Backoff(policy.backoff.value),
        initial_interval=round(policy.delay, 3),
        factor=policy.factor,
        max_interval=round(policy.max_delay, 3),
        jitter=vocabulary.Jitter(policy.jitter.value),
        max_duration=_rounded(policy.max_duration),
        rules=tuple(engine.RetryRule(actions[again], types=names) for names, again in policy.rules()),
    )


def _rounded(seconds: float | None) -> float | None:
    """To the millisecond, as a template has it."""
    return None if seconds is None else round(seconds, 3)
