"""Which chain of steps a Task's duration came from: shorten one of these, and the Task is shorter.

From the step that ended last back to the one that it waited for longest, and so on to a step that waited for none.
Where the Task was undone, the chain goes on through its compensations in the same way, and then through ``finally``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kubesaga.cli.views.story import Story
from kubesaga.engine.records import StepRecord
from kubesaga.engine.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain, or its compensation, in seconds: how long it took in all its attempts, and how long it
    waited before.

    ``waited`` runs from the end of what it waited for (the Task's start for the first one) to its first launch.
    """

    step: str
    role: Role
    begun_at: float
    ended_at: float
    waited: float

    @property
    def seconds(self) -> float:
        """From its first launch to its end."""
        return self.ended_at - self.begun_at


def critical_path(story: Story) -> list[Link]:
    """The chain, first step first; empty where nothing has ended, or the template is not known."""
    if story.plan is None:
        return []
    parents = {step.name: (*step.depends_on, *step.run_after) for step in story.plan.steps}
    chain = _chain(Role.FORWARD, story.forward, parents, story.status.started_at or 0.0)
    if story.status.saga is not None and chain:
        undoing = [record for role, record in story.records() if role is Role.COMPENSATION]
        order = {entry.step: entry.after for entry in story.status.saga.plan}
        chain += _chain(Role.COMPENSATION, undoing, order, chain[-1].ended_at)
    if chain:
        finals = [step for step in story.status.steps if step.name in story.finals]
        chain += _chain(Role.FORWARD, finals, parents, chain[-1].ended_at)
    return chain


def _chain(role: Role, records: Iterable[StepRecord], parents: Mapping[str, Iterable[str]], start: float) -> list[Link]:
    """The chain among these records, of which each waits for its parents, and the first for ``start``."""
    done = {each.name: each for each in records if _begun(each) is not None and each.finished_at is not None}
    chain: list[Link] = []
    current = _last(done.values())
    while current is not None:
        before = _last(done[name] for name in _waited_for(current.name, parents, done.keys()))
        begun = _begun(current) or start
        waited = begun - (_ended(before) if before else start)
        chain.append(Link(current.name, role, begun, _ended(current), max(0.0, waited)))
        current = before
    return chain[::-1]


def _waited_for(name: str, parents: Mapping[str, Iterable[str]], done: Collection[str]) -> set[str]:
    """The nearest steps before this one that ran: one that was skipped hands on what it waited for itself."""
    found: set[str] = set()
    seen: set[str] = set()
    look = list(parents.get(name, ()))
    while look:
        parent = look.pop()
        if parent in done:
            found.add(parent)
        elif parent not in seen:
            seen.add(parent)
            look.extend(parents.get(parent, ()))
    return found


def _begun(step: StepRecord) -> float | None:
    return step.first_enqueued_at if step.first_enqueued_at is not None else step.enqueued_at


def _last(steps: Iterable[StepRecord]) -> StepRecord | None:
    return max(steps, key=_ended, default=None)


def _ended(step: StepRecord) -> float:
    """Not before its launch, although a container tells its end in whole seconds, cut off."""
    return max(step.finished_at or 0.0, _begun(step) or 0.0)
