"""The steps of a Task as rows of a tree: what each does or did, its undoing and its sub-workflow below it.

Pure rows; the commands put them into a table, once or live. The local engine's live tree is made of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubesaga.cli.views.story import Story, failed_attempt
from kubesaga.cli.views.times import span, stamp
from kubesaga.engine.records import StepRecord
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import StepOutcome, StepState

_NOTE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One line: ``label`` with the tree's branches, state (or outcome, once over), attempts, duration, and a note."""

    label: str
    state: str
    attempts: str = ""
    time: str = ""
    note: str = ""


def rows(story: Story, now: float) -> list[Row]:
    """The Task's own line, then its steps, each with its undoing and the steps of its child Task below it."""
    return [_head(story, now), *_below(story, now, "")]


def _head(story: Story, now: float) -> Row:
    status = story.status
    begun = status.started_at
    until = status.finished_at if status.finished_at is not None else now
    taken = span(until - begun) if begun is not None else ""
    state = f"{status.state}/{status.outcome}" if status.outcome else str(status.state)
    return Row(f"{story.name} ({story.template})", state, _progress(story), taken, _short(status.message))


def _progress(story: Story) -> str:
    done = sum(step.state in (StepState.COMPLETE, StepState.RESOLVED_MANUALLY) for step in story.forward)
    return f"{done}/{len(story.forward)}" if story.status.steps else ""


def _below(story: Story, now: float, indent: str) -> Iterator[Row]:
    steps = _ordered(story)
    for step in steps:
        last = step is steps[-1]
        branch, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
        suffix = " (finally)" if step.name in story.finals else ""
        yield _row(f"{indent}{branch}{step.name}{suffix}", step, now)
        child = story.children.get(step.name)
        undo = step.compensation
        if child is not None:
            yield _child_row(child, now, f"{indent}{stem}", last=undo is None)
            yield from _below(child, now, indent + stem + ("   " if undo is None else "│  "))
        if undo is not None:
            yield _row(f"{indent}{stem}└─ undo", undo, now)


def _ordered(story: Story) -> list[StepRecord]:
    """As the graph orders them; as the status lists them where the template is not known."""
    listed = list(story.status.steps)
    if story.plan is None:
        return listed
    rank = {story.plan.steps[i].name: rank for rank, i in enumerate(story.plan.graph.order)}
    return sorted(listed, key=lambda step: (step.name in story.finals, rank.get(step.name, len(rank))))


def _child_row(child: Story, now: float, indent: str, *, last: bool) -> Row:
    head = _head(child, now)
    return Row(f"{indent}{'└' if last else '├'}─ Task {head.label}", head.state, head.attempts, head.time, head.note)


def _row(label: str, step: StepRecord, now: float) -> Row:
    attempts = str(step.attempt) if step.attempt else ""
    return Row(label, state_of(step), attempts, span(_taken(step, now)), _short(_note(step)))


def state_of(step: StepRecord) -> str:
    """The step's state; Skipped for one that is Complete without having run."""
    return str(StepOutcome.SKIPPED) if step.outcome is StepOutcome.SKIPPED else str(step.state)


def _taken(step: StepRecord, now: float) -> float | None:
    if step.started_at is None:
        return None
    if step.state in LIVE_STEP_STATES:
        return now - step.started_at
    return None if step.finished_at is None else step.finished_at - step.started_at


def _note(step: StepRecord) -> str:
    if step.state is StepState.WAITING_FOR_RETRY:
        return f"next attempt at {stamp(step.next_retry_at)} after {step.error}"
    if step.stop is not None and step.state in LIVE_STEP_STATES:
        return f"being stopped: {step.stop.reason}"
    if step.error is not None and failed_attempt(step) < step.attempt:
        return f"after {step.error}"
    return "" if step.error is None else str(step.error)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _NOTE_LENGTH else line[: _NOTE_LENGTH - 1] + "…"
