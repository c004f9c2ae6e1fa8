"""What a human can do about a Task, as commands that they can copy.

The second half of ``explain``. It offers what the engine would accept by the Task's state; whether the user may do it
is for the API server to say.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from kubesaga.cli.views.story import Story
from kubesaga.cli.views.waits import failed, kind_of, planned_step
from kubesaga.engine.policies.approvals import TIMEOUT
from kubesaga.engine.policies.reopen import possible
from kubesaga.engine.records import StepRecord
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import EndingPhase, Role, StepKind, StepState, TaskOutcome, TaskState


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that a human can do: the command, and what it does."""

    command: str
    does: str


def remedies(story: Story) -> list[Remedy]:
    """What can be done, the most likely first; each command once."""
    made = {remedy.command: remedy for remedy in (*_of_child(story), *_all(story))}
    return list(made.values())


def _all(story: Story) -> Iterator[Remedy]:
    if not story.seen:
        yield Remedy(_command(story, "doctor", task=False), "look whether an operator serves the namespace")
        yield _remedy(story, "cancel", "end it before it starts")
    elif story.ended:
        yield from _of_ended(story)
    elif story.status.ending is not None:
        yield from _of_ending(story)
    else:
        yield from _of_live(story)


def _of_child(story: Story) -> Iterator[Remedy]:
    """A sub-workflow follows its parent: what is decided there counts."""
    parent = story.status.parent
    if parent is not None:
        yield Remedy(
            f"kubesaga explain {parent.name}{_namespace(story)}", f"see its parent, whose step {parent.step} it is"
        )


def _of_ended(story: Story) -> Iterator[Remedy]:
    status = story.status
    if status.outcome is TaskOutcome.INVALID_REQUEST:
        yield Remedy(_command(story, "submit", task=False) + " TEMPLATE --context @FILE", "ask again, corrected")
    if status.state is not TaskState.ERROR and not possible(status):
        return
    if possible(status):
        yield _remedy(story, "retry", "take it up again where it failed")
        for step in failed(story):
            yield from _of_failed(story, step)
    if status.state is TaskState.ERROR:
        yield _remedy(story, "resolve", "declare it settled")


def _of_ending(story: Story) -> Iterator[Remedy]:
    ending, attention = story.status.ending, story.status.attention
    if story.status.suspended_since is not None:
        yield _remedy(story, "resume", "let it go on")
    if attention is not None and attention.reason == "StepNotStopped":
        for step in _named(story, attention.message):
            yield _remedy(story, "confirm-stopped", f"your word that nothing of {step} runs any more", step)
    yield from _children(story)
    if ending is None or ending.phase is not EndingPhase.COMPENSATING:
        return
    stuck = [s.name for s in story.forward if s.compensation and s.compensation.state is StepState.ERROR]
    for step in stuck:
        yield _remedy(story, "retry-compensation", f"try again to undo {step}", step)
        yield _remedy(story, "mark-compensated", f"declare {step} undone by hand", step)
    if stuck:
        yield _remedy(story, "abandon", "end it, with what is not undone left as it is")


def _of_live(story: Story) -> Iterator[Remedy]:
    status = story.status
    if status.suspended_since is not None:
        yield _remedy(story, "resume", "let it go on")
    if status.attention is not None and status.attention.reason == "StepNotStopped":
        for step in _named(story, status.attention.message):
            yield _remedy(story, "confirm-stopped", f"your word that nothing of {step} runs any more", step)
    for record in story.forward:
        yield from _of_step(story, record)
    if status.state is TaskState.BLOCKED_BY_FAILURES:
        yield from _of_blocked(story)
    if status.state is TaskState.PENDING:
        yield Remedy(_command(story, "templates list", task=False), "see which templates and versions are there")
    yield _remedy(story, "cancel", "end it; --compensate also undoes what was done")


def _of_step(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.state is StepState.WAITING_FOR_RETRY:
        yield _remedy(story, "logs", f"read what attempt {record.attempt} said", record.name)
        yield from _settling(story, record)
        yield _remedy(story, "fail", "fail it now, without another attempt", record.name)
        return
    if record.state not in LIVE_STEP_STATES:
        return
    match kind_of(story, record):
        case StepKind.APPROVAL:
            yield _remedy(story, "approve", "answer yes", record.name)
            yield _remedy(story, "reject", "answer no", record.name)
        case StepKind.TASK:
            yield from _child(story, record)
        case StepKind.PROGRAM if record.state is StepState.ENQUEUED:
            selector = f"kubesaga.dev/task-uid={story.uid},kubesaga.dev/step={record.name}"
            yield Remedy(f"kubectl describe pod{_namespace(story)} -l {selector}", "see what keeps its pod")
        case StepKind.PROGRAM:
            yield _remedy(story, "logs", "read along what it says", record.name, "--follow")


def _of_blocked(story: Story) -> Iterator[Remedy]:
    yield _remedy(story, "retry", "run what failed again")
    for record in failed(story):
        yield from _of_failed(story, record)
    if story.status.error is not None:
        yield _remedy(story, "resolve", "give the result that could not be made", "--result", "JSON")
    yield _remedy(story, "give-up", "end it now")


def _of_failed(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.error is not None and record.error.type == TIMEOUT and kind_of(story, record) is StepKind.APPROVAL:
        yield _remedy(story, "approve", "answer yes, late", record.name)
    yield _remedy(story, "retry", "run this step again", record.name)
    yield from _settling(story, record)
    if record.job_name:
        yield _remedy(story, "logs", "read what it said", record.name)


def _settling(story: Story, record: StepRecord) -> Iterator[Remedy]:
    yield _remedy(story, "complete", "give its result by hand", record.name, "--result", "JSON")
    planned = planned_step(story, record.name)
    if planned is not None and planned.skippable:
        yield _remedy(story, "skip", "leave it out", record.name)


def _children(story: Story) -> Iterator[Remedy]:
    for role, record in story.records():
        if role is Role.FORWARD and record.child_name and not _is_over(record):
            yield from _child(story, record)


def _is_over(record: StepRecord) -> bool:
    undoing = record.compensation
    return record.state not in LIVE_STEP_STATES and (undoing is None or undoing.state not in LIVE_STEP_STATES)


def _child(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.child_name:
        command = f"kubesaga explain {record.child_name}{_namespace(story)}"
        yield Remedy(command, f"see what the child Task of {record.name} waits for")


def _named(story: Story, message: str) -> list[str]:
    """The steps that a message names."""
    words = set(re.findall(r"[a-z0-9_]+", message))
    return [step.name for step in story.status.steps if step.name in words]


def _remedy(story: Story, verb: str, does: str, *words: str) -> Remedy:
    return Remedy(_command(story, verb, *words), does)


def _command(story: Story, verb: str, *words: str, task: bool = True) -> str:
    named = [story.name, *words] if task else list(words)
    return f"kubesaga {verb}" + "".join(f" {shlex.quote(word)}" for word in named) + _namespace(story)


def _namespace(story: Story) -> str:
    return f" -n {story.namespace}" if story.namespace else ""
