"""The step contract's input side: the document that a step's program gets to read.

Made when an attempt is launched, by the runtime's ``jobs``. Everything in it is recorded in the Task or its
template, so that the same attempt always gets the same document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubesaga.api.constants import API_VERSION
from kubesaga.api.programs import Program
from kubesaga.api.status import rfc3339
from kubesaga.engine.decision import Attempt
from kubesaga.engine.identity import idempotency_key
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import StepError, StepRecord, TaskStatus
from kubesaga.engine.vocabulary import Role, StepState

Doc = dict[str, Any]

TRACE_LENGTH = 50


def step_input(
    task: Mapping[str, Any],
    plan: Plan,
    status: TaskStatus,
    history: Sequence[Mapping[str, Any]],
    attempt: Attempt,
    program: Program,
) -> Doc:
    """The input document of one attempt. ``task`` is the Task object, ``history`` its recorded transitions."""
    meta, spec = task["metadata"], task["spec"]
    i = plan.graph.index[attempt.step]
    record = status.steps[i]
    mine = record if attempt.role is Role.FORWARD else (record.compensation or record)
    ancestors = [status.steps[j] for j in plan.graph.ancestors(i)]
    uid = meta["uid"]
    document: Doc = {
        "apiVersion": API_VERSION,
        "kind": "StepInput",
        "task": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": uid,
            "createdAt": meta.get("creationTimestamp"),
            "initiator": spec.get("initiator"),
            "sourceSystem": spec.get("sourceSystem"),
            "reason": spec.get("reason"),
            "tags": spec.get("tags") or [],
        },
        "step": {
            "name": attempt.step,
            "role": attempt.role,
            "callable": program.callable,
            "method": program.method,
            "maxAttempts": _max_attempts(plan, i, attempt.role),
        },
        "attempt": attempt.number,
        "retryCount": attempt.number - 1 - mine.retry_base,
        "context": spec.get("context") or {},
        "options": spec.get("options") or {},
        "metadata": spec.get("metadata") or {},
        "trace": list(history[-TRACE_LENGTH:]),
        "results": {step.name: step.result for step in ancestors},
        "errors": {
            step.name: _error(step.error)
            for step in ancestors
            if step.state is StepState.ERROR and step.error is not None
        },
        "config": program.config or {},
        "idempotencyKey": idempotency_key(uid, attempt.step),
        "correlationId": spec.get("correlationId") or uid,
        "parentCorrelationId": spec.get("parentCorrelationId"),
        "deadline": _deadline(plan, status, attempt.role),
    }
    if attempt.role is Role.COMPENSATION:
        document["compensationKey"] = idempotency_key(uid, attempt.step, Role.COMPENSATION)
        document["forward"] = _forward(record)
    return document


def _max_attempts(plan: Plan, i: int, role: Role) -> int:
    step = plan.steps[i]
    compensation = step.compensation if role is Role.COMPENSATION else None
    return (compensation.retry if compensation else step.retry).max_attempts


def _deadline(plan: Plan, status: TaskStatus, role: Role) -> str | None:
    """When the Task's forward work must be done; compensation is outside of it."""
    if role is Role.COMPENSATION or plan.timeout is None or status.started_at is None:
        return None
    return rfc3339(status.started_at + plan.timeout)


def _forward(record: StepRecord) -> Doc:
    return {"result": record.result, "error": _error(record.error) if record.error else None}


def _error(error: StepError) -> Doc:
    return {"type": error.type, "code": error.code, "message": error.message}
