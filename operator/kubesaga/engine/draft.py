"""The decision while it is being made: a working copy of the status on which the policies act in turn.

``decide`` makes one, hands it from policy to policy, and takes the Decision out of it. The snapshot itself is never
touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubesaga.engine import acceptance, waits
from kubesaga.engine.decision import Attempt, Blob, Decision, Event, Verdict
from kubesaga.engine.plan import Plan, RetryPolicy, Scope
from kubesaga.engine.records import (
    ActionRecord,
    Attention,
    Ending,
    ParentLink,
    PinnedTemplate,
    Saga,
    StepError,
    StepRecord,
    TaskStatus,
    Transition,
)
from kubesaga.engine.scope import resolve, scope_of_steps
from kubesaga.engine.snapshot import Observation, Phase, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES, check_step, check_task
from kubesaga.engine.vocabulary import (
    DeletionPolicy,
    Role,
    StepEvent,
    StepKind,
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
        self.state_since: float | None = status.state_since
        self.outcome: TaskOutcome | None = status.outcome
        self.message: str = status.message
        self.result: Any = status.result
        self.error: StepError | None = status.error
        self.template: PinnedTemplate | None = status.template
        self.request_hash: str | None = status.request_hash
        self.parent: ParentLink | None = status.parent
        self.run: int = status.run
        self.started_at: float | None = status.started_at
        self.run_started_at: float | None = status.run_started_at
        self.finished_at: float | None = status.finished_at
        self.blocked_since: float | None = status.blocked_since
        self.suspended_since: float | None = status.suspended_since
        self.resumed_at: float | None = status.resumed_at
        self.stale: bool = status.stale
        self.finally_failed: bool = status.finally_failed
        self.ending: Ending | None = status.ending
        self.saga: Saga | None = status.saga
        self.actions: list[ActionRecord] = list(status.actions)
        self.attention: Attention | None = None
        self.steps: list[StepRecord] = list(status.steps)
        self.transitions: list[Transition] = []
        self.launches: list[Attempt] = []
        self.fences: list[Attempt] = []
        self.stops: list[Attempt] = []
        self.events: list[Event] = []
        self.verdicts: list[Verdict] = []
        self.blobs: list[Blob] = []
        self.claim = False
        self.release = False
        self.wake_at: float | None = None
        self.reopened = False  # by this decision
        self.unheard = False  # there are actions that the next decision is to hear
        self.inline_size: int | None = None  # bytes of the results kept in the status, once somebody asked
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

    def kind(self, i: int, role: Role) -> StepKind:
        """Whether the step, or its compensation, is a program, a child Task or an approval."""
        return self.plan.kind(i, role)

    def retry_policy(self, i: int, role: Role) -> RetryPolicy:
        """The retry policy of the step in this role."""
        step = self.plan.steps[i]
        if role is Role.COMPENSATION and step.compensation:
            return step.compensation.retry
        return step.retry

    def start_timeout(self, i: int, role: Role) -> float:
        """Seconds that an attempt may take from enqueue to running."""
        return self.plan.start_timeout(i, role)

    def observed(self, i: int, role: Role) -> Observation:
        """What is seen of the step's latest attempt.

        A program whose result is refused counts as running until its Job is over. Its success is seen before that, but
        a failure may be followed by the next attempt at once, and that must not begin beside a Job that is not over.
        """
        if self.kind(i, role) is not StepKind.PROGRAM:
            return waits.observed(self.snapshot, self.record(i, role), i, role, self.kind(i, role))
        seen = self.snapshot.observed(i, role)
        if seen.phase is Phase.SUCCEEDED and not seen.terminal and self._will_refuse(i, role, seen):
            return replace(seen, phase=Phase.RUNNING)
        return seen

    def _will_refuse(self, i: int, role: Role, seen: Observation) -> bool:
        if role is Role.COMPENSATION or self.steps[i].state not in LIVE_STEP_STATES:
            return False
        return acceptance.refusal(self.plan.steps[i], seen.result, seen.metadata) is not None

    def live(self) -> list[tuple[int, Role]]:
        """Every step, and every compensation, that is under way."""
        states = LIVE_STEP_STATES
        found = [(i, Role.FORWARD) for i, step in enumerate(self.steps) if step.state in states]
        if self.saga is not None:
            undoing = [(i, step.compensation) for i, step in enumerate(self.steps) if step.compensation]
            found += [(i, Role.COMPENSATION) for i, record in undoing if record.state in states]
        return found

    def any_live(self, *kinds: StepKind) -> bool:
        """Whether a forward step of one of these kinds is under way."""
        steps, live = self.plan.steps, LIVE_STEP_STATES
        return any(self.steps[i].state in live and steps[i].kind in kinds for i in self.plan.forward)

    def scope(self, i: int | None) -> Scope:
        """What the expressions of this step, or (None) of the Task's output, see. Raises MissingValues."""
        about = dict(self.snapshot.about)
        if i is not None and self.plan.steps[i].final and self.ending:
            about["outcome"] = str(self.ending.outcome)
        return scope_of_steps(
            self.plan, self.steps, i, context=self.snapshot.context, about=about, values=self._values()
        )

    def values(self, stored: list[Any]) -> list[Any]:
        """The values that these stand for, ResultRefs or themselves. Raises MissingValues."""
        return resolve(stored, self._values())

    def _values(self) -> dict[str, Any]:
        return {**self.snapshot.values, **{blob.ref.name: blob.value for blob in self.blobs}}

    # --- writing -------------------------------------------------------------------------------------------

    def move_step(
        self, i: int, role: Role, event: StepEvent, target: StepState, message: str | None = None, **changes: Any
    ) -> None:
        """Take a step through one transition, recorded, together with the changes to its record."""
        before = self.record(i, role)
        check_step(event, before.state, target)
        after = replace(before, state=target, **changes)
        self._put(i, role, after)
        if message is None and event is StepEvent.FAILED and after.error:
            message = str(after.error)
        self.transitions.append(
            Transition(
                at=self.now,
                event=event,
                source=before.state,
                target=target,
                step=after.name,
                role=role,
                attempt=after.attempt or None,
                message=message,
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
        self.state_since = self.now

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
        policy, held = self.snapshot.deletion_policy, self.snapshot.finalizer
        return Decision(
            status=self._status(),
            transitions=tuple(self.transitions),
            launches=tuple(self.launches),
            fences=tuple(self.fences),
            stops=tuple(self.stops),
            verdicts=tuple(self.verdicts),
            blobs=tuple(self.blobs),
            claim=self.claim,
            finalizer=policy is DeletionPolicy.COMPENSATE and not held and self._has_work_to_undo(),
            release=self.release,
            events=tuple(self.events),
            wake_at=self.now if self.unheard else None if self.ended else self.wake_at,
        )

    def _has_work_to_undo(self) -> bool:
        """Whether there is, from this decision on, what a deletion has to undo; a human may have done it by hand."""
        begun = any(t.event in (StepEvent.ENQUEUE, StepEvent.COMPLETE_MANUALLY) for t in self.transitions)
        return bool(self.launches) or begun

    def _status(self) -> TaskStatus:
        before = self.snapshot.status
        after = TaskStatus(
            state=self.state,
            state_since=self.state_since,
            outcome=self.outcome,
            message=self.message,
            result=self.result,
            error=self.error,
            template=self.template,
            request_hash=self.request_hash,
            parent=self.parent,
            run=self.run,
            started_at=self.started_at,
            run_started_at=self.run_started_at,
            finished_at=self.finished_at,
            blocked_since=self.blocked_since,
            suspended_since=self.suspended_since,
            resumed_at=self.resumed_at,
            stale=self.stale,
            finally_failed=self.finally_failed,
            ending=self.ending,
            steps=tuple(self.steps),
            saga=self.saga,
            actions=tuple(self.actions),
            attention=self.attention,
        )
        return before if after == before else after

    def _put(self, i: int, role: Role, record: StepRecord) -> None:
        if role is Role.FORWARD:
            self.steps[i] = record
        else:
            self.steps[i] = replace(self.steps[i], compensation=record)
