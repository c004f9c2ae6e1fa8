"""A world for the engine: Jobs that run scripted outcomes, a clock that jumps, crashes between a write and its effect.

It drives the real ``decide`` to the end of a Task and keeps every decision, so that tests can say what must hold at
each moment. ``family`` puts worlds of parents and children together. The simulated API server of tests/simulation is
another, larger thing; this one has no API at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Attempt, Decision, Verdict
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import PinnedTemplate, StepError, StepRecord, TaskStatus, Transition
from kubesaga.engine.snapshot import (
    Action,
    Child,
    Claim,
    MissingValues,
    Observation,
    Parent,
    Phase,
    Snapshot,
    TemplateProblem,
)
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import (
    ActionPhase,
    ActionType,
    DeletionPolicy,
    DesiredState,
    Role,
    RunningSteps,
    StepKind,
    TaskState,
)

GRACE = 1.0
PINNED = PinnedTemplate("flow", "1.0.0", "flow-0123456789")


@dataclass(frozen=True)
class Outcome:
    """What one attempt's program does: a result or an error, after ``seconds``.

    ``vanish``: its Job is deleted. ``deaf``: it heeds no stop. ``evicted``: its pod is being deleted. ``disruptions``:
    so many of its pods are taken away, one a second, before it runs to its end. ``never_over``: its program ends, its
    Job does not.
    """

    result: Any = None
    error: StepError | None = None
    seconds: float = 1.0
    metadata: Mapping[str, Any] | None = None
    vanish: bool = False
    deaf: bool = False
    evicted: bool = False
    disruptions: int = 0
    never_over: bool = False


LOST_NODE = Outcome(seconds=math.inf, deaf=True)


@dataclass
class Job:
    """An attempt's Job."""

    attempt: Attempt
    created_at: float
    outcome: Outcome
    fence: bool = False
    stopped_at: float | None = None
    deleted: bool = False

    def observe(self, now: float) -> Observation:
        if self.fence:
            return Observation(Phase.FENCED, terminal=True)
        if self.deleted:
            return Observation(Phase.LOST)
        if now < self.created_at:
            return Observation(Phase.ABSENT, waiting_since=0.0)
        taken = min(self.outcome.disruptions, int(now - self.created_at))
        seen = self._running(now)
        return replace(seen, disrupted=tuple(f"pod-{n}" for n in range(taken)))

    def _running(self, now: float) -> Observation:
        started = self.created_at + self.outcome.disruptions + 0.5
        ended = started + self.outcome.seconds
        told = self.stopped_at is not None and self.stopped_at <= now
        seen = Observation(
            Phase.WAITING, waiting_since=self.created_at, stopping=told, location="pod p on node n"
        )  # fmt: skip
        if told and not self.outcome.deaf and self.stopped_at + GRACE < ended:  # type: ignore[operator]
            return self._stopped(seen, started, now)
        if now < started:
            return seen
        if now < ended:
            gone_by = started + GRACE if self.outcome.evicted else None
            return replace(seen, phase=Phase.RUNNING, started_at=started, gone_by=gone_by)
        seen = replace(seen, started_at=started, finished_at=ended)
        if self.outcome.error:
            return replace(seen, phase=Phase.FAILED, terminal=True, error=self.outcome.error)
        result, metadata = self.outcome.result, self.outcome.metadata
        over = now >= ended + 2 and not self.outcome.never_over
        return replace(seen, phase=Phase.SUCCEEDED, terminal=over, result=result, metadata=metadata)

    def _stopped(self, seen: Observation, started: float, now: float) -> Observation:
        assert self.stopped_at is not None
        began = started if started <= self.stopped_at else None
        if now < self.stopped_at + GRACE:
            return replace(seen, phase=Phase.WAITING if began is None else Phase.RUNNING, started_at=began)
        killed = StepError("Terminated", "stopped", outcome_unknown=True)
        return replace(seen, phase=Phase.FAILED, terminal=True, started_at=began, error=killed)

    def next_change(self, now: float) -> float:
        """When something new will be seen of it."""
        started = self.created_at + self.outcome.disruptions + 0.5
        ended = started + self.outcome.seconds
        moments = [self.created_at + n for n in range(1, self.outcome.disruptions + 1)]
        moments += [self.created_at + 5.0] if self.outcome.vanish else []
        moments += [started, ended, ended + 2.0]
        moments += [self.stopped_at + GRACE] if self.stopped_at is not None else []
        return min((moment for moment in moments if moment > now), default=math.inf)


@dataclass
class World:
    """One Task on its way. ``script`` gives each attempt its outcome; the rest is what its user and its cluster do."""

    plan: Plan
    script: Callable[[Attempt], Outcome]
    context: Mapping[str, Any] = field(default_factory=dict)
    now: float = 1_000.0
    name: str = "task"
    uid: str = "uid-1"
    about: Mapping[str, Any] = field(default_factory=dict)

    desired: DesiredState = DesiredState.RUNNING
    cancel_mode: RunningSteps = RunningSteps.DRAIN
    cancel_compensates: bool = False
    bypass: frozenset[str] = frozenset()
    policy: DeletionPolicy = DeletionPolicy.DELETE
    deleting: bool = False
    admits_jobs: bool = True
    slot: bool = True
    template_problem: TemplateProblem | None = None
    request_problems: tuple[str, ...] = ()
    request_hash: str = "request"
    claim: Claim | None = None
    claim_name: str | None = None
    parent: Callable[[], Parent | None] = lambda: None
    children: Callable[[], Mapping[int, Child]] = dict
    launch_child: Callable[[Attempt, bool], None] = lambda _attempt, _fence: None

    status: TaskStatus = field(default_factory=TaskStatus)
    finalizer: bool = False
    released: bool = False
    store: dict[str, Any] = field(default_factory=dict)
    loads: list[frozenset[str]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    jobs: dict[Attempt, Job] = field(default_factory=dict)
    launched: list[Attempt] = field(default_factory=list)
    beside: dict[Attempt, frozenset[Attempt]] = field(default_factory=dict)
    history: list[Transition] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    # --- looking -------------------------------------------------------------------------------------------

    def snapshot(self, *, lag: float = 0.0) -> Snapshot:
        """What is known now; of Jobs, what was to be seen ``lag`` seconds ago."""
        seen: dict[Role, dict[int, Observation]] = {role: {} for role in Role}
        for i, step in enumerate(self.status.steps):
            for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
                if record is None or record.attempt == 0:
                    continue
                job = self.jobs.get(Attempt(step.name, role, record.attempt))
                if job is None:
                    continue
                if job.deleted and record.state not in LIVE_STEP_STATES:
                    continue
                seen[role][i] = job.observe(self.now - lag)
        return Snapshot(
            task_name=self.name, task_uid=self.uid, context=self.context, status=self.status,
            template=self.status.template or (None if self.template_problem else PINNED),
            template_problem=self.template_problem,
            request_problems=self.request_problems, request_hash=self.request_hash,
            forward=seen[Role.FORWARD], compensation=seen[Role.COMPENSATION], children=self.children(),
            about=self.about, created_at=1_000.0, desired=self.desired, cancel_mode=self.cancel_mode,
            cancel_compensates=self.cancel_compensates, bypass=self.bypass, actions=self.pending_actions(),
            parent=self.parent(), slot=self.slot, claim=self.claim, claim_name=self.claim_name,
            deleting=self.deleting, deletion_policy=self.policy, finalizer=self.finalizer,
            admits_jobs=self.admits_jobs,
        )  # fmt: skip

    def decide(self, snapshot: Snapshot | None = None, at: float | None = None) -> Decision:
        """What the engine says, with the values that it asks for."""
        snapshot = snapshot or self.snapshot()
        plan = None if self.template_problem else self.plan
        while True:
            try:
                return decide(plan, snapshot, self.now if at is None else at)
            except MissingValues as missing:
                if missing.names & snapshot.values.keys():
                    raise
                self.loads.append(missing.names)
                values = {**snapshot.values, **{name: self.store[name] for name in missing.names}}
                snapshot = replace(snapshot, values=values)

    def pending_actions(self) -> tuple[Action, ...]:
        """The TaskActions that have no answer yet, in order."""
        pending = [a for a in self.actions if a.created_at <= self.now and a.uid not in self.verdicts]
        return tuple(sorted(pending, key=lambda action: (action.created_at, action.name)))

    @property
    def ended(self) -> bool:
        return self.status.state in TERMINAL_TASK_STATES

    def step(self, name: str) -> StepRecord:
        return self.status.steps[self.plan.graph.index[name]]

    def undo(self, name: str) -> StepRecord:
        record = self.step(name).compensation
        assert record is not None
        return record

    def steps_launched(self, role: Role = Role.FORWARD) -> list[str]:
        """The steps in the order in which their attempts began."""
        return [attempt.step for attempt in self.launched if attempt.role is role]

    def task_events(self) -> list[str]:
        return [t.event for t in self.history if t.step is None]

    def step_events(self, name: str, role: Role = Role.FORWARD) -> list[str]:
        return [t.event for t in self.history if t.step == name and t.role is role]

    def events(self, reason: str) -> list[str]:
        """The notes of the events of this reason."""
        return [event.note for decision in self.decisions for event in decision.events if event.reason == reason]

    def under_way(self) -> bool:
        """Whether a program runs or will run by itself."""
        kinds = [step.kind for step in self.plan.steps]
        for i, step in enumerate(self.status.steps):
            for record in (step, step.compensation):
                if record is None:
                    continue
                if record.next_retry_at is not None and self.desired is not DesiredState.SUSPENDED:
                    return True
                if record.state in LIVE_STEP_STATES and kinds[i] is StepKind.PROGRAM and not self._is_deaf(i, record):
                    return True
        return False

    def _is_deaf(self, i: int, record: StepRecord) -> bool:
        role = Role.FORWARD if record is self.status.steps[i] else Role.COMPENSATION
        job = self.jobs.get(Attempt(record.name, role, record.attempt))
        return job is not None and job.outcome.seconds == math.inf

    def stuck(self) -> bool:
        """Nothing is under way, and a human is named."""
        return self.status.attention is not None and not self.under_way()

    # --- acting --------------------------------------------------------------------------------------------

    def act(self, type_: ActionType, step: str | None = None, **spec: Any) -> Action:
        """A human creates a TaskAction, now unless ``at`` says otherwise."""
        number = len(self.actions)
        at = spec.pop("at", self.now)
        spec.setdefault("has_result", "result" in spec)
        action = Action(uid=f"a{number}", name=f"action-{number:03}", type=type_, created_at=at, step=step, **spec)
        self.actions.append(action)
        return action

    def answer(self, action: Action) -> Verdict:
        """What the TaskAction was told, which is always the same."""
        told = self.verdicts[action.uid]
        assert len(set(told)) == 1
        return told[0]

    def do(self, type_: ActionType, step: str | None = None, **spec: Any) -> Verdict:
        """A human acts; the answer, once there is one."""
        action = self.act(type_, step, **spec)
        for _ in range(500):
            self.pass_once()
            if action.uid in self.verdicts:
                return self.answer(action)
            self.now += 0.5
        raise AssertionError(f"{type_} was never answered: {self.status.message}")

    def applied(self, type_: ActionType, step: str | None = None, **spec: Any) -> str:
        verdict = self.do(type_, step, **spec)
        assert verdict.phase is ActionPhase.APPLIED, verdict.message
        return verdict.message

    def rejected(self, type_: ActionType, step: str | None = None, **spec: Any) -> str:
        verdict = self.do(type_, step, **spec)
        assert verdict.phase is ActionPhase.REJECTED, verdict.message
        return verdict.message

    # --- passing -------------------------------------------------------------------------------------------

    def pass_once(self, *, crash_after_write: bool = False, lag: float = 0.0, skew: float = 0.0) -> Decision:
        """One pass. A crash leaves the written status without what should follow it."""
        decision = self.decide(self.snapshot(lag=lag), self.now + skew)
        self.decisions.append(decision)
        self.finalizer = self.finalizer or decision.finalizer
        for blob in decision.blobs:
            assert self.store.setdefault(blob.ref.name, blob.value) == blob.value
        self.status = decision.status
        self.history.extend(decision.transitions)
        if decision.claim and self.claim is None:
            self.claim = Claim(mine=True, holder=self.name)
        if not crash_after_write:
            self._carry_out(decision)
        return decision

    def _carry_out(self, decision: Decision) -> None:
        for verdict in decision.verdicts:
            self.verdicts.setdefault(verdict.uid, []).append(verdict)
        for attempt in decision.launches:
            if self._is_child(attempt):
                self.launch_child(attempt, False)
            elif attempt not in self.jobs:  # else AlreadyExists
                self.beside[attempt] = frozenset(a for a, job in self.jobs.items() if self._may_run(job))
                self.launched.append(attempt)
                self.jobs[attempt] = Job(attempt, self.now, self.script(attempt))
        for attempt in decision.fences:
            job = self.jobs.get(attempt)
            if self._is_child(attempt):
                self.launch_child(attempt, True)
            elif job is None or job.deleted:
                self.jobs[attempt] = Job(attempt, self.now, Outcome(), fence=True)
        for attempt in decision.stops:
            self.jobs[attempt].stopped_at = self.now
        if decision.release:
            self.finalizer, self.released = False, True

    def _is_child(self, attempt: Attempt) -> bool:
        step = self.plan.steps[self.plan.graph.index[attempt.step]]
        return attempt.role is Role.FORWARD and step.kind is StepKind.TASK

    def _may_run(self, job: Job) -> bool:
        return not (job.observe(self.now).terminal or job.deleted)

    def vanish_due(self) -> None:
        for job in self.jobs.values():
            if job.outcome.vanish and not job.fence and self.now >= job.created_at + 5:
                job.deleted = True

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.vanish_due()

    def run(self, limit: int = 2_000, tick: float = 0.5) -> World:
        """To the end, or until it waits for a human."""
        return self.run_until(lambda: self.ended or self.stuck(), limit, tick)

    def run_until(self, there: Callable[[], bool], limit: int = 2_000, tick: float = 0.5) -> World:
        """Pass after pass until it is so."""
        for _ in range(limit):
            self.pass_once()
            if there():
                return self
            self.tick(tick)
        raise AssertionError(f"not there after {limit} passes: {self.status.state}, {self.status.message}")

    def run_for(self, seconds: float, tick: float = 0.5) -> World:
        """Pass after pass for so long."""
        until = self.now + seconds
        return self.run_until(lambda: self.now >= until, tick=tick)

    def run_until_running(self, name: str) -> World:
        """Until this step's program is seen to run."""
        return self.run_until(lambda: bool(self.status.steps) and self._is_running(name))

    def _is_running(self, name: str) -> bool:
        record = self.step(name)
        job = self.jobs.get(Attempt(name, Role.FORWARD, record.attempt))
        return job is not None and job.observe(self.now).phase is Phase.RUNNING

    def run_until_state(self, state: TaskState) -> World:
        return self.run_until(lambda: self.status.state is state)

    def settle(self, limit: int = 2_000) -> World:
        """To the end, or until it waits for a human, with no more passes than those that something new asks for.

        New is a change in what is seen, or the time at which the last decision asked to be woken.
        """
        for _ in range(limit):
            snapshot = self.snapshot()
            decision = self.pass_once()
            if replace(self.snapshot(), status=snapshot.status) != snapshot:
                continue
            if self.ended:
                return self
            due = min((job.next_change(self.now) for job in self.jobs.values() if not job.fence), default=math.inf)
            wake = math.inf if decision.wake_at is None else decision.wake_at
            if min(due, wake) == math.inf:
                assert self.names_a_human(), f"nothing will ever wake it: {self.status.state}, {self.status.message}"
                return self
            self.now = max(self.now, min(due, wake))
            self.vanish_due()
        raise AssertionError(f"not settled after {limit} passes: {self.status.state}, {self.status.message}")

    def names_a_human(self) -> bool:
        """Whether somebody who looks at the Task is told that it waits for them."""
        asked = any(
            record.state in LIVE_STEP_STATES and step.kind is StepKind.APPROVAL
            for step, record in zip(self.plan.steps, self.status.steps, strict=True)
        )
        return asked or self.desired is DesiredState.SUSPENDED or self.status.attention is not None


def fails(type_: str = "Broken", *, retryable: bool = False, **changes: Any) -> Outcome:
    """An outcome: the program reports this error."""
    return Outcome(error=StepError(type_, "it broke", retryable=retryable), **changes)


def scripted(outcomes: Mapping[Any, Outcome], undo: Mapping[Any, Outcome] | None = None) -> Any:
    """A script from outcomes by step, or by (step, attempt); what it does not name succeeds with ``{step: n}``."""

    def script(attempt: Attempt) -> Outcome:
        if attempt.role is Role.COMPENSATION:
            of = undo or {}
            return of.get((attempt.step, attempt.number)) or of.get(attempt.step) or Outcome()
        specific = outcomes.get((attempt.step, attempt.number)) or outcomes.get(attempt.step)
        return specific or Outcome(result={attempt.step: attempt.number})

    return script
