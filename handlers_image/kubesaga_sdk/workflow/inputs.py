"""The input document of an attempt that runs in this process: what the operator would give to its pod.

Called by the runners, so that handlers and tasks read the same StepContext everywhere. A test compares it with the
operator's own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kubesaga_sdk import step_input

if TYPE_CHECKING:
    from kubesaga.engine.decision import Attempt
    from kubesaga.engine.records import StepError, StepRecord, Transition
    from kubesaga.engine.session import Session

Doc = dict[str, Any]

TRACE_LENGTH = 50
_MESSAGE_LIMIT = 200


@dataclass(eq=False)
class History:
    """What happened, as a trace: one entry for each machine that moved in a decision, as a status has it."""

    entries: list[Doc] = field(default_factory=list)

    def add(self, transitions: Iterable[Transition]) -> None:
        """Take down the moves of one decision."""
        walks: dict[tuple[Any, Any], Doc] = {}
        for each in transitions:
            first: Doc = {
                "at": rfc3339(each.at),
                "from": each.source,
                "events": [],
                "step": each.step,
                "role": each.role,
            }
            walk = walks.setdefault((each.step, each.role), first)
            walk["events"].append(each.event)
            walk["to"] = each.target
            if each.attempt:
                walk["attempt"] = each.attempt
            if each.message:
                walk["message"] = each.message[:_MESSAGE_LIMIT]
        self.entries.extend(walks.values())

    def trace(self) -> list[Doc]:
        """`{timestamp, level, source, kind, message}` of all that tells of a start, an end, an error or a retry."""
        from kubesaga.engine.trace import trace

        return [{key: str(value) for key, value in entry.items()} for entry in trace(self.entries)]


def document(session: Session, history: History, attempt: Attempt, *, config: Mapping[str, Any], metadata: Doc) -> Doc:
    """The complete input document of an attempt; ``metadata`` is the user's own."""
    from kubesaga.engine.identity import idempotency_key
    from kubesaga.engine.vocabulary import Role

    i = session.plan.graph.index[attempt.step]
    planned, record = session.plan.steps[i], session.status.steps[i]
    undoes = attempt.role is Role.COMPENSATION
    mine = session.record(attempt.step, attempt.role)
    policy = planned.compensation.retry if undoes and planned.compensation else planned.retry
    found: Doc = {
        "task": {"name": session.name, "uid": session.uid, "tags": [], "createdAt": rfc3339(session.created_at)},
        "step": {"name": attempt.step, "role": str(attempt.role), "maxAttempts": policy.max_attempts},
        "attempt": attempt.number,
        "retryCount": max(0, attempt.number - 1 - mine.retry_base - mine.ignored),
        "context": session.context,
        "metadata": {**metadata, **facts(session)},
        "trace": history.trace()[-TRACE_LENGTH:],
        "results": {
            session.plan.steps[j].name: result_of(session, session.status.steps[j]) for j in session.plan.ancestors(i)
        },
        "config": config,
        "idempotencyKey": idempotency_key(session.uid, attempt.step),
        "correlationId": session.uid,
        "deadline": None if undoes else _deadline(session),
    }
    if undoes:
        found["compensationKey"] = idempotency_key(session.uid, attempt.step, Role.COMPENSATION)
        found["forward"] = {
            "result": session.value(record.result),
            "error": _error(record.error) if record.error else None,
        }
    # A copy: whatever an attempt does to it, no other sees.
    return step_input.complete(copy.deepcopy(found), "the run's own input")


def facts(session: Session) -> Doc:
    """What metadata tell of every run, over fields of the same name."""
    started = session.status.started_at
    return {
        "executionId": session.uid,
        "name": session.name,
        "namespace": "",
        "initiator": None,
        "sourceSystem": None,
        "reason": None,
        "tags": [],
        "createdAt": rfc3339(session.created_at),
        "startedAt": rfc3339(started) if started is not None else None,
        "finishedAt": None,
        "correlationId": session.uid,
        "parentCorrelationId": None,
    }


def result_of(session: Session, record: StepRecord) -> Any:
    """What a step yielded; None where it is not done."""
    from kubesaga.engine.vocabulary import StepState

    return session.value(record.result) if record.state in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY) else None


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _deadline(session: Session) -> str | None:
    started, limit = session.status.run_started_at, session.plan.timeout
    return None if started is None or limit is None else rfc3339(started + limit)


def _error(error: StepError) -> Doc:
    return {"type": error.type, "code": error.code, "message": error.message}
