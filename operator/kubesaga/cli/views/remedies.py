"""What a human can do about a Task, as commands that they can copy.

The second half of ``explain``. It offers what the engine would accept by the Task's state; whether the user may do it
is for the API server to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.constants import LABEL_ROLE, LABEL_STEP, LABEL_TASK_UID
from kubesaga.cli.views.attention import DEAF, ways_out
from kubesaga.cli.views.remedy import Remedy, command, explain_other, in_namespace, remedy
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.waits import failed, kind_of, planned_step
from kubesaga.engine.policies.approvals import TIMEOUT
from kubesaga.engine.policies.reopen import possible
from kubesaga.engine.records import StepRecord
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    RunningSteps,
    StepKind,
    StepState,
    TaskOutcome,
    TaskState,
)


def remedies(story: Story) -> list[Remedy]:
    """What can be done, the most likely first; each command once."""
    made = {each.command: each for each in (*_of_child(story), *_all(story))}
    return list(made.values())


def _all(story: Story) -> Iterator[Remedy]:
    if story.ended:
        yield from _of_ended(story)
        return
    if story.held:
        yield remedy(story, "resume", "let it go on")
    yield from ways_out(story)
    if story.status.attention is not None and story.status.attention.reason in DEAF:
        return
    if not story.seen:
        yield Remedy(command(story, "doctor", task=False), "look whether an operator serves the namespace")
        yield remedy(story, "cancel", "end it before it starts")
    elif story.status.ending is not None:
        yield from _of_ending(story)
    else:
        yield from _of_live(story)


def _of_child(story: Story) -> Iterator[Remedy]:
    """A sub-workflow follows its parent: what is decided there counts."""
    parent = story.status.parent
    if parent is not None:
        yield explain_other(story, parent.name, f"see its parent, whose step {parent.step} it is")


def _of_ended(story: Story) -> Iterator[Remedy]:
    status = story.status
    if status.outcome is TaskOutcome.INVALID_REQUEST:
        again = command(story, "submit", story.template, "--context", "@FILE", task=False)
        yield Remedy(again, "ask again, corrected")
    if status.state is not TaskState.ERROR:
        return  # one that its parent has cancelled is taken up again by its parent only
    if possible(status) and not story.parent_over:
        yield remedy(story, "retry", "take it up again where it failed")
        for step in failed(story):
            yield from _of_failed(story, step)
    yield remedy(story, "resolve", "declare it settled")


def _of_ending(story: Story) -> Iterator[Remedy]:
    ending = story.status.ending
    yield from _children(story)
    if ending is None:
        return
    if ending.phase is EndingPhase.QUIESCING and ending.trigger is EndingTrigger.CANCELLED and _drains(story):
        yield remedy(story, "cancel", "stop what still runs", "--terminate")
    if ending.phase is EndingPhase.COMPENSATING:
        yield from _of_undoing(story)


def _drains(story: Story) -> bool:
    """Whether what runs is let finish, although its user could have it stopped."""
    mode = (story.spec.get("cancellation") or {}).get("mode", RunningSteps.DRAIN)
    return mode != RunningSteps.TERMINATE and any(record.state in LIVE_STEP_STATES for record in story.forward)


def _of_undoing(story: Story) -> Iterator[Remedy]:
    undoing = [step.compensation for step in story.forward if step.compensation]
    stuck = [each for each in undoing if each.state is StepState.ERROR]
    for each in stuck:
        yield remedy(story, "retry-compensation", f"try again to undo {each.name}", each.name)
    for each in undoing:
        if each.state in (StepState.ERROR, StepState.WAITING_FOR_RETRY):
            yield remedy(story, "mark-compensated", f"declare {each.name} undone by hand", each.name)
            if each.job_name:
                yield remedy(story, "logs", "read what its undoing said", each.name, "--compensation")
        elif each.state in LIVE_STEP_STATES and each.job_name:
            yield _watching_undoing(story, each)
    if stuck:
        yield remedy(story, "abandon", "end it, with what is not undone left as it is")


def _watching_undoing(story: Story, record: StepRecord) -> Remedy:
    if record.state is StepState.ENQUEUED:
        return _pod(story, record, Role.COMPENSATION)
    return remedy(story, "logs", "read along what its undoing says", record.name, "--compensation", "--follow")


def _of_live(story: Story) -> Iterator[Remedy]:
    status = story.status
    for record in story.forward:
        yield from _of_step(story, record)
    if status.state is TaskState.BLOCKED_BY_FAILURES:
        yield from _of_blocked(story)
    else:
        for record in failed(story):
            yield from _of_failed(story, record)
    if status.state is TaskState.PENDING:
        yield from _of_pending(story)
        yield remedy(story, "cancel", "end it before it starts")
    else:
        yield remedy(story, "cancel", "end it; --compensate also undoes what was done")


def _of_pending(story: Story) -> Iterator[Remedy]:
    match story.status.reason:
        case "TemplateNotReady":
            wanted = story.template.partition("@")[0]
            yield Remedy(command(story, "templates show", wanted, task=False), "see what is wrong with its template")
        case "ParentNotFound":
            yield Remedy(f"kubectl delete ktask {story.name}{in_namespace(story)}", "delete it")
        case "TemplateNotFound":
            yield Remedy(command(story, "templates list", task=False), "see which templates and versions are there")


def _of_step(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.state is StepState.WAITING_FOR_RETRY:
        if record.job_name:
            yield remedy(story, "logs", f"read what attempt {record.attempt} said", record.name)
        yield from _settling(story, record)
        yield remedy(story, "fail", "fail it now, without another attempt", record.name)
        return
    if record.state not in LIVE_STEP_STATES:
        return
    match kind_of(story, record):
        case StepKind.APPROVAL:
            yield remedy(story, "approve", "answer yes", record.name)
            yield remedy(story, "reject", "answer no", record.name)
        case StepKind.TASK:
            yield from _child(story, record)
        case StepKind.PROGRAM:
            yield from _of_program(story, record)


def _of_program(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.state is StepState.ENQUEUED:
        yield _pod(story, record, Role.FORWARD)
    else:
        yield remedy(story, "logs", "read along what it says", record.name, "--follow")
    yield from _settling(story, record)
    yield remedy(story, "fail", "stop it, and have it fail", record.name)


def _pod(story: Story, record: StepRecord, role: Role) -> Remedy:
    labels = {LABEL_TASK_UID: story.uid, LABEL_STEP: record.name, LABEL_ROLE: str(role)}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return Remedy(f"kubectl describe pod{in_namespace(story)} -l {selector}", "see what keeps its pod")


def _of_blocked(story: Story) -> Iterator[Remedy]:
    yield remedy(story, "retry", "run what failed again")
    for record in failed(story):
        yield from _of_failed(story, record)
    if story.status.error is not None:
        yield remedy(story, "resolve", "give the result that could not be made", "--result", "JSON")
    yield remedy(story, "give-up", "end it now")


def _of_failed(story: Story, record: StepRecord) -> Iterator[Remedy]:
    if record.error is not None and record.error.type == TIMEOUT and kind_of(story, record) is StepKind.APPROVAL:
        yield remedy(story, "approve", "answer yes, late", record.name)
    yield remedy(story, "retry", "run this step again", record.name)
    yield from _settling(story, record)
    if record.job_name:
        yield remedy(story, "logs", "read what it said", record.name)
    yield from _child(story, record)


def _settling(story: Story, record: StepRecord) -> Iterator[Remedy]:
    yield remedy(story, "complete", "give its result by hand", record.name, "--result", "JSON")
    planned = planned_step(story, record.name)
    if planned is not None and planned.skippable:
        yield remedy(story, "skip", "leave it out", record.name)


def _children(story: Story) -> Iterator[Remedy]:
    for role, record in story.records():
        if role is Role.FORWARD and record.child_name and not _is_over(record):
            yield from _child(story, record)


def _is_over(record: StepRecord) -> bool:
    undoing = record.compensation
    return record.state not in LIVE_STEP_STATES and (undoing is None or undoing.state not in LIVE_STEP_STATES)


def _child(story: Story, record: StepRecord) -> Iterator[Remedy]:
    missing = story.status.attention is not None and story.status.attention.reason == "ChildMissing"
    if record.child_name and not missing:
        what = "came to" if _is_over(record) else "waits for"
        yield explain_other(story, record.child_name, f"see what the child Task of {record.name} {what}")
