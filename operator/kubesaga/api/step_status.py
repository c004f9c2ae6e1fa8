"""A step's record on the wire and in the engine, both ways: its state, error, result and compensation.

Each pair of functions is one translation; a field stands in both halves or is lost. Called by ``status``, which
translates the Task around the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, TypeVar

from kubesaga.api.times import epoch, rfc3339
from kubesaga.engine.records import ResultRef, StepError, StepRecord, Stop
from kubesaga.engine.vocabulary import StepOutcome, StepState, StopAction

Wire = dict[str, Any]
_T = TypeVar("_T")
_U = TypeVar("_U")


def optional(translate: Callable[[_T], _U], value: _T | None) -> _U | None:
    """None stays None, everything else is translated."""
    return None if value is None else translate(value)


def present(**fields: Any) -> Wire:
    """The fields that hold something: what is absent costs no bytes."""
    return {name: value for name, value in fields.items() if value is not None}


def read_value(wire: Mapping[str, Any]) -> Any:
    """What ``result`` or ``resultRef`` of a status holds: a JSON value, or a ResultRef."""
    reference = wire.get("resultRef")
    if reference is None:
        return wire.get("result")
    return ResultRef(reference["name"], reference["sha256"], reference["size"])


def write_value(value: Any) -> Wire:
    """The one field that says what a step or the Task yielded; none for null."""
    if isinstance(value, ResultRef):
        return {"resultRef": {"name": value.name, "sha256": value.sha256, "size": value.size}}
    return {} if value is None else {"result": value}


def read_error(wire: Mapping[str, Any]) -> StepError:
    """Why something failed."""
    return StepError(
        type=wire["type"],
        message=wire.get("message", ""),
        code=wire.get("code"),
        retryable=wire.get("retryable", True),
        types=tuple(wire.get("types") or ()),
        exit_code=wire.get("exitCode"),
        outcome_unknown=wire.get("outcomeUnknown", False),
        retry_after=wire.get("retryAfter"),
        pod_reason=wire.get("podReason"),
    )


def write_error(error: StepError, room: int) -> Wire:
    """Why something failed, for the wire; ``room`` is how many characters its message and types may have."""
    message = error.message[:room]
    return present(
        type=error.type,
        message=message,
        code=error.code,
        retryable=error.retryable,
        types=_fitting(error.types, room - len(message)) or None,
        exitCode=error.exit_code,
        outcomeUnknown=error.outcome_unknown or None,
        retryAfter=error.retry_after,
        podReason=error.pod_reason,
    )


def read_step(wire: Mapping[str, Any], name: str) -> StepRecord:
    """The record of a step, or of a compensation, which has the name of its step."""
    compensation = wire.get("compensation")
    return StepRecord(
        name=name,
        state=StepState(wire.get("state", StepState.PENDING)),
        outcome=optional(StepOutcome, wire.get("outcome")),
        attempt=wire.get("attempt", 0),
        retry_base=wire.get("retryBase", 0),
        ignored=wire.get("ignored", 0),
        job_name=wire.get("jobName"),
        child_name=wire.get("childName"),
        first_enqueued_at=optional(epoch, wire.get("firstEnqueuedAt")),
        enqueued_at=optional(epoch, wire.get("enqueuedAt")),
        started_at=optional(epoch, wire.get("startedAt")),
        finished_at=optional(epoch, wire.get("finishedAt")),
        next_retry_at=optional(epoch, wire.get("nextRetryAt")),
        error=optional(read_error, wire.get("error")),
        result=read_value(wire),
        metadata=wire.get("metadata"),
        stop=optional(_read_stop, wire.get("stop")),
        outcome_unknown=wire.get("outcomeUnknown", False),
        disrupted=tuple(wire.get("disrupted") or ()),
        confirmed_stopped=wire.get("confirmedStopped", False),
        compensation=None if compensation is None else read_step(compensation, name),
    )


def write_step(record: StepRecord, room: int) -> Wire:
    """The record without its name; ``room`` as for ``write_error``."""
    undoing = record.compensation
    return present(
        state=record.state,
        outcome=record.outcome,
        attempt=record.attempt or None,
        retryBase=record.retry_base or None,
        ignored=record.ignored or None,
        jobName=record.job_name,
        childName=record.child_name,
        firstEnqueuedAt=optional(rfc3339, record.first_enqueued_at),
        enqueuedAt=optional(rfc3339, record.enqueued_at),
        startedAt=optional(rfc3339, record.started_at),
        finishedAt=optional(rfc3339, record.finished_at),
        nextRetryAt=optional(rfc3339, record.next_retry_at),
        error=None if record.error is None else write_error(record.error, room),
        **write_value(record.result),
        metadata=optional(dict, record.metadata),
        stop=optional(_write_stop, record.stop),
        outcomeUnknown=record.outcome_unknown or None,
        disrupted=list(record.disrupted) or None,
        confirmedStopped=record.confirmed_stopped or None,
        compensation=None if undoing is None else write_step(undoing, room),
    )


def _fitting(words: tuple[str, ...], room: int) -> list[str]:
    """The first of the words that have no more characters than that."""
    ends = accumulate(len(word) for word in words)
    return [word for word, end in zip(words, ends, strict=True) if end <= room]


def _read_stop(wire: Mapping[str, Any]) -> Stop:
    return Stop(wire["reason"], epoch(wire["at"]), StopAction(wire["action"]))


def _write_stop(stop: Stop) -> Wire:
    return {"reason": stop.reason, "at": rfc3339(stop.at), "action": stop.action}
