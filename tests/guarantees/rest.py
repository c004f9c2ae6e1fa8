"""At rest: every Task has ended, or says which human decision it waits for; nothing is left of those that are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kubesaga.api import constants as c
from kubesaga.api.times import epoch
from kubesaga.engine.vocabulary import StepKind, TaskState
from tests.guarantees.attempts import (
    FORWARD,
    LIVE,
    Obj,
    condition,
    has_ended,
    is_true,
    labels_of,
    name_of_task,
    records_of,
    state_of,
    state_of_record,
    status_of,
    task_uid_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.story import Story, attempt_of_run
from tests.guarantees.workflow import Workflow

PATIENCE = 60.0
"""Seconds by which what is due may be late before it counts as forgotten."""

Find = Callable[[str], Obj | None]
"""Looks a Task up by its name, in the namespace of the one that is asked about."""


def check_named(story: Story, find: Find, others: Iterable[Obj], now: float) -> Iterator[Breach]:
    """ends-or-names-a-human. ``now``: the operators' time in seconds since the epoch, ``others``: all Tasks."""
    task = story.task
    if has_ended(task) or is_going(task) or waits_for_human(story, find, now) or _ends_by_itself(story, now):
        return
    waits_for_slot = "slot" in str(status_of(task).get("message")) and state_of(task) == "WaitingForDependencies"
    if not (waits_for_slot and any(other is not task and not has_ended(other) for other in others)):
        said = f"{state_of(task)}: {status_of(task).get('message')!r}"
        yield Breach(Guarantee.ENDS_OR_NAMES_A_HUMAN, name_of_task(task), f"waits for nothing that it names: {said}")


def is_going(task: Obj) -> bool:
    """Whether its deletion is Kubernetes' affair alone, which may wait for the pod of a lost node."""
    meta = task["metadata"]
    return bool(meta.get("deletionTimestamp")) and c.FINALIZER not in (meta.get("finalizers") or ())


def waits_for_human(story: Story, find: Find, now: float) -> bool:
    """Whether the status of a Task that has not ended says which human decision it waits for."""
    named = (_attention, _suspended, _template, _approval)
    return any(what(story, now) for what in named) or _child(story, find) is not None


def _ends_by_itself(story: Story, now: float) -> bool:
    """Whether there is something still to come that is not over yet: time for a repair, a program, a retry."""
    return bool(_blocked(story, now) or _running(story, now))


def _attention(story: Story, _: float) -> str | None:
    """NeedsAttention, with a sentence; while undoing, one that names what is stuck."""
    found = condition(story.task, c.NEEDS_ATTENTION)
    told = found.get("status") == "True" and found.get("message")
    if not told or str(found["message"])[:200] not in str(status_of(story.task).get("message")):
        return None
    stuck = [step for step, role, record in records_of(story.task) if role != FORWARD and _has_failed(record)]
    named = not stuck or any(step in found["message"] for step in stuck)
    return str(found["message"]) if named else None


def _has_failed(record: Obj) -> bool:
    return state_of_record(record) == "Error"


def _suspended(story: Story, _: float) -> str | None:
    return "resumption" if is_true(story.task, c.SUSPENDED) else None


def _template(story: Story, _: float) -> str | None:
    """A Task that has not started names the template that it waits for."""
    reason = condition(story.task, c.READY).get("reason")
    pending = state_of(story.task) == TaskState.PENDING.value
    told = reason not in (None, TaskState.PENDING.value) and status_of(story.task).get("message")
    return str(reason) if pending and told else None


def _blocked(story: Story, now: float) -> str | None:
    """A failed Task can be repaired for a while that its template sets."""
    status, workflow = status_of(story.task), story.workflow
    if state_of(story.task) != TaskState.BLOCKED_BY_FAILURES.value or workflow is None:
        return None
    since = max(epoch(status["blockedSince"]), epoch(status.get("resumedAt") or status["blockedSince"]))
    return "repair" if now < since + workflow.blocked_timeout + PATIENCE else None


def _approval(story: Story, now: float) -> str | None:
    """An open approval, named in the message, and not past its time-out."""
    for step, role, record in records_of(story.task):
        kind = story.workflow.steps[step].kind if story.workflow and role == FORWARD else None
        if kind is not StepKind.APPROVAL or state_of_record(record) not in LIVE:
            continue
        assert story.workflow is not None
        timeout = story.workflow.steps[step].approval_timeout
        resumed = status_of(story.task).get("resumedAt") or record["startedAt"]
        is_due = timeout is not None and now > max(epoch(record["startedAt"]), epoch(resumed)) + timeout + PATIENCE
        if not is_due and f"approval {step}" in str(status_of(story.task).get("message")):
            return f"approval {step}"
    return None


def _running(story: Story, now: float) -> str | None:
    """A program that truly runs where it can be heard of, or a retry whose time is still to come, ends the wait."""
    for run in story.live:
        attempt = attempt_of_run(run)
        if attempt not in story.node_lost and state_of_record(story.record(run.step, run.role)) in LIVE:
            return f"{attempt}"
    due = status_of(story.task).get("nextRetryAt")
    return "retry" if due and now < epoch(due) + PATIENCE else None


def _child(story: Story, find: Find) -> str | None:
    """A sub-workflow that itself waits for what it names."""
    for step, _, record in records_of(story.task):
        name = story.record(step, FORWARD).get("childName")
        if name and state_of_record(record) in LIVE and name in str(status_of(story.task).get("message")):
            child = find(name)
            if child is not None and not has_ended(child):
                return f"child {name}"
    return None


def check_gone(uid: str, task: Obj, left: Iterable[tuple[str, Obj]]) -> Iterator[Breach]:
    """dependents-go-with-their-task. ``left``: resource and object of everything that there is."""
    for resource, obj in left:
        if task_uid_of(obj) == uid or labels_of(obj).get(c.LABEL_PARENT_UID) == uid:
            said = f"is gone, and left {resource} {obj['metadata']['name']}"
            yield Breach(Guarantee.DEPENDENTS_GO_WITH_THEIR_TASK, name_of_task(task), said)


def undone_before_gone(task: Obj, workflow: Workflow | None) -> Iterator[Breach]:
    """due-undoing-done-or-named, as a Task goes: its policy has what it did undone first."""
    policy = task["spec"].get("deletionPolicy") or ("Compensate" if workflow and workflow.compensates else "Delete")
    if policy != "Compensate" or workflow is None or has_ended(task):
        return
    if condition(task, c.NEEDS_ATTENTION).get("reason") == "NamespaceTerminating":
        return
    due = [step for step, role, record in records_of(task) if role == FORWARD and workflow.is_due(step, record)]
    if due:
        said = f"is gone as {state_of(task)}, and nobody undid {due}"
        yield Breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, name_of_task(task), said)
