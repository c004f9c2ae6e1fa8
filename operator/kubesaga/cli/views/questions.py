"""What a Task asks of humans at this moment, its sub-workflows included: nobody shall wait for themselves in silence.

``following`` says each question once, when it comes up. What needs attention is no question: it ends the waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubesaga.cli.views.remedy import command, explain_other
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.times import stamp
from kubesaga.cli.views.waits import blocked_until, failures, kind_of
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import StepKind, TaskState

UNSEEN_AFTER = 10.0
"""Seconds after which a Task that no operator has looked at is worth a word: usually it takes a tenth of one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What goes on only, or sooner, when a human decides; and the command that answers, or says more."""

    what: str
    command: str


def questions(story: Story, now: float) -> list[Question]:
    """All that are open, those of the Task itself first."""
    return [*_of_parent(story), *_all(story, now)]


def _all(story: Story, now: float) -> Iterator[Question]:
    if story.ended or story.status.attention is not None:
        return
    if story.seen:
        yield from _own(story)
    elif story.created_at is not None and now - story.created_at >= UNSEEN_AFTER:
        yield Question(f"no operator has looked at Task {story.name} yet", command(story, "doctor", task=False))
    for child in story.children.values():
        yield from _all(child, now)


def _own(story: Story) -> Iterator[Question]:
    status = story.status
    if status.state is TaskState.PENDING:
        yield Question(f"Task {story.name} cannot start: {status.message}", command(story, "explain"))
        return
    if status.suspended_since is not None and story.held:
        yield Question(f"Task {story.name} is suspended: nothing new is started", command(story, "resume"))
    if status.state is TaskState.BLOCKED_BY_FAILURES and status.ending is None:
        until = blocked_until(story)
        time = f" until {stamp(until)}" if until is not None else ""
        yield Question(f"Task {story.name} can be repaired{time}: {failures(story)}", command(story, "explain"))
    for record in story.forward:
        if record.state in LIVE_STEP_STATES and kind_of(story, record) is StepKind.APPROVAL:
            what = f"Task {story.name} waits for an answer to the approval {record.name}: approve it or reject it"
            yield Question(what, command(story, "approve", record.name))


def _of_parent(story: Story) -> Iterator[Question]:
    """A sub-workflow is suspended with its parent; where the parent is shown itself, that is told of it."""
    parent, status = story.status.parent, story.status
    if parent is not None and status.suspended_since is not None and not (story.ended or story.held):
        what = f"Task {story.name} is suspended with its parent Task {parent.name}"
        yield Question(what, explain_other(story, parent.name, "").command)
