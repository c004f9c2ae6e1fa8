"""What an expression of a template sees: the context, the steps before it, and the Task.

Built for ``when`` and ``contextFrom`` by the forward policies, for ``output`` at the end, and by the runtime when it
creates a child Task. The same records always give the same scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.engine.plan import ExpressionError, Plan, Scope
from kubesaga.engine.records import ResultRef, StepRecord, TaskStatus
from kubesaga.engine.snapshot import Lost, MissingValues


def resolve(values: Iterable[Any], known: Mapping[str, Any]) -> list[Any]:
    """The values, with what ResultRefs stand for in their place.

    Raises MissingValues for all that are not known, ExpressionError for one that is lost.
    """
    listed = list(values)
    missing = frozenset(v.name for v in listed if isinstance(v, ResultRef) and v.name not in known)
    if missing:
        raise MissingValues(missing)
    resolved = [known[value.name] if isinstance(value, ResultRef) else value for value in listed]
    for value in resolved:
        if isinstance(value, Lost):
            raise ExpressionError(value.message)
    return resolved


def scope(
    plan: Plan,
    status: TaskStatus,
    step: int | None,
    *,
    context: Mapping[str, Any],
    about: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Scope:
    """The scope of a step's expressions, or (None) that of the Task's output. Raises MissingValues."""
    return scope_of_steps(plan, status.steps, step, context=context, about=about, values=values)


def scope_of_steps(
    plan: Plan,
    records: tuple[StepRecord, ...] | list[StepRecord],
    step: int | None,
    *,
    context: Mapping[str, Any],
    about: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Scope:
    """As ``scope``, over step records that are not written yet; only the steps that the expressions mention."""
    visible = list(plan.forward) if step is None else plan.ancestors(step)
    reads = plan.output_reads if step is None else plan.steps[step].reads
    if reads is not None:
        visible = [i for i in visible if records[i].name in reads]
    results = resolve((records[i].result for i in visible), values)
    return {
        "context": context,
        "steps": {records[i].name: _view(records[i], result) for i, result in zip(visible, results, strict=True)},
        "task": about,
    }


def _view(record: StepRecord, result: Any) -> dict[str, Any]:
    error = record.error
    return {
        "result": result,
        "state": str(record.state),
        "outcome": str(record.outcome) if record.outcome else None,
        "error": {"type": error.type, "code": error.code, "message": error.message} if error else None,
        "metadata": dict(record.metadata or {}),
    }
