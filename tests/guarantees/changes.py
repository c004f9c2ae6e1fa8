"""What may and what may not become of a Task's status by one write.

Each check here is one guarantee, as far as a single write can break it; ``ends`` has those about a Task's end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.vocabulary import StepEvent, TaskEvent
from tests.guarantees.attempts import (
    COMPENSATION,
    DONE,
    FORWARD,
    NOTHING,
    Obj,
    name_of_program,
    name_of_task,
    state_of_record,
    status_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.workflow import Workflow

ANEW = frozenset({StepEvent.RESET.value, StepEvent.REOPEN.value, StepEvent.REARM.value})
_KEPT = ("state", "outcome", "attempt", "result", "resultRef")


@dataclass(frozen=True, slots=True)
class Moved:
    """A record that a write changed; ``events``: by which its history says that it moved."""

    step: str
    role: str
    before: Obj
    after: Obj
    events: tuple[str, ...]

    def __str__(self) -> str:
        return f"{name_of_program(self.step, self.role)}, attempt {self.after.get('attempt', 0)}"

    @property
    def begins(self) -> bool:
        """Whether a new attempt is recorded."""
        return bool(self.after.get("attempt", 0) > self.before.get("attempt", 0))


@dataclass(frozen=True)
class TaskChange:
    """One write of a Task. ``added`` is what it adds to the history, ``moved`` the records that it changes."""

    before: Obj | None
    after: Obj
    workflow: Workflow | None
    added: Sequence[Obj]
    moved: Sequence[Moved]

    @classmethod
    def of(cls, before: Obj | None, after: Obj, workflow: Workflow | None, added: Sequence[Obj]) -> TaskChange:
        """Put two versions of a Task side by side."""
        return cls(before, after, workflow, added, tuple(_moved(status_of(before), status_of(after), added)))

    @property
    def name(self) -> str:
        """The Task, for breaches."""
        return name_of_task(self.after)

    @property
    def old(self) -> Obj:
        """The status before."""
        return status_of(self.before)

    @property
    def new(self) -> Obj:
        """The status after."""
        return status_of(self.after)

    @property
    def task_events(self) -> tuple[str, ...]:
        """By which events the Task itself moved."""
        return tuple(event for entry in self.added if "step" not in entry for event in entry["events"])

    @property
    def reopens(self) -> bool:
        """Whether the Task was taken up again."""
        return TaskEvent.REOPEN.value in self.task_events

    def breach(self, guarantee: Guarantee, what: str, of: Moved | None = None) -> Breach:
        """A breach by this write."""
        return Breach(guarantee, f"{self.name}, {of}" if of else self.name, what)


def _moved(old: Obj, new: Obj, added: Sequence[Obj]) -> Iterator[Moved]:
    before: Any = old.get("steps") or ()
    after: Any = new.get("steps") or ()
    if before is after:
        return
    names = {step["name"]: step for step in before} if len(before) != len(after) else None
    for i, now in enumerate(after):
        was = before[i] if names is None else names.get(now["name"], NOTHING)
        if was is now or was == now:
            continue
        yield Moved(now["name"], FORWARD, was, now, _events(added, now["name"], FORWARD))
        undone_before, undone_after = was.get("compensation") or NOTHING, now.get("compensation") or NOTHING
        if undone_before != undone_after:
            events = _events(added, now["name"], COMPENSATION)
            yield Moved(now["name"], COMPENSATION, undone_before, undone_after, events)


def _events(added: Sequence[Obj], step: str, role: str) -> tuple[str, ...]:
    mine = (entry for entry in added if entry.get("step") == step and entry.get("role", FORWARD) == role)
    return tuple(event for entry in mine for event in entry["events"])


def check_attempts(change: TaskChange) -> Iterator[Breach]:
    """attempts-only-grow."""
    guarantee = Guarantee.ATTEMPTS_ONLY_GROW
    for moved in change.moved:
        was, now = moved.before.get("attempt", 0), moved.after.get("attempt", 0)
        if now < was or now > was + 1:
            yield change.breach(guarantee, f"the attempt went from {was} to {now}", moved)
        if moved.begins and StepEvent.ENQUEUE.value not in moved.events:
            yield change.breach(guarantee, f"attempt {now} was never enqueued: {list(moved.events)}", moved)
        if StepEvent.ENQUEUE.value in moved.events and not moved.begins:
            yield change.breach(guarantee, f"attempt {now} is enqueued once more", moved)
        yield from _check_bound(change, moved)
    was, now = change.old.get("run", 0), change.new.get("run", 0)
    starts = change.reopens or TaskEvent.START.value in change.task_events
    if now != was and not (now == was + 1 and starts):
        yield change.breach(guarantee, f"the run went from {was} to {now} by {list(change.task_events)}")


def _check_bound(change: TaskChange, moved: Moved) -> Iterator[Breach]:
    """Retries are counted from where a human, a parent or a reopening began anew, and from nowhere else."""
    anew = not ANEW.isdisjoint(moved.events)
    was, now = moved.before.get("retryBase", 0), moved.after.get("retryBase", 0)
    if now != was and not (anew and now == moved.before.get("attempt", 0)):
        yield change.breach(
            Guarantee.ATTEMPTS_ONLY_GROW, f"retryBase went from {was} to {now} by {list(moved.events)}", moved
        )
    step = change.workflow.steps.get(moved.step) if change.workflow else None
    if step is None:
        return
    was, now = moved.before.get("ignored", 0), moved.after.get("ignored", 0)
    grows = now == was + 1 and step.may_ignore and StepEvent.SCHEDULE_RETRY.value in moved.events
    if now != was and not (grows or (anew and now == 0)):
        yield change.breach(
            Guarantee.ATTEMPTS_ONLY_GROW, f"ignored went from {was} to {now} by {list(moved.events)}", moved
        )
    record, most = moved.after, step.max_attempts[moved.role]
    counted = record.get("attempt", 0) - record.get("retryBase", 0) - record.get("ignored", 0)
    if moved.begins and counted > most:
        yield change.breach(Guarantee.ATTEMPTS_ONLY_GROW, f"it is number {counted} of at most {most}", moved)


def check_done_work(change: TaskChange) -> Iterator[Breach]:
    """done-work-is-kept."""
    for moved in change.moved:
        if state_of_record(moved.before) not in DONE:
            continue
        if moved.after.get("final") and StepEvent.REARM.value in moved.events:
            continue
        for field in _KEPT:
            was, now = moved.before.get(field), moved.after.get(field)
            if was != now:
                yield change.breach(Guarantee.DONE_WORK_IS_KEPT, f"{field} was {was!r} and is {now!r}", moved)


def check_actions(change: TaskChange) -> Iterator[Breach]:
    """actions-applied-once."""
    old, new = change.old.get("actions") or (), change.new.get("actions") or ()
    if old == new:
        return
    uids = [action["uid"] for action in new]
    twice = sorted({uid for uid in uids if uids.count(uid) > 1})
    if twice:
        yield change.breach(Guarantee.ACTIONS_APPLIED_ONCE, f"recorded more than once: {twice}")
    recorded = {action["uid"]: action for action in old}
    for action in new:
        before = recorded.get(action["uid"], action)
        if before != action:
            yield change.breach(Guarantee.ACTIONS_APPLIED_ONCE, f"its record was {before!r} and is {action!r}")
