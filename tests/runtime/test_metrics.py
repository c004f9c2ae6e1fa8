"""Metrics: decisions are counted once, and no program can blow up the number of series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.records import StepError, StepRecord, TaskStatus, Transition
from kubesaga.engine.vocabulary import Role, StepEvent, TaskEvent, TaskOutcome, TaskState
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.queue import WorkQueue

TASK = {
    "metadata": {"uid": "u1", "namespace": "shop", "name": "order-1"},
    "spec": {"templateRef": {"name": "order_fulfillment", "domain": "ecommerce"}},
}
LIVE = TaskStatus(state=TaskState.STEPS_IN_PROCESS)


def value(name: str, **labels: Any) -> float:
    return metrics.REGISTRY.get_sample_value(f"kubesaga_{name}", labels) or 0


def moved(event: str, step: str | None = None, role: Role | None = None) -> Transition:
    return Transition(at=0, event=event, source="", target="", step=step, role=role)


def decided(*transitions: Transition, launches: int = 0, **status: Any) -> Decision:
    attempts = tuple(Attempt(f"s{number}", Role.FORWARD, 1) for number in range(launches))
    return Decision(TaskStatus(**status), transitions, launches=attempts)


def test_the_end_of_a_task_is_counted_once_by_outcome_and_template() -> None:
    labels = {"outcome": "Compensated", "domain": "ecommerce", "template": "order_fulfillment"}
    before = value("tasks_finished_total", **labels)
    ended = decided(moved(TaskEvent.COMPENSATION_DONE), state=TaskState.ERROR, outcome=TaskOutcome.COMPENSATED)
    metrics.record_decision(TASK, LIVE, ended)
    metrics.record_decision(TASK, ended.status, ended)
    assert value("tasks_finished_total", **labels) == before + 1


def test_attempts_are_counted_by_role_outcome_and_error_with_their_time() -> None:
    ok = {"role": "forward", "outcome": "Succeeded", "error_type": ""}
    bad = {"role": "compensation", "outcome": "Failed", "error_type": "ExitCode"}
    before = value("step_attempts_total", **ok), value("step_attempts_total", **bad)
    seconds = value("step_seconds_sum", role="forward")
    undo = StepRecord("reserve", error=StepError("ExitCode", "1"))
    steps = (StepRecord("charge", started_at=10, finished_at=12.5), StepRecord("reserve", compensation=undo))
    decision = decided(
        moved(StepEvent.START, "charge", Role.FORWARD),
        moved(StepEvent.SUCCEEDED, "charge", Role.FORWARD),
        moved(StepEvent.ACCEPT, "charge", Role.FORWARD),
        moved(StepEvent.FAILED, "reserve", Role.COMPENSATION),
        state=TaskState.COMPENSATING,
        steps=steps,
    )
    metrics.record_decision(TASK, LIVE, decision)
    assert (value("step_attempts_total", **ok), value("step_attempts_total", **bad)) == (
        before[0] + 1,
        before[1] + 1,
    )
    assert value("step_seconds_sum", role="forward") == seconds + 2.5


def test_error_types_beyond_a_bound_count_as_other() -> None:
    for number in range(metrics.MAX_ERROR_TYPES + 50):
        step = StepRecord("a", error=StepError(f"Invented{number}", ""))
        decision = decided(moved(StepEvent.FAILED, "a"), state=LIVE.state, steps=(step,))
        metrics.record_decision(TASK, LIVE, decision)
    series = metrics.render().count(b"kubesaga_step_attempts_total{")
    assert series <= 2 * (metrics.MAX_ERROR_TYPES + 2)
    assert value("step_attempts_total", role="forward", outcome="Failed", error_type=metrics.OTHER) >= 50


@pytest.fixture
def launches() -> Callable[[], float]:
    """How many launches have had their latency measured since the test began."""
    before = value("launch_latency_seconds_count")
    return lambda: value("launch_latency_seconds_count") - before


def test_the_latency_of_a_launch_is_measured_from_the_container_seen_to_succeed(launches: Callable[[], float]) -> None:
    seen = moved(StepEvent.SUCCEEDED, "a")
    metrics.container_succeeded("u1", "pod-1")
    metrics.record_decision(TASK, LIVE, decided(moved(StepEvent.START, "b"), launches=1))
    assert launches() == 0
    metrics.record_decision(TASK, LIVE, decided(seen, launches=2))
    assert launches() == 1
    metrics.container_succeeded("u1", "pod-1")  # its phase, a second later
    metrics.record_decision(TASK, LIVE, decided(seen, launches=1))
    assert launches() == 1


def test_a_step_that_makes_nothing_ready_measures_nothing(launches: Callable[[], float]) -> None:
    seen = moved(StepEvent.SUCCEEDED, "a")
    metrics.container_succeeded("u1", "pod-2")
    metrics.record_decision(TASK, LIVE, decided(seen))
    metrics.record_decision(TASK, LIVE, decided(seen, launches=1))
    assert launches() == 0


def test_queues_and_tasks_by_state_are_read_when_asked() -> None:
    queue, cache = WorkQueue(), Cache()
    metrics.expose({"Task": queue}, cache)
    queue.add(("shop", "a"))
    for number, status in enumerate(({}, {"state": "Complete"}, {"state": "Complete"})):
        metadata = {"namespace": "shop", "name": f"t{number}", "uid": f"u{number}", "resourceVersion": "1"}
        cache.upsert(Kind.TASK, {"metadata": metadata, "status": status})
    assert value("queue_depth", kind="Task") == value("queue_adds_total", kind="Task") == 1
    assert value("tasks", state="Complete") == 2
    assert value("tasks", state="Pending") == 1
    assert value("tasks", state="Error") == 0
    assert 'kubesaga_tasks{state="Compensating"} 0.0' in metrics.render().decode()
