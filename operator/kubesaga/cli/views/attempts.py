"""The attempts of a Task's steps, put together again from its history.

A step's record tells of its latest attempt only; the history has all of them, each moment as precise as the decision
that saw it. Used by the report, the statistics and ``kubesaga history``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kubesaga.cli.views.story import Move, Story
from kubesaga.engine.records import StepRecord
from kubesaga.engine.vocabulary import Role, StepEvent, StepOutcome

_Key = tuple[str, Role]

_ENDS = {
    StepEvent.SUCCEEDED: StepOutcome.SUCCEEDED,
    StepEvent.FAILED: StepOutcome.FAILED,
    StepEvent.CANCEL: StepOutcome.CANCELLED,
    StepEvent.SKIP: StepOutcome.SKIPPED,
    StepEvent.COMPLETE_MANUALLY: StepOutcome.SUCCEEDED,
    StepEvent.RESOLVE_MANUALLY: StepOutcome.RESOLVED_MANUALLY,
}


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt of a step or of its compensation; times in seconds since the epoch, None where not recorded.

    ``outcome`` is None while it runs; ``message`` says why it failed.
    """

    step: str
    role: Role
    number: int
    enqueued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    outcome: StepOutcome | None = None
    message: str = ""

    @property
    def seconds(self) -> float | None:
        """From its start to its end; from its launch where both were seen at once, or no start at all."""
        begun = self.enqueued_at if self.started_at in (None, self.ended_at) else self.started_at
        return None if begun is None or self.ended_at is None else max(0.0, self.ended_at - begun)


def attempts(story: Story) -> list[AttemptView]:
    """All attempts, in the order in which they were launched."""
    found = from_moves(story.moves)
    records = {(record.name, role): record for role, record in story.records()}
    return [_sharpened(attempt, records.get((attempt.step, attempt.role))) for attempt in found]


def from_moves(moves: Iterable[Move]) -> list[AttemptView]:
    """The attempts that the entries of a history tell of; one whose beginning is missing has no launch."""
    made: dict[tuple[str, Role, int], AttemptView] = {}
    latest: dict[_Key, int] = {}
    for move in moves:
        if move.step is not None:
            _walk(move, (move.step, move.role), made, latest)
    return list(made.values())


def _walk(move: Move, key: _Key, made: dict[tuple[str, Role, int], AttemptView], latest: dict[_Key, int]) -> None:
    launched = sum(event == StepEvent.ENQUEUE for event in move.events)
    number = latest.get(key, 0) if move.attempt is None else move.attempt - launched
    for event in move.events:
        if event == StepEvent.ENQUEUE:
            number += 1
            made[*key, number] = AttemptView(*key, number, enqueued_at=move.at)
        elif number > 0:
            before = made.get((*key, number), AttemptView(*key, number))
            made[*key, number] = _after(before, event, move)
    latest[key] = number


def _after(attempt: AttemptView, event: str, move: Move) -> AttemptView:
    if event == StepEvent.START:
        return replace(attempt, started_at=move.at)
    if event == StepEvent.REFUSE:
        return replace(attempt, outcome=StepOutcome.FAILED, message=move.message)
    if attempt.ended_at is not None or event not in _ENDS:
        return attempt
    outcome = _ENDS[StepEvent(event)]
    message = move.message if outcome is not StepOutcome.SUCCEEDED else ""
    return replace(attempt, ended_at=move.at, outcome=outcome, message=message)


def _sharpened(attempt: AttemptView, record: StepRecord | None) -> AttemptView:
    """The latest attempt with the moments that its container told, which are a little before the decisions'."""
    if record is None or record.attempt != attempt.number:
        return attempt
    started = record.started_at if attempt.started_at is not None else None
    ended = attempt.ended_at
    if ended is not None and record.finished_at is not None:
        ended = min(ended, record.finished_at)
    enqueued = record.enqueued_at or attempt.enqueued_at
    if ended is not None and enqueued is not None:
        ended = max(ended, enqueued)  # a container tells its end in whole seconds, cut off
    return replace(
        attempt,
        enqueued_at=enqueued,
        started_at=started or attempt.started_at,
        ended_at=ended,
    )
