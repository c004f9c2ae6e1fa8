"""The step contract's input side: the document that a step's program gets to read.

Made when an attempt is launched, by the runtime's ``jobs`` and by the local engine. Everything in it is
recorded in the Task or its template, so that the same attempt always gets the same document.

The fields: ``apiVersion``, ``kind`` (StepInput); ``task`` (name, namespace, uid, createdAt, initiator, sourceSystem,
reason, tags; for a step of ``finally`` also ``outcome``, how the Task ends); ``step`` (name, role, callable, method,
maxAttempts); ``attempt`` (from 1, never goes back), ``retryCount`` (attempts before this one that count, since the last
reset); ``context`` and ``options`` (the template's defaults under the Task's own), ``config`` (the step's);
``results`` (ancestor → result, null where it has none), ``resultRefs`` (ancestor → ``{name, sha256, size}``: where the
large results are that did not fit beside those of nearer ones), ``errors`` (ancestor → ``{type, code, message}``, those
that failed); ``trace`` and ``metadata`` (see ``trace`` and ``execution_context``); ``idempotencyKey``,
``correlationId``, ``parentCorrelationId``; ``deadline`` of the Task's forward work. A compensation also gets
``compensationKey`` and ``forward`` (``{result, error}`` of what it undoes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubesaga.api.constants import API_VERSION
from kubesaga.api.execution_context import correlation_id, metadata
from kubesaga.api.programs import Program
from kubesaga.api.times import rfc3339
from kubesaga.engine.decision import Attempt
from kubesaga.engine.identity import idempotency_key, traceparent
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import ResultRef, StepError, StepRecord, TaskStatus
from kubesaga.engine.scope import resolve
from kubesaga.engine.trace import trace
from kubesaga.engine.vocabulary import Role, StepState

Doc = dict[str, Any]

TRACE_LENGTH = 50
# What large results may take of the input (INPUT_LIMIT_BYTES): 500 of them would never fit.
LARGE_RESULTS_BYTES = 700_000


def step_input(
    task: Mapping[str, Any],
    plan: Plan,
    status: TaskStatus,
    history: Sequence[Mapping[str, Any]],
    attempt: Attempt,
    program: Program,
    *,
    context: Mapping[str, Any],
    options: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Doc:
    """The input document of one attempt.

    ``task`` is the Task object, ``history`` its recorded transitions. ``context`` and ``options`` have the template's
    defaults merged in. ``values`` holds what the ResultRefs stand for that ``input_refs`` names; MissingValues where
    one is not there.
    """
    spec = task["spec"]
    i = plan.graph.index[attempt.step]
    record = status.steps[i]
    mine = record if attempt.role is Role.FORWARD else (record.compensation or record)
    ancestors = _ancestors(plan, status, i)
    results = {name: _result(step) for name, step in ancestors.items()}
    left_out = _left_out(plan, i, results)
    given = [name for name in results if name not in left_out]
    document: Doc = {
        "apiVersion": API_VERSION,
        "kind": "StepInput",
        "task": _task(task),
        "step": {
            "name": attempt.step,
            "role": attempt.role,
            "callable": program.callable,
            "method": program.method,
            "maxAttempts": _max_attempts(plan, i, attempt.role),
        },
        "attempt": attempt.number,
        "retryCount": max(0, attempt.number - 1 - mine.retry_base - mine.ignored),
        "context": dict(context),
        "options": dict(options),
        "metadata": metadata(task),
        "trace": trace(history)[-TRACE_LENGTH:],
        "results": dict(zip(given, resolve([results[name] for name in given], values), strict=True)),
        "resultRefs": {
            name: {"name": ref.name, "sha256": ref.sha256, "size": ref.size} for name, ref in left_out.items()
        },
        "errors": {
            step.name: _error(step.error)
            for step in ancestors.values()
            if step.state is StepState.ERROR and step.error is not None
        },
        "config": program.config or {},
        "idempotencyKey": step_key(task, status, attempt.step),
        "correlationId": correlation_id(task),
        "parentCorrelationId": spec.get("parentCorrelationId"),
        "deadline": _deadline(plan, status, i, attempt.role),
    }
    if plan.steps[i].final:
        document["task"]["outcome"] = status.ending.outcome if status.ending else status.outcome
    if attempt.role is Role.COMPENSATION:
        document["compensationKey"] = step_key(task, status, attempt.step, Role.COMPENSATION)
        document["forward"] = _forward(record, values)
    return document


def input_refs(plan: Plan, status: TaskStatus, attempt: Attempt) -> frozenset[str]:
    """The names of the ResultRefs whose values the input of this attempt needs."""
    i = plan.graph.index[attempt.step]
    results = {name: _result(step) for name, step in _ancestors(plan, status, i).items()}
    left_out = _left_out(plan, i, results)
    needed = [result for name, result in results.items() if name not in left_out]
    if attempt.role is Role.COMPENSATION:
        needed.append(status.steps[i].result)
    return frozenset(result.name for result in needed if isinstance(result, ResultRef))


def step_key(task: Mapping[str, Any], status: TaskStatus, step: str, role: Role = Role.FORWARD) -> str:
    """The idempotency key of a step, or of its compensation: the same for every attempt, run and reopened child."""
    return idempotency_key(*_place(task, status, step), role)


def trace_parent(task: Mapping[str, Any], status: TaskStatus, attempt: Attempt) -> str:
    """The attempt's W3C traceparent: one trace for the root Task and everything below it."""
    return traceparent(*_place(task, status, attempt.step), attempt.role, attempt.number)


def _place(task: Mapping[str, Any], status: TaskStatus, step: str) -> tuple[str, str]:
    """The root Task's key and the path of steps from it down to this one."""
    parent = status.parent
    if parent is not None:
        return parent.root_key, "/".join((*parent.path, step))
    return task["spec"].get("idempotencyKey") or task["metadata"]["uid"], step


def _task(task: Mapping[str, Any]) -> Doc:
    meta, spec = task["metadata"], task["spec"]
    return {
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
        "createdAt": meta.get("creationTimestamp"),
        "initiator": spec.get("initiator"),
        "sourceSystem": spec.get("sourceSystem"),
        "reason": spec.get("reason"),
        "tags": spec.get("tags") or [],
    }


def _ancestors(plan: Plan, status: TaskStatus, i: int) -> dict[str, StepRecord]:
    return {status.steps[j].name: status.steps[j] for j in plan.ancestors(i)}


def _result(step: StepRecord) -> Any:
    """What a step yielded; an attempt whose result was refused yielded nothing."""
    return step.result if step.state in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY) else None


def _left_out(plan: Plan, i: int, results: Mapping[str, Any]) -> dict[str, ResultRef]:
    """The large results of distant ancestors for which there is no room; those of dependencies are never left out."""
    direct = {*plan.steps[i].depends_on, *plan.steps[i].run_after}
    refs = {name: result for name, result in results.items() if isinstance(result, ResultRef)}
    room = LARGE_RESULTS_BYTES - sum(ref.size for name, ref in refs.items() if name in direct)
    left_out = {}
    for name in reversed([name for name in refs if name not in direct]):
        room -= refs[name].size
        if room < 0:
            left_out[name] = refs[name]
    return left_out


def _max_attempts(plan: Plan, i: int, role: Role) -> int:
    step = plan.steps[i]
    compensation = step.compensation if role is Role.COMPENSATION else None
    return (compensation.retry if compensation else step.retry).max_attempts


def _deadline(plan: Plan, status: TaskStatus, i: int, role: Role) -> str | None:
    """When the Task's forward work must be done; compensation and ``finally`` are outside of it."""
    started = status.run_started_at if status.run_started_at is not None else status.started_at
    if role is Role.COMPENSATION or plan.steps[i].final or plan.timeout is None or started is None:
        return None
    return rfc3339(started + plan.timeout)


def _forward(record: StepRecord, values: Mapping[str, Any]) -> Doc:
    (result,) = resolve([record.result], values)
    return {"result": result, "error": _error(record.error) if record.error else None}


def _error(error: StepError) -> Doc:
    return {"type": error.type, "code": error.code, "message": error.message}
