"""A report as data, for programs: what ``report`` says, in plain JSON values."""

from __future__ import annotations

from typing import Any

from kubesaga.api.times import rfc3339
from kubesaga.cli.views.attempts import AttemptView, attempts
from kubesaga.cli.views.critical_path import Link, critical_path
from kubesaga.cli.views.story import Move, Story, failed_attempt
from kubesaga.engine.records import ActionRecord, ResultRef, StepError
from kubesaga.engine.vocabulary import Role, StepState


def data(story: Story) -> dict[str, Any]:
    """The same as plain JSON values; times as RFC 3339, durations in seconds."""
    status = story.status
    return {
        "name": story.name,
        "namespace": story.namespace,
        "uid": story.uid,
        "template": story.template,
        "state": str(status.state),
        "outcome": _text(status.outcome),
        "message": status.message,
        "startedAt": _time(status.started_at),
        "finishedAt": _time(status.finished_at),
        "seconds": story.duration,
        "request": dict(story.spec),
        "result": None if isinstance(status.result, ResultRef) else status.result,
        "resultRef": status.result.name if isinstance(status.result, ResultRef) else None,
        "timeline": [_move_data(move) for move in story.moves],
        "attempts": [_attempt_data(attempt) for attempt in attempts(story)],
        "criticalPath": [_link_data(link) for link in critical_path(story)],
        "errors": _errors_data(story),
        "compensation": _compensation_data(story),
        "actions": [_action_data(action) for action in status.actions],
        "children": {step: data(child) for step, child in story.children.items()},
    }


def _text(word: object) -> str | None:
    return None if word is None else str(word)


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def _move_data(move: Move) -> dict[str, Any]:
    return {
        "at": _time(move.at),
        "step": move.step,
        "role": str(move.role) if move.step else None,
        "attempt": move.attempt,
        "events": list(move.events),
        "from": move.source,
        "to": move.target,
        "message": move.message or None,
    }


def _action_data(action: ActionRecord) -> dict[str, Any]:
    return {
        "at": _time(action.at),
        "type": str(action.type),
        "step": action.step,
        "by": action.requested_by,
        "reason": action.reason,
        "message": action.message,
    }


def _attempt_data(attempt: AttemptView) -> dict[str, Any]:
    return {
        "step": attempt.step,
        "role": str(attempt.role),
        "number": attempt.number,
        "enqueuedAt": _time(attempt.enqueued_at),
        "startedAt": _time(attempt.started_at),
        "endedAt": _time(attempt.ended_at),
        "seconds": attempt.seconds,
        "outcome": _text(attempt.outcome),
        "message": attempt.message or None,
    }


def _link_data(link: Link) -> dict[str, Any]:
    begun, ended = _time(link.begun_at), _time(link.ended_at)
    return {
        "step": link.step,
        "role": str(link.role),
        "begunAt": begun,
        "endedAt": ended,
        "seconds": link.seconds,
        "waited": link.waited,
    }


def _errors_data(story: Story) -> list[dict[str, Any]]:
    told: list[tuple[str | None, str | None, int | None, StepError]] = [
        (record.name, str(role), failed_attempt(record), record.error)
        for role, record in story.records()
        if record.error
    ]
    if story.status.error is not None:
        told.append((None, None, None, story.status.error))
    return [
        {
            "step": step,
            "role": role,
            "attempt": attempt,
            "type": error.type,
            "code": error.code,
            "message": error.message,
            "retryable": error.retryable,
            "outcomeUnknown": error.outcome_unknown,
        }
        for step, role, attempt, error in told
    ]


def _compensation_data(story: Story) -> dict[str, Any] | None:
    saga = story.status.saga
    if saga is None:
        return None
    undoing = {record.name: record for role, record in story.records() if role is Role.COMPENSATION}
    return {
        "trigger": str(saga.trigger),
        "plan": [
            {
                "step": entry.step,
                "after": list(entry.after),
                "state": str(undoing[entry.step].state if entry.step in undoing else StepState.PENDING),
                "finishedAt": _time(undoing[entry.step].finished_at) if entry.step in undoing else None,
            }
            for entry in saga.plan
        ],
        "abandoned": list(saga.abandoned),
    }
