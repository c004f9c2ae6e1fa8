"""A Task and its sub-workflows in one process: each a Session, seeing of the others what it would see on a cluster.

Driven like a Session, by the SDK's runners, the local engine and the test kit:

    family = Family(root, make)
    while not root.ended:
        for session, decision in family.decide(now):
            ...  # decision.launches of programs, decision.stops

Commands go down through the parent's record of the step, what became of a child goes up through its status
(semantics 5, Sub-workflow): nothing else passes between two Sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.kinship import link_below, seen_child, seen_parent
from kubesaga.engine.plan import ChildTask, ExpressionError
from kubesaga.engine.records import ParentLink, StepError, StepRecord
from kubesaga.engine.session import Session
from kubesaga.engine.snapshot import Child, Parent
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import Role, StepKind


@dataclass(frozen=True, slots=True)
class Birth:
    """A child Task that is to be made: its name, its place, which template it runs, and its context."""

    parent: Session
    name: str
    link: ParentLink
    template: ChildTask
    context: Mapping[str, Any]


class Unknown(Exception):
    """There is no such template; the sentence says which, and what to do."""


class Family:
    """A root Task and all below it.

    ``make`` makes the Session of a child, with its ``link``; it raises Unknown where the template is not there, which
    fails the step. ``key`` is the root's idempotencyKey. ``below`` are the children of a Family that goes on.
    """

    def __init__(
        self,
        root: Session,
        make: Callable[[Birth, float], Session],
        *,
        key: str | None = None,
        below: Iterable[Session] = (),
    ) -> None:
        self.root = root
        self._make = make
        self._key = key
        self._children: dict[tuple[str, str], Session] = {}  # by the parent's UID and its step
        self._wakes: dict[str, float | None] = {}
        self._alone = all(step.kind is not StepKind.TASK for step in root.plan.steps)
        for session in below:
            self._adopt(session)

    def sessions(self) -> Iterator[Session]:
        """All of them, each parent before its children."""
        todo = [self.root]
        while todo:
            session = todo.pop(0)
            yield session
            todo += self._below(session)

    def child(self, *steps: str) -> Session:
        """The Task at the end of these steps. Raises KeyError."""
        session = self.root
        for step in steps:
            session = self._children[session.uid, step]
        return session

    @property
    def wake_at(self) -> float | None:
        """When time alone will change a decision, as the last ``decide`` left it; None = never."""
        return min((at for at in self._wakes.values() if at is not None), default=None)

    @property
    def ended(self) -> bool:
        """Whether every Task is at its end."""
        return all(session.ended for session in self.sessions())

    @property
    def waits_for_human(self) -> bool:
        """Whether nothing goes on anywhere, and some Task waits for an action (or for time)."""
        sessions = list(self.sessions())
        busy = any(session.has_news or session.live() or self._retries(session) for session in sessions)
        return not busy and any(session.waits_for_human for session in sessions)

    def decide(self, now: float) -> list[tuple[Session, Decision]]:
        """What follows for each, until nothing more does at ``now``: those Tasks of which something is to be done,
        written or told, in order. A driver that keeps statuses writes all of them before it launches anything.
        """
        found: list[tuple[Session, Decision]] = []
        while True:
            news = [each for session in list(self.sessions()) if (each := self._decide(session, now)) is not None]
            found += news
            if not news or self._alone:
                return found

    def _decide(self, session: Session, now: float) -> tuple[Session, Decision] | None:
        before = session.status
        session.parent = self._parent_of(session)
        session.children = self._children_of(session)
        decision = session.decide(now)
        self._wakes[session.uid] = decision.wake_at
        births = [attempt for attempt in decision.launches if self._is_child(session, attempt)]
        for attempt in births:
            self._give_birth(session, attempt, now)
        programs = tuple(attempt for attempt in decision.launches if attempt not in births)
        if decision.status is before and not (births or programs or decision.stops or decision.verdicts):
            return None
        return session, replace(decision, launches=programs)

    # --- what one sees of the other ------------------------------------------------------------------------

    def _parent_of(self, session: Session) -> Parent | None:
        link = session.status.parent or session.link
        if link is None:
            return None
        parent = next(each for each in self.sessions() if each.uid == link.uid)
        planned = parent.plan.steps[parent.plan.graph.index[link.step]].compensation
        return seen_parent(
            link, parent.status, parent.record(link.step), planned.kind if planned else None, suspended=parent.suspended
        )

    def _children_of(self, parent: Session) -> dict[int, Child]:
        """The children that bear on the parent's decision: those it waits for, has undone or ends with, or that run."""
        seen: dict[int, Child] = {}
        for i, record in enumerate(parent.status.steps):
            child = self._children.get((parent.uid, record.name))
            if child is None:
                continue
            undoing = record.compensation is not None and record.compensation.state in LIVE_STEP_STATES
            if record.state in LIVE_STEP_STATES or undoing or parent.status.ending is not None or not child.ended:
                seen[i] = replace(seen_child(child.status), result=child.result)
        return seen

    # --- children --------------------------------------------------------------------------------------------

    def _give_birth(self, parent: Session, attempt: Attempt, now: float) -> None:
        """Make the child of a step, unless it is there: then it reads in its parent's record that it is wanted."""
        if attempt.role is not Role.FORWARD or (parent.uid, attempt.step) in self._children:
            return
        try:
            self._adopt(self._make(self._birth(parent, parent.record(attempt.step)), now))
        except ExpressionError as error:
            parent.refused(attempt, StepError("ExpressionFailed", str(error), retryable=False))
        except Unknown as error:
            parent.refused(attempt, StepError("TemplateNotFound", str(error), retryable=False))

    def _birth(self, parent: Session, record: StepRecord) -> Birth:
        template = parent.plan.steps[parent.plan.graph.index[record.name]].child
        assert template is not None
        assert record.child_name is not None
        called = f"{parent.plan.domain}/{parent.plan.name}"
        link = link_below(parent.name, parent.uid, self._key, called, parent.status.parent, record)
        return Birth(parent, record.child_name, link, template, template.make_context(parent.scope(record.name)))

    def _adopt(self, session: Session) -> None:
        link = session.status.parent or session.link
        assert link is not None
        self._children[link.uid, link.step] = session

    def _below(self, parent: Session) -> list[Session]:
        found = (self._children.get((parent.uid, step.name)) for step in parent.plan.steps)
        return [child for child in found if child is not None]

    def _is_child(self, session: Session, attempt: Attempt) -> bool:
        return session.plan.kind(session.plan.graph.index[attempt.step], attempt.role) is StepKind.TASK

    def _retries(self, session: Session) -> bool:
        records = [each for step in session.status.steps for each in (step, step.compensation) if each]
        return not session.suspended and any(record.next_retry_at is not None for record in records)
