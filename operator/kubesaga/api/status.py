"""``Task.status`` on the wire and in the engine: the one translation between the two.

Called by the runtime's gather (reading) and apply (writing), by the local engine, and by the CLI, which reads what it
shows. What can be derived (progress, counts, the Task's next retry, conditions) is made here when writing and ignored
when reading, so that no two fields can disagree. Steps are translated by ``step_status``, the history by ``history``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kubesaga.api.conditions import conditions, read_attention, read_reason
from kubesaga.api.history import continued
from kubesaga.api.step_status import (
    Wire,
    optional,
    present,
    read_error,
    read_step,
    read_value,
    write_error,
    write_step,
    write_value,
)
from kubesaga.api.times import epoch, rfc3339
from kubesaga.engine.records import (
    ActionRecord,
    Ending,
    ParentLink,
    PinnedTemplate,
    PlannedCompensation,
    Saga,
    StepRecord,
    TaskStatus,
    Transition,
)
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    ActionType,
    EndingPhase,
    EndingTrigger,
    StepState,
    TaskOutcome,
    TaskState,
)

# What is said to humans is cut where it would burst the status: its schema's bounds, and those of one object.
_MESSAGE_LIMIT = 16384
_ACTION_TEXT_LIMIT = 256
# Characters of all errors' messages and types together: up to 32 errors have all the room that they can use.
_ERRORS_LIMIT = 64 * 1024
_WAITING = frozenset({StepState.PENDING, StepState.WAITING_FOR_RETRY})
_DONE = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})


def read_status(wire: Mapping[str, Any] | None) -> TaskStatus:
    """The engine's records of a status; an absent one is that of a Task never looked at."""
    if not wire or "state" not in wire:
        return TaskStatus()
    state = TaskState(wire["state"])
    listed = wire.get("conditions") or []
    return TaskStatus(
        state=state,
        state_since=optional(epoch, wire.get("stateSince")),
        outcome=optional(TaskOutcome, wire.get("outcome")),
        reason=read_reason(listed) if state is TaskState.PENDING else None,
        message=wire.get("message", ""),
        result=read_value(wire),
        error=optional(read_error, wire.get("error")),
        template=optional(_read_template, wire.get("template")),
        request_hash=wire.get("requestHash"),
        parent=optional(_read_parent, wire.get("parent")),
        run=wire.get("run", 0),
        started_at=optional(epoch, wire.get("startedAt")),
        run_started_at=optional(epoch, wire.get("runStartedAt")),
        finished_at=optional(epoch, wire.get("finishedAt")),
        blocked_since=optional(epoch, wire.get("blockedSince")),
        suspended_since=optional(epoch, wire.get("suspendedSince")),
        resumed_at=optional(epoch, wire.get("resumedAt")),
        stale=wire.get("stale", False),
        finally_failed=wire.get("finallyFailed", False),
        ending=optional(_read_ending, wire.get("ending")),
        steps=tuple(read_step(step, step["name"]) for step in wire.get("steps") or ()),
        saga=optional(_read_saga, wire.get("compensation")),
        actions=tuple(_read_action(action) for action in wire.get("actions") or ()),
        attention=read_attention(listed),
    )


def write_status(
    status: TaskStatus,
    before: Mapping[str, Any] | None,
    new_transitions: Iterable[Transition],
    generation: int,
    now: float,
    finals: Collection[str] = (),
) -> Wire:
    """The wire form of a status that follows ``before``, with its history continued.

    ``finals`` names the steps of ``finally``, beside those that ``before`` marks already.
    """
    base = before or {}
    final = {step["name"] for step in base.get("steps") or () if step.get("final")}.union(finals)
    forward = [step for step in status.steps if step.name not in final]
    room = _room(status)
    return present(
        observedGeneration=generation,
        state=status.state,
        stateSince=optional(rfc3339, status.state_since),
        outcome=status.outcome,
        message=status.message[:_MESSAGE_LIMIT],
        **write_value(status.result),
        error=None if status.error is None else write_error(status.error, room),
        template=optional(_write_template, status.template),
        requestHash=status.request_hash,
        parent=optional(_write_parent, status.parent),
        run=status.run or None,
        startedAt=optional(rfc3339, status.started_at),
        runStartedAt=optional(rfc3339, status.run_started_at),
        finishedAt=optional(rfc3339, status.finished_at),
        nextRetryAt=optional(rfc3339, _next_retry(status)),
        blockedSince=optional(rfc3339, status.blocked_since),
        suspendedSince=optional(rfc3339, status.suspended_since),
        resumedAt=optional(rfc3339, status.resumed_at),
        stale=status.stale or None,
        finallyFailed=status.finally_failed or None,
        ending=optional(_write_ending, status.ending),
        progress=_progress(forward) if forward else None,
        counts=_counts(forward) if forward else None,
        steps=[
            present(name=step.name, final=True if step.name in final else None, **write_step(step, room))
            for step in status.steps
        ],
        compensation=optional(_write_saga, status.saga),
        actions=[_write_action(action) for action in status.actions] or None,
        historyBlocks=base.get("historyBlocks"),
        transitions=continued(base, new_transitions),
        conditions=conditions(status, base.get("conditions") or [], generation, now),
    )


# --- the parts of a status, reading and writing side by side ---------------------------------------------------------


def _read_template(wire: Mapping[str, Any]) -> PinnedTemplate:
    return PinnedTemplate(wire["name"], wire["version"], wire["revision"])


def _write_template(template: PinnedTemplate) -> Wire:
    return {"name": template.name, "version": template.version, "revision": template.revision}


def _read_parent(wire: Mapping[str, Any]) -> ParentLink:
    return ParentLink(
        name=wire["name"],
        uid=wire["uid"],
        step=wire["step"],
        root_key=wire["rootKey"],
        path=tuple(wire["path"]),
        templates=tuple(wire["templates"]),
        attempt=wire["attempt"],
    )


def _write_parent(parent: ParentLink) -> Wire:
    return {
        "name": parent.name,
        "uid": parent.uid,
        "step": parent.step,
        "rootKey": parent.root_key,
        "path": list(parent.path),
        "templates": list(parent.templates),
        "attempt": parent.attempt,
    }


def _read_ending(wire: Mapping[str, Any]) -> Ending:
    return Ending(
        trigger=EndingTrigger(wire["trigger"]),
        at=epoch(wire["at"]),
        phase=EndingPhase(wire["phase"]),
        outcome=TaskOutcome(wire["outcome"]),
        compensate=wire.get("compensate", False),
    )


def _write_ending(ending: Ending) -> Wire:
    return present(
        trigger=ending.trigger,
        at=rfc3339(ending.at),
        phase=ending.phase,
        outcome=ending.outcome,
        compensate=ending.compensate or None,
    )


def _read_saga(wire: Mapping[str, Any]) -> Saga:
    plan = (PlannedCompensation(entry["step"], tuple(entry.get("after") or ())) for entry in wire["plan"])
    return Saga(EndingTrigger(wire["trigger"]), tuple(plan), tuple(wire.get("abandoned") or ()))


def _write_saga(saga: Saga) -> Wire:
    return present(
        trigger=saga.trigger,
        plan=[present(step=entry.step, after=list(entry.after) or None) for entry in saga.plan],
        abandoned=list(saga.abandoned) or None,
    )


def _read_action(wire: Mapping[str, Any]) -> ActionRecord:
    return ActionRecord(
        uid=wire["uid"],
        name=wire["name"],
        type=ActionType(wire["type"]),
        at=epoch(wire["at"]),
        step=wire.get("step"),
        requested_by=wire.get("requestedBy"),
        reason=wire.get("reason"),
        message=wire.get("message", ""),
    )


def _write_action(action: ActionRecord) -> Wire:
    return present(
        uid=action.uid,
        name=action.name,
        type=action.type,
        step=action.step,
        requestedBy=optional(_cut, action.requested_by),
        reason=optional(_cut, action.reason),
        at=rfc3339(action.at),
        message=_cut(action.message) or None,
    )


def _cut(text: str) -> str:
    return text[:_ACTION_TEXT_LIMIT]


# --- what is derived -------------------------------------------------------------------------------------------------


def _records(status: TaskStatus) -> Iterable[StepRecord]:
    return (record for step in status.steps for record in (step, step.compensation) if record)


def _room(status: TaskStatus) -> int:
    """How many characters each error gets: the more errors, the fewer."""
    return _ERRORS_LIMIT // (1 + sum(record.error is not None for record in _records(status)))


def _next_retry(status: TaskStatus) -> float | None:
    due = (record.next_retry_at for record in _records(status) if record.next_retry_at is not None)
    return min(due, default=None)


def _progress(forward: Collection[StepRecord]) -> str:
    return f"{sum(step.state in _DONE for step in forward)}/{len(forward)}"


def _counts(forward: Collection[StepRecord]) -> Wire:
    states = Counter(step.state for step in forward)
    return {
        "total": len(forward),
        "complete": sum(states[state] for state in _DONE),
        "failed": states[StepState.ERROR],
        "cancelled": states[StepState.CANCELLED],
        "running": sum(states[state] for state in LIVE_STEP_STATES),
        "waiting": sum(states[state] for state in _WAITING),
    }
