"""The invariants of semantics 7, over random graphs, outcomes, strategies and crashes."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.records import StepError
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import (
    Backoff,
    CompensationWhen,
    FailureStrategy,
    Jitter,
    Role,
    RunningSteps,
    StepState,
    TaskState,
)
from tests.engine.world import Outcome, World


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 7))
    steps = []
    for i in range(count):
        earlier = [f"s{j}" for j in range(i)]
        depends = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        after = [n for n in earlier if n not in depends]
        run_after = draw(st.lists(st.sampled_from(after), unique=True, max_size=1)) if after else []
        retry = RetryPolicy(
            max_attempts=draw(st.integers(1, 3)),
            backoff=draw(st.sampled_from(Backoff)),
            jitter=draw(st.sampled_from(Jitter)),
            max_interval=4.0,
        )
        compensation = None
        if draw(st.booleans()):
            compensation = Compensation(when=draw(st.sampled_from(CompensationWhen)), retry=retry)
        steps.append(
            Step(
                f"s{i}",
                tuple(depends),
                tuple(run_after),
                retry=retry,
                continue_on_error=draw(st.integers(0, 5)) == 0,
                priority=draw(st.integers(0, 2)),
                compensation=compensation,
            )
        )
    return Plan(
        steps=tuple(steps),
        failure_strategy=draw(st.sampled_from(FailureStrategy)),
        running_steps=draw(st.sampled_from(RunningSteps)),
        timeout=draw(st.sampled_from([None, None, 5.0, 12.0])),
        parallelism=draw(st.sampled_from([None, 1, 2])),
        blocked_timeout=draw(st.sampled_from([0.0, 3.0])),
    )


def random_script(seed: int) -> object:
    def script(attempt: Attempt) -> Outcome:
        random = Random(f"{seed}/{attempt}")
        kind = random.choice(["ok", "ok", "ok", "retryable", "permanent", "unknown", "vanish"])
        seconds = random.choice([0.1, 1.0, 6.0])
        if kind == "ok":
            return Outcome(result=attempt.step, seconds=seconds)
        if kind == "vanish":
            return Outcome(seconds=60.0, vanish=True)
        error = StepError(kind, "it failed", retryable=kind != "permanent", outcome_unknown=kind == "unknown")
        return Outcome(error=error, seconds=seconds)

    return script


def check_invariants(world: World) -> None:
    check_attempts(world)
    check_order_of_steps(world)
    check_phases(world)
    if world.status.saga:
        check_saga(world)


def check_attempts(world: World) -> None:
    """At most one Job per attempt; attempts without gaps, and bounded."""
    assert max(Counter(world.launched).values(), default=0) <= 1
    for i, step in enumerate(world.plan.steps):
        assert world.status.steps[i].attempt <= step.retry.max_attempts
        for role in Role:
            enqueued = [
                t.attempt for t in world.history if t.step == step.name and t.role is role and t.event == "Enqueue"
            ]
            assert enqueued == list(range(1, len(enqueued) + 1))


def check_order_of_steps(world: World) -> None:
    """No step before its dependencies."""
    graph = world.plan.graph
    finished: set[int] = set()
    for t in world.history:
        if t.role is not Role.FORWARD or t.step is None:
            continue
        i = graph.index[t.step]
        if t.event == "Enqueue":
            assert finished.issuperset(graph.failure_parents[i]), f"{t.step} before its dependency"
        if t.target in ("Complete", "Error"):
            finished.add(i)


def check_phases(world: World) -> None:
    """Nothing moves once the Task has ended; forward work and compensation do not mix; it ends or names a human."""
    ended = compensating = False
    for t in world.history:
        assert not ended
        if t.step is None:
            ended = t.target in TERMINAL_TASK_STATES
            compensating = compensating or t.target == TaskState.COMPENSATING
        elif t.event == "Enqueue":
            assert (t.role is Role.COMPENSATION) == compensating
    assert ended or (world.status.state is TaskState.COMPENSATING and world.status.attention)


def check_saga(world: World) -> None:
    """Every due compensation done or named, in reverse order of the whole graph."""
    saga, graph = world.status.saga, world.plan.graph
    assert saga is not None
    due = {entry.step for entry in saga.plan}
    undone = [t.step for t in world.history if t.role is Role.COMPENSATION and t.target == "Complete"]
    position = {name: n for n, name in enumerate(undone)}
    for name in undone:
        assert name is not None
        for other in {graph.names[j] for j in graph.descendants(graph.index[name])} & due:
            assert position.get(other, 1 << 30) < position[name], f"{name} undone before {other}"
    if world.status.state is not TaskState.COMPENSATING:
        assert set(undone) == due
    for step, record in zip(world.plan.steps, world.status.steps, strict=True):
        if step.compensation and record.state is StepState.COMPLETE:
            assert record.name in due


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.integers(0, 2**32))
def test_every_task_ends_well_whatever_its_graph_and_outcomes(plan: Plan, seed: int) -> None:
    world = World(plan, random_script(seed))  # type: ignore[arg-type]
    world.run()
    check_invariants(world)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.integers(0, 2**32))
def test_crashes_between_a_write_and_its_effect_change_nothing_of_that(plan: Plan, seed: int) -> None:
    world = World(plan, random_script(seed))  # type: ignore[arg-type]
    world.run_chaotically(Random(seed))
    check_invariants(world)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.integers(0, 2**32))
def test_the_same_snapshot_always_gives_the_same_decision(plan: Plan, seed: int) -> None:
    one = World(plan, random_script(seed)).run()  # type: ignore[arg-type]
    two = World(plan, random_script(seed)).run()  # type: ignore[arg-type]
    assert one.decisions == two.decisions


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.integers(0, 2**32))
def test_it_wakes_by_itself_whenever_time_alone_will_change_something(plan: Plan, seed: int) -> None:
    """Passes only when a Job changes or the last decision asked to be woken: it must still end."""
    world = World(plan, random_script(seed))  # type: ignore[arg-type]
    for _ in range(3_000):
        decision = world.pass_once()
        if world.ended or (world.status.state is TaskState.COMPENSATING and world.stuck()):
            break
        before = world.snapshot()
        moments = [world.now + n * 0.25 for n in range(1, 4_000)]
        for moment in moments:
            world.now = moment
            world.vanish_due()
            changed = world.snapshot() != before
            due = decision.wake_at is not None and moment >= decision.wake_at
            if changed or due or decision.fences:
                break
        else:
            raise AssertionError(f"nothing will ever wake it: {world.status.message}")
    check_invariants(world)
