"""Suspending: launches are held, compensations too; what runs finishes; waits for humans start anew afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubesaga.engine.plan import Approval, Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.vocabulary import (
    ActionType,
    DesiredState,
    FailureStrategy,
    Role,
    StepKind,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

UNDO = Compensation()


def chain(**changes: Any) -> Plan:
    steps = (Step("a", compensation=UNDO), Step("b", depends_on=("a",), compensation=UNDO))
    return Plan(**{"steps": steps, **changes})


def suspend(w: World) -> World:
    w.desired = DesiredState.SUSPENDED
    return w


def resume(w: World) -> World:
    w.desired = DesiredState.RUNNING
    return w


def test_what_runs_finishes_and_nothing_more_is_started() -> None:
    w = suspend(World(chain(), scripted({"a": Outcome(seconds=10)})).run_until_running("a")).run_for(60)
    assert w.step("a").state is StepState.COMPLETE
    assert w.steps_launched() == ["a"]
    assert w.status.state is TaskState.WAITING_FOR_DEPENDENCIES
    assert w.status.message == "suspended: nothing new is started until it is resumed"


def test_resuming_goes_on_where_it_stood() -> None:
    w = suspend(World(chain(), scripted({})).run_until_running("a")).run_for(30)
    resume(w).run()
    assert w.steps_launched() == ["a", "b"]
    assert (w.status.outcome, w.status.suspended_since) == (TaskOutcome.SUCCEEDED, None)
    assert w.status.resumed_at is not None


def test_a_task_may_be_suspended_from_its_creation_on() -> None:
    w = suspend(World(chain(), scripted({}))).run_for(30)
    assert (w.status.state, w.launched) == (TaskState.WAITING_FOR_DEPENDENCIES, [])
    assert "NothingReady" in w.task_events()
    assert resume(w).run().status.outcome is TaskOutcome.SUCCEEDED


def test_a_due_retry_is_held_and_follows_at_once_when_resumed() -> None:
    plan = chain(steps=(Step("a", retry=RetryPolicy(initial_interval=5.0)),))
    w = World(plan, scripted({("a", 1): fails(retryable=True)})).run_until_state(TaskState.WAITING_FOR_RETRY)
    suspend(w).run_for(60)
    assert w.steps_launched() == ["a"]
    resume(w).pass_once()
    assert w.steps_launched() == ["a", "a"]


def test_the_deadline_goes_on_while_suspended() -> None:
    w = suspend(World(chain(timeout=20.0), scripted({})).run_until_running("a"))
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.FAILED)


def test_the_time_in_which_a_blocked_task_can_be_repaired_is_deferred() -> None:
    w = World(chain(blocked_timeout=10.0), scripted({"a": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    suspend(w).run_for(60)
    assert w.status.ending is None
    resume(w).pass_once()
    resumed = w.now
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.ABORTED)
    assert w.now >= resumed + 10.0


def test_the_time_out_of_an_approval_is_deferred_and_starts_anew() -> None:
    plan = chain(steps=(Step("ask", kind=StepKind.APPROVAL, approval=Approval(timeout=10.0)),))
    w = suspend(World(plan, scripted({})))
    w.run_for(5)
    assert w.step("ask").state is StepState.PENDING
    resume(w).run_for(8)
    suspend(w).run_for(60)
    assert w.step("ask").state is StepState.IN_PROGRESS
    resume(w).run_for(8)
    assert w.step("ask").state is StepState.IN_PROGRESS
    w.run()
    assert w.step("ask").state is StepState.ERROR


def test_compensations_are_held_too_and_a_human_is_named() -> None:
    plan = chain(failure_strategy=FailureStrategy.COMPENSATE)
    w = World(plan, scripted({"b": fails()}, undo={"b": Outcome(seconds=10)}))
    w.run_until(lambda: w.steps_launched(Role.COMPENSATION) == ["b"])
    suspend(w).run_for(60)
    assert w.status.attention is not None
    assert w.status.attention.reason == "Suspended"
    assert w.undo("b").state is StepState.COMPLETE
    assert w.steps_launched(Role.COMPENSATION) == ["b"]
    resume(w).run()
    assert w.steps_launched(Role.COMPENSATION) == ["b", "a"]
    assert w.status.outcome is TaskOutcome.COMPENSATED
    assert not w.status.attention


def test_the_steps_of_finally_are_held_too_and_the_end_does_not_keep_the_note() -> None:
    plan = replace(chain(), steps=(*chain().steps, Step("bye", final=True)))
    w = World(plan, scripted({"b": Outcome(seconds=3)})).run_until_running("b")
    suspend(w).run_for(30)
    assert w.status.attention is not None
    assert "finally" in w.status.message
    resume(w).run_until(lambda: "bye" in w.steps_launched())
    suspend(w).run()
    assert w.status.state is TaskState.COMPLETE
    assert not w.status.attention


def test_a_skip_needs_no_launch_and_is_applied_while_suspended() -> None:
    plan = chain(steps=(Step("a"), Step("b", depends_on=("a",), skippable=True)))
    w = suspend(World(plan, scripted({})).run_until_running("a")).run_for(10)
    w.applied(ActionType.SKIP, "b")
    w.run()
    assert w.status.state is TaskState.COMPLETE


def test_a_retry_asked_for_while_suspended_waits_to_be_resumed() -> None:
    w = World(chain(), scripted({("a", 1): fails()})).run()
    suspend(w)
    w.applied(ActionType.RETRY)
    w.run_for(30)
    assert (w.status.state, w.steps_launched()) == (TaskState.WAITING_FOR_DEPENDENCIES, ["a"])
    assert resume(w).run().status.outcome is TaskOutcome.SUCCEEDED
