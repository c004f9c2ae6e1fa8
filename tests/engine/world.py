"""A world for the engine: Jobs that run scripted outcomes, a clock that jumps, crashes between a write and its effect.

It drives the real ``decide`` to the end of a Task and keeps every decision, so that tests can say what must hold at
each moment. The simulated API server of tests/simulation is another, larger thing; this one has no API at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import PinnedTemplate, StepError, StepRecord, TaskStatus, Transition
from kubesaga.engine.snapshot import Observation, Phase, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, TaskState

GRACE = 1.0
PINNED = PinnedTemplate("flow", "1.0.0", "flow-0123456789")


@dataclass(frozen=True)
class Outcome:
    """What one attempt's program does: a result or an error, after ``seconds``; ``vanish`` = its Job is deleted."""

    result: Any = None
    error: StepError | None = None
    seconds: float = 1.0
    vanish: bool = False


@dataclass
class Job:
    """An attempt's Job. ``seen`` is what its watch last told."""

    attempt: Attempt
    created_at: float
    outcome: Outcome
    fence: bool = False
    stopped_at: float | None = None
    running_since: float | None = None
    deleted: bool = False

    def observe(self, now: float) -> Observation:
        if self.fence:
            return Observation(Phase.FENCED, terminal=True)
        if self.deleted:
            return Observation(Phase.LOST)
        started = self.created_at + 0.5
        ended = started + self.outcome.seconds
        stopping = self.stopped_at is not None
        if self.stopped_at is not None and self.stopped_at + GRACE < ended:
            if now < self.stopped_at + GRACE:
                return Observation(Phase.RUNNING, started_at=started, stopping=True, waiting_since=self.created_at)
            killed = StepError("Terminated", "stopped", outcome_unknown=True)
            return Observation(Phase.FAILED, terminal=True, started_at=started, error=killed, stopping=True)
        if now < started:
            return Observation(Phase.WAITING, waiting_since=self.created_at, stopping=stopping)
        if now < ended:
            return Observation(Phase.RUNNING, started_at=started, stopping=stopping)
        if self.outcome.error:
            return Observation(
                Phase.FAILED, terminal=True, started_at=started, finished_at=ended, error=self.outcome.error
            )
        return Observation(
            Phase.SUCCEEDED, terminal=now >= ended + 2, started_at=started, finished_at=ended,
            result=self.outcome.result,
        )  # fmt: skip


@dataclass
class World:
    """One Task on its way. ``script`` gives each attempt its outcome."""

    plan: Plan
    script: Callable[[Attempt], Outcome]
    context: Mapping[str, Any] = field(default_factory=dict)
    now: float = 1_000.0
    status: TaskStatus = field(default_factory=TaskStatus)
    jobs: dict[Attempt, Job] = field(default_factory=dict)
    launched: list[Attempt] = field(default_factory=list)
    history: list[Transition] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
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
                seen[role][i] = job.observe(self.now)
        return Snapshot(
            task_name="task", task_uid="uid-1", context=self.context, status=self.status, template=PINNED,
            forward=seen[Role.FORWARD], compensation=seen[Role.COMPENSATION],
        )  # fmt: skip

    def pass_once(self, *, crash_after_write: bool = False) -> Decision:
        """One pass. A crash leaves the written status without its Jobs."""
        decision = decide(self.plan, self.snapshot(), self.now)
        self.decisions.append(decision)
        self.status = decision.status
        self.history.extend(decision.transitions)
        if crash_after_write:
            return decision
        for attempt in decision.launches:
            if attempt not in self.jobs:  # else AlreadyExists
                self.launched.append(attempt)
                self.jobs[attempt] = Job(attempt, self.now, self.script(attempt))
        for attempt in decision.fences:
            job = self.jobs.get(attempt)
            if job is None or job.deleted:
                self.jobs[attempt] = Job(attempt, self.now, Outcome(), fence=True)
        for attempt in decision.stops:
            self.jobs[attempt].stopped_at = self.now
        return decision

    def vanish_due(self) -> None:
        for job in self.jobs.values():
            if job.outcome.vanish and not job.fence and self.now >= job.created_at + 5:
                job.deleted = True

    @property
    def ended(self) -> bool:
        return self.status.state in TERMINAL_TASK_STATES

    def step(self, name: str) -> StepRecord:
        return self.status.steps[self.plan.graph.index[name]]

    def run(self, limit: int = 2_000, tick: float = 0.5) -> World:
        """To the end, or until it waits for a human."""
        for _ in range(limit):
            self.pass_once()
            if self.ended or (self.status.state is TaskState.COMPENSATING and self.stuck()):
                return self
            self.now += tick
            self.vanish_due()
        raise AssertionError(f"not ended after {limit} passes: {self.status.state}, {self.status.message}")

    def run_chaotically(self, random: Random, limit: int = 4_000) -> World:
        """As ``run``, with crashes between write and effect, and irregular passes."""
        for _ in range(limit):
            self.pass_once(crash_after_write=random.random() < 0.2)
            if self.ended or (self.status.state is TaskState.COMPENSATING and self.stuck()):
                return self
            self.now += random.choice([0.0, 0.1, 0.5, 2.0])
            self.vanish_due()
        raise AssertionError(f"not ended after {limit} passes: {self.status.state}, {self.status.message}")

    def stuck(self) -> bool:
        """Compensating, nothing under way, and a human is named."""
        records = [step.compensation for step in self.status.steps if step.compensation]
        busy = any(r.state in LIVE_STEP_STATES or r.next_retry_at is not None for r in records)
        return self.status.attention is not None and not busy

    def launched_forward(self) -> Iterator[Attempt]:
        return (a for a in self.launched if a.role is Role.FORWARD)


def fails(type_: str = "Broken", *, retryable: bool = False, **changes: Any) -> Outcome:
    """An outcome: the program reports this error."""
    return Outcome(error=StepError(type_, "it broke", retryable=retryable), **changes)


def scripted(outcomes: Mapping[Any, Outcome], undo: Mapping[str, Outcome] | None = None) -> Any:
    """A script from outcomes by step, or by (step, attempt); what it does not name succeeds with ``{step: n}``."""

    def script(attempt: Attempt) -> Outcome:
        if attempt.role is Role.COMPENSATION:
            return (undo or {}).get(attempt.step, Outcome())
        specific = outcomes.get((attempt.step, attempt.number)) or outcomes.get(attempt.step)
        return specific or Outcome(result={attempt.step: attempt.number})

    return script


def with_retries(plan: Plan, **changes: Any) -> Plan:
    """The plan with every step's retry policy changed."""
    steps = tuple(replace(step, retry=replace(step.retry, **changes)) for step in plan.steps)
    return replace(plan, steps=steps)
