"""Deleting: what has no finalizer goes as it is; under deletionPolicy Compensate the work of a live Task is undone."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Compensation, Plan, Step
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.engine.vocabulary import (
    ActionType,
    DeletionPolicy,
    DesiredState,
    FailureStrategy,
    Role,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

UNDO = Compensation()


def chain(**changes: Any) -> Plan:
    steps = (Step("a", compensation=UNDO), Step("b", depends_on=("a",), compensation=UNDO))
    return Plan(**{"steps": steps, **changes})


def world(outcomes: Any = None, undo: Any = None, **changes: Any) -> World:
    return World(chain(**changes), scripted(outcomes or {}, undo), policy=DeletionPolicy.COMPENSATE)


def delete(w: World) -> World:
    w.deleting = True
    return w


def gone(w: World) -> World:
    return w.run_until(lambda: w.released)


def test_the_finalizer_comes_with_the_first_launch_and_once() -> None:
    w = world().run()
    assert [d.finalizer for d in w.decisions].count(True) == 1
    first = next(d for d in w.decisions if d.finalizer)
    assert first.launches


def test_under_policy_delete_there_is_no_finalizer_and_nothing_is_decided_any_more() -> None:
    w = World(chain(), scripted({"a": Outcome(seconds=50)})).run_until_running("a")
    before = w.status
    decision = delete(w).pass_once()
    assert (decision.status, decision.finalizer, decision.release) == (before, False, False)
    assert (decision.launches, decision.stops) == ((), ())


def test_deleting_a_live_task_stops_it_undoes_its_work_and_lets_it_go_last() -> None:
    w = delete(world({"b": Outcome(seconds=500)}).run_until_running("b"))
    gone(w)
    assert (w.status.state, w.status.outcome) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)
    assert w.steps_launched(Role.COMPENSATION) == ["b", "a"]
    assert all(job.observe(w.now).terminal for a, job in w.jobs.items() if a.role is Role.FORWARD)


def test_a_task_that_has_not_started_is_released_at_once() -> None:
    w = world()
    w.finalizer = True
    assert delete(w).pass_once().release
    assert w.status.state is TaskState.PENDING


@pytest.mark.parametrize("outcomes", [{}, {"b": fails()}])
def test_a_task_that_has_ended_is_released_as_it_is(outcomes: dict[str, Outcome]) -> None:
    w = world(outcomes).run()
    before = w.status
    assert delete(w).pass_once().release
    assert w.status is before
    assert w.steps_launched(Role.COMPENSATION) == []


@pytest.mark.parametrize("step", ["b", None])
def test_a_task_that_has_failed_and_is_being_deleted_is_not_taken_up_again(step: str | None) -> None:
    w = delete(world({"b": fails()}).run())
    assert "is being deleted" in w.rejected(ActionType.RETRY, step)
    assert (w.status.state, w.released) == (TaskState.ERROR, True)


def test_a_compensating_task_finishes_first() -> None:
    w = world({"b": fails()}, failure_strategy=FailureStrategy.COMPENSATE)
    w.run_until_state(TaskState.COMPENSATING)
    gone(delete(w))
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.COMPENSATED)


def test_a_stuck_compensation_keeps_a_deleted_task_until_a_human_decides() -> None:
    w = delete(world({"b": Outcome(seconds=500)}, {"a": fails()}).run_until_running("b"))
    w.run()
    assert (w.status.state, w.released) == (TaskState.COMPENSATING, False)
    w.applied(ActionType.ABANDON)
    gone(w)
    assert (w.status.state, w.status.outcome) == (TaskState.CANCELLED, TaskOutcome.COMPENSATION_FAILED)


def test_a_suspended_task_that_is_deleted_says_that_it_must_be_resumed_to_be_undone() -> None:
    w = world({"b": Outcome(seconds=500)}).run_until_running("b")
    w.desired = DesiredState.SUSPENDED
    delete(w).run()
    assert w.status.attention is not None
    assert w.status.attention.reason == "Suspended"
    w.desired = DesiredState.RUNNING
    gone(w)
    assert w.status.outcome is TaskOutcome.COMPENSATED


def test_in_a_namespace_that_is_being_deleted_what_is_not_undone_is_said_and_the_task_let_go() -> None:
    w = delete(world({"b": Outcome(seconds=500)}).run_until_running("b"))
    w.admits_jobs = False
    w.pass_once()
    assert w.released
    assert w.status.attention is not None
    assert w.status.attention.reason == "NamespaceTerminating"
    assert "not undone: a, b" in w.status.message


def test_what_a_release_says_is_said_once() -> None:
    w = delete(world({"b": Outcome(seconds=500)}).run_until_running("b"))
    w.admits_jobs = False
    for _ in range(3):
        w.finalizer = True  # the API server has not taken it away yet
        w.pass_once()
    assert len(w.events("Released")) == 1


@pytest.mark.parametrize("ended", [True, False])
def test_a_task_whose_template_is_gone_does_not_hang_in_its_namespaces_deletion(ended: bool) -> None:
    w = world({"b": Outcome(seconds=500)})
    w = w.run_until_running("b") if not ended else world().run()
    w.policy = DeletionPolicy.DELETE  # what a template says is not known without it
    w.template_problem = TemplateProblem("RevisionMissing", "gone")
    w.admits_jobs = False
    assert delete(w).pass_once().release


def test_a_live_task_whose_template_is_gone_is_kept_for_a_human_while_its_namespace_lives() -> None:
    w = world({"b": Outcome(seconds=500)}).run_until_running("b")
    w.template_problem = TemplateProblem("RevisionMissing", "gone")
    assert not delete(w).pass_once().release
    assert w.status.attention is not None
    assert w.status.attention.reason == "RevisionMissing"


def test_an_end_that_was_decided_before_is_not_weighed_again_by_a_deletion() -> None:
    w = world({"b": Outcome(seconds=60)}).run_until_running("b")
    w.desired = DesiredState.CANCELLED
    w.run_for(3)
    gone(delete(w))
    assert w.status.outcome is TaskOutcome.CANCELLED
    assert w.step("b").state is StepState.CANCELLED


def test_what_a_human_completed_before_the_first_launch_is_undone_by_a_deletion_too() -> None:
    w = world()
    w.slot = False
    w.applied(ActionType.COMPLETE, "a", result=1)
    assert w.finalizer
    gone(delete(w))
    assert w.steps_launched(Role.COMPENSATION) == ["a"]
