"""``Task.status`` on the wire and in the engine: the one translation between the two.

Called by the runtime's gather (reading) and apply (writing). What can be derived (progress, counts, the Task's next
retry, conditions) is made here when writing and ignored when reading, so that no two fields can disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from kubesaga.api.conditions import conditions, find
from kubesaga.api.constants import MAX_TRANSITIONS, NEEDS_ATTENTION, RECONCILING
from kubesaga.engine.records import (
    Attention,
    Ending,
    PinnedTemplate,
    PlannedCompensation,
    Saga,
    StepError,
    StepRecord,
    Stop,
    TaskStatus,
    Transition,
)
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    StepOutcome,
    StepState,
    StopAction,
    TaskOutcome,
    TaskState,
)

Wire = dict[str, Any]
_T = TypeVar("_T")

_MESSAGE_LIMIT = 512
_WAITING = frozenset({StepState.PENDING, StepState.WAITING_FOR_RETRY})


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with microseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def epoch(text: str) -> float:
    """RFC 3339 as seconds since the epoch. Raises ValueError for anything else."""
    return datetime.fromisoformat(text).timestamp()


# --- reading -----------------------------------------------------------------------------------------------------


def read_status(wire: Mapping[str, Any] | None) -> TaskStatus:
    """The engine's records of a status; an absent one is that of a Task never looked at."""
    if not wire or "state" not in wire:
        return TaskStatus()
    state = TaskState(wire["state"])
    listed = wire.get("conditions") or []
    reconciling = find(listed, RECONCILING)
    attention = find(listed, NEEDS_ATTENTION)
    return TaskStatus(
        state=state,
        outcome=_optional(TaskOutcome, wire.get("outcome")),
        reason=reconciling["reason"] if state is TaskState.PENDING and reconciling else None,
        message=wire.get("message", ""),
        result=wire.get("result"),
        template=_optional(_read_template, wire.get("template")),
        run=wire.get("run", 0),
        started_at=_optional(epoch, wire.get("startedAt")),
        finished_at=_optional(epoch, wire.get("finishedAt")),
        blocked_since=_optional(epoch, wire.get("blockedSince")),
        ending=_optional(_read_ending, wire.get("ending")),
        steps=tuple(_read_step(step, step["name"]) for step in wire.get("steps") or ()),
        saga=_optional(_read_saga, wire.get("compensation")),
        attention=Attention(attention["reason"], attention["message"])
        if attention and attention["status"] == "True"
        else None,
    )


def _optional(read: Any, value: Any) -> Any:
    return None if value is None else read(value)


def _read_template(wire: Wire) -> PinnedTemplate:
    return PinnedTemplate(wire["name"], wire["version"], wire["revision"])


def _read_ending(wire: Wire) -> Ending:
    return Ending(
        EndingTrigger(wire["trigger"]),
        epoch(wire["at"]),
        EndingPhase(wire["phase"]),
        TaskOutcome(wire["outcome"]),
    )


def _read_saga(wire: Wire) -> Saga:
    plan = (PlannedCompensation(entry["step"], tuple(entry.get("after") or ())) for entry in wire["plan"])
    return Saga(EndingTrigger(wire["trigger"]), tuple(plan))


def _read_error(wire: Wire) -> StepError:
    return StepError(
        type=wire["type"],
        message=wire.get("message", ""),
        code=wire.get("code"),
        retryable=wire.get("retryable", True),
        types=tuple(wire.get("types") or ()),
        exit_code=wire.get("exitCode"),
        outcome_unknown=wire.get("outcomeUnknown", False),
    )


def _read_stop(wire: Wire) -> Stop:
    return Stop(wire["reason"], epoch(wire["at"]), StopAction(wire["action"]))


def _read_step(wire: Wire, name: str) -> StepRecord:
    compensation = wire.get("compensation")
    return StepRecord(
        name=name,
        state=StepState(wire.get("state", StepState.PENDING)),
        outcome=_optional(StepOutcome, wire.get("outcome")),
        attempt=wire.get("attempt", 0),
        retry_base=wire.get("retryBase", 0),
        job_name=wire.get("jobName"),
        enqueued_at=_optional(epoch, wire.get("enqueuedAt")),
        started_at=_optional(epoch, wire.get("startedAt")),
        finished_at=_optional(epoch, wire.get("finishedAt")),
        next_retry_at=_optional(epoch, wire.get("nextRetryAt")),
        error=_optional(_read_error, wire.get("error")),
        result=wire.get("result"),
        metadata=wire.get("metadata"),
        stop=_optional(_read_stop, wire.get("stop")),
        outcome_unknown=wire.get("outcomeUnknown", False),
        compensation=_read_step(compensation, name) if compensation is not None else None,
    )


# --- writing -----------------------------------------------------------------------------------------------------


def write_status(
    status: TaskStatus,
    before: Mapping[str, Any] | None,
    new_transitions: Iterable[Transition],
    generation: int,
    now: float,
) -> Wire:
    """The wire form of a status that follows ``before``, with its history continued."""
    history = list((before or {}).get("transitions") or ())
    history.extend(_walks(new_transitions))
    retries = [
        record.next_retry_at
        for step in status.steps
        for record in (step, step.compensation)
        if record and record.next_retry_at is not None
    ]
    finished = sum(step.state is StepState.COMPLETE for step in status.steps)
    return _present(
        observedGeneration=generation,
        state=status.state,
        outcome=status.outcome,
        message=status.message,
        result=status.result,
        template=_optional(_template, status.template),
        run=status.run or None,
        startedAt=_optional(rfc3339, status.started_at),
        finishedAt=_optional(rfc3339, status.finished_at),
        nextRetryAt=rfc3339(min(retries)) if retries else None,
        blockedSince=_optional(rfc3339, status.blocked_since),
        ending=_optional(_ending, status.ending),
        progress=f"{finished}/{len(status.steps)}" if status.steps else None,
        counts=_counts(status) if status.steps else None,
        steps=[_present(name=step.name, **_record(step)) for step in status.steps],
        compensation=_optional(_saga, status.saga),
        transitions=history[-MAX_TRANSITIONS:],
        conditions=conditions(status, (before or {}).get("conditions") or [], generation, now),
    )


def _present(**fields: Any) -> Wire:
    return {name: value for name, value in fields.items() if value is not None}


def _template(template: PinnedTemplate) -> Wire:
    return {"name": template.name, "version": template.version, "revision": template.revision}


def _ending(ending: Ending) -> Wire:
    return {
        "trigger": ending.trigger,
        "at": rfc3339(ending.at),
        "phase": ending.phase,
        "outcome": ending.outcome,
    }


def _saga(saga: Saga) -> Wire:
    return {
        "trigger": saga.trigger,
        "plan": [{"step": entry.step, "after": list(entry.after)} for entry in saga.plan],
    }


def _error(error: StepError) -> Wire:
    return _present(
        type=error.type,
        message=error.message,
        code=error.code,
        retryable=error.retryable,
        types=list(error.types) or None,
        exitCode=error.exit_code,
        outcomeUnknown=error.outcome_unknown or None,
    )


def _stop(stop: Stop) -> Wire:
    return {"reason": stop.reason, "at": rfc3339(stop.at), "action": stop.action}


def _record(record: StepRecord) -> Wire:
    return _present(
        state=record.state,
        outcome=record.outcome,
        attempt=record.attempt or None,
        retryBase=record.retry_base or None,
        jobName=record.job_name,
        enqueuedAt=_optional(rfc3339, record.enqueued_at),
        startedAt=_optional(rfc3339, record.started_at),
        finishedAt=_optional(rfc3339, record.finished_at),
        nextRetryAt=_optional(rfc3339, record.next_retry_at),
        error=_optional(_error, record.error),
        result=record.result,
        metadata=dict(record.metadata) if record.metadata else None,
        stop=_optional(_stop, record.stop),
        outcomeUnknown=record.outcome_unknown or None,
        compensation=_optional(_record, record.compensation),
    )


def _walks(transitions: Iterable[Transition]) -> list[Wire]:
    """One entry for each state machine that moved in a pass, with all events on its way, in order.

    A sequential step is three entries (what ended, what began, the Task) instead of seven: a patch and every later
    Job's input cost in proportion to size.
    """
    walks: dict[tuple[str | None, Role | None], Wire] = {}
    for transition in transitions:
        walk = walks.setdefault((transition.step, transition.role), _walk(transition))
        walk["events"].append(transition.event)
        walk["to"] = transition.target
        if transition.attempt:
            walk["attempt"] = transition.attempt
        if transition.message:
            walk["message"] = transition.message[:_MESSAGE_LIMIT]
    return list(walks.values())


def _walk(first: Transition) -> Wire:
    wire = _present(
        at=rfc3339(first.at),
        step=first.step,
        role=first.role if first.role is Role.COMPENSATION else None,
        attempt=first.attempt,
    )
    return {**wire, "from": first.source, "to": first.target, "events": []}


def _counts(status: TaskStatus) -> Wire:
    states = Counter(step.state for step in status.steps)
    return {
        "total": len(status.steps),
        "complete": states[StepState.COMPLETE] + states[StepState.RESOLVED_MANUALLY],
        "failed": states[StepState.ERROR],
        "cancelled": states[StepState.CANCELLED],
        "running": sum(states[state] for state in LIVE_STEP_STATES),
        "waiting": sum(states[state] for state in _WAITING),
    }
