"""The decision while it is being made: a working copy of the status on which the policies act in turn.

``decide`` makes one, hands it from policy to policy, and takes the Decision out of it. The snapshot itself is never
touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubesaga.engine.decision import Attempt, Decision, Event
from kubesaga.engine.plan import Plan, RetryPolicy
from kubesaga.engine.records import (
    Attention,
    Ending,
    PinnedTemplate,
    Saga,
    StepRecord,
    TaskStatus,
    Transition,
)
from kubesaga.engine.snapshot import Observation, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES, check_step, check_task
from kubesaga.engine.vocabulary import (
    Role,
    StepEvent,
    StepState,
    TaskEvent,
    TaskOutcome,
    TaskState,
)


class Draft:
    """A Task's status under work. The policies read and write its attributes; times are seconds since the epoch."""

    def __init__(self, plan: Plan, snapshot: Snapshot, now: float) -> None:
        status = snapshot.status
        self.plan = plan
        self.snapshot = snapshot
        self.now = now
        self.state: TaskState = status.state
        self.outcome: TaskOutcome | None = status.outcome
        self.message: str = status.message
        self.result: Any = status.result
        self.template: PinnedTemplate | None = status.template
        self.run: int = status.run
        self.started_at: float | None = status.started_at
        self.finished_at: float | None = status.finished_at
        self.blocked_since: float | None = status.blocked_since
        self.ending: Ending | None = status.ending
        self.saga: Saga | None = status.saga
        self.attention: Attention | None = None
        self.steps: list[StepRecord] = list(status.steps)
        self.transitions: list[Transition] = []
        self.launches: list[Attempt] = []
        self.fences: list[Attempt] = []
        self.stops: list[Attempt] = []
        self.events: list[Event] = []
        self.wake_at: float | None = None
        self.results_size: int | None = None  # bytes of the accepted results, once somebody asked
        # What happened in this pass, for the Task's own state machine.
        self.finished_any = False
        self.enqueued_any = False
        self.retried_any = False

    # --- reading -------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the Task is in a terminal state."""
        return self.state in TERMINAL_TASK_STATES

    def record(self, i: int, role: Role) -> StepRecord:
        """The step's record in this role; a compensation that has not begun is a fresh record."""
        step = self.steps[i]
        if role is Role.FORWARD:
            return step
        return step.compensation or StepRecord(step.name)

    def retry_policy(self, i: int, role: Role) -> RetryPolicy:
        """The retry policy of the step in this role."""
        step = self.plan.steps[i]
        if role is Role.COMPENSATION and step.compensation:
            return step.compensation.retry
        return step.retry

    def start_timeout(self, i: int, role: Role) -> float:
        """Seconds that an attempt may take from enqueue to running."""
        step = self.plan.steps[i]
        if role is Role.COMPENSATION and step.compensation:
            return step.compensation.start_timeout
        return step.start_timeout

    def observed(self, i: int, role: Role) -> Observation:
        """What is seen of the step's latest attempt."""
        return self.snapshot.observed(i, role)

    def any_live(self) -> bool:
        """Whether a forward attempt is under way."""
        return any(step.state in LIVE_STEP_STATES for step in self.steps)

    # --- writing -------------------------------------------------------------------------------------------

    def move_step(self, i: int, role: Role, event: StepEvent, target: StepState, **changes: Any) -> None:
        """Take a step through one transition, recorded, together with the changes to its record."""
        before = self.record(i, role)
        check_step(event, before.state, target)
        after = replace(before, state=target, **changes)
        self._put(i, role, after)
        error = after.error if event in (StepEvent.FAILED, StepEvent.FAIL) else None
        self.transitions.append(
            Transition(
                at=self.now,
                event=event,
                source=before.state,
                target=target,
                step=after.name,
                role=role,
                attempt=after.attempt or None,
                message=str(error) if error and event is StepEvent.FAILED else None,
            )
        )

    def change_step(self, i: int, role: Role, **changes: Any) -> None:
        """Change a step's record without moving its state."""
        self._put(i, role, replace(self.record(i, role), **changes))

    def move_task(self, event: TaskEvent, target: TaskState, message: str | None = None) -> None:
        """Take the Task through one transition, recorded."""
        check_task(event, self.state, target)
        self.transitions.append(Transition(self.now, event, self.state, target, message=message))
        self.state = target

    def emit(self, reason: str, note: str, *, warning: bool = False) -> None:
        """Tell the humans who watch the Task, once the decision is written."""
        self.events.append(Event(reason, note, warning))

    def wake(self, at: float) -> None:
        """Have the Task looked at again at this time, if not before."""
        if self.wake_at is None or at < self.wake_at:
            self.wake_at = at

    def attempt(self, i: int, role: Role) -> Attempt:
        """The step's latest attempt."""
        return Attempt(self.steps[i].name, role, self.record(i, role).attempt)

    def decision(self) -> Decision:
        """The result; the snapshot's own status object stands for 'nothing to write'."""
        return Decision(
            status=self._status(),
            transitions=tuple(self.transitions),
            launches=tuple(self.launches),
            fences=tuple(self.fences),
            stops=tuple(self.stops),
            events=tuple(self.events),
            wake_at=None if self.ended else self.wake_at,
        )

    def _status(self) -> TaskStatus:
        before = self.snapshot.status
        after = TaskStatus(
            state=self.state,
            outcome=self.outcome,
            message=self.message,
            result=self.result,
            template=self.template,
            run=self.run,
            started_at=self.started_at,
            finished_at=self.finished_at,
            blocked_since=self.blocked_since,
            ending=self.ending,
            steps=tuple(self.steps),
            saga=self.saga,
            attention=self.attention,
        )
        return before if after == before else after

    def _put(self, i: int, role: Role, record: StepRecord) -> None:
        if role is Role.FORWARD:
            self.steps[i] = record
        else:
            self.steps[i] = replace(self.steps[i], compensation=record)
