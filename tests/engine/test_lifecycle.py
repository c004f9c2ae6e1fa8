"""Staleness: a mark by default, a failure if the template says so; without limits nothing is ever stale."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.engine.plan import Approval, Compensation, Lifecycle, Plan, RetryPolicy, Step
from kubesaga.engine.vocabulary import (
    ActionType,
    DesiredState,
    EndingTrigger,
    FailureStrategy,
    Role,
    StaleAction,
    StepKind,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

S = TaskState
ASK = Step("ask", kind=StepKind.APPROVAL, approval=Approval())
ANSWERED = Step("go", ("ask",))


def asking(action: StaleAction = StaleAction.MARK, **changes: Any) -> Plan:
    lifecycle = Lifecycle({S.WAITING_FOR_DEPENDENCIES: 60.0}, action=action)
    return Plan(**{"steps": (ASK, ANSWERED), "lifecycle": lifecycle, **changes})


def test_a_long_wait_is_legitimate_by_default() -> None:
    w = World(Plan((ASK,)), scripted({})).run_for(90 * 86_400, tick=86_400)
    assert not w.status.stale
    assert w.status.state is S.WAITING_FOR_DEPENDENCIES


def test_a_task_that_waits_beyond_its_limit_is_marked_once_and_goes_on_waiting() -> None:
    w = World(asking(), scripted({})).run_for(50)
    assert not w.status.stale
    w.run_for(100)
    assert w.status.stale
    assert w.status.state is S.WAITING_FOR_DEPENDENCIES
    assert len(w.events("TaskStale")) == 1


def test_it_is_woken_when_the_limit_is_reached() -> None:
    w = World(asking(), scripted({}))
    w.pass_once()
    assert w.pass_once().wake_at == 1_060.0


def test_the_mark_goes_when_the_task_moves_on() -> None:
    w = World(asking(), scripted({"go": Outcome(seconds=30)})).run_for(100)
    w.applied(ActionType.APPROVE, "ask")
    assert not w.status.stale
    w.run()
    assert (w.status.outcome, w.status.stale) == (TaskOutcome.SUCCEEDED, False)


def test_a_suspended_task_waits_by_its_users_wish_and_its_time_starts_anew() -> None:
    w = World(asking(), scripted({})).run_for(30)
    w.desired = DesiredState.SUSPENDED
    w.run_for(100)
    assert not w.status.stale
    w.desired = DesiredState.RUNNING
    w.run_for(50)
    assert not w.status.stale
    w.run_for(20)
    assert w.status.stale


@pytest.mark.parametrize(
    ("state", "plan", "outcomes"),
    [
        (S.WAITING_FOR_RETRY, (Step("a", retry=RetryPolicy(initial_interval=900.0, max_interval=900.0)),),
         {"a": fails(retryable=True)}),
        (S.STEPS_IN_PROCESS, (Step("a"),), {"a": Outcome(seconds=900)}),
        (S.WAITING_FOR_DEPENDENCIES, (ASK,), {}),
        (S.BLOCKED_BY_FAILURES, (Step("a"),), {"a": fails()}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", StaleAction)
def test_any_state_has_its_limit_and_a_template_may_fail_what_exceeds_it(
    state: TaskState, plan: Any, outcomes: Any, action: StaleAction
) -> None:
    flow = Plan(plan, lifecycle=Lifecycle({state: 60.0}, action=action), blocked_timeout=900.0)
    w = World(flow, scripted(outcomes))
    w.run_until(lambda: w.status.stale)
    if action is StaleAction.MARK:
        assert w.status.state is state
        return
    w.run()
    assert (w.status.state, w.status.outcome) == (S.ERROR, TaskOutcome.FAILED)
    assert w.status.ending is not None
    assert w.status.ending.trigger is EndingTrigger.STALE
    assert all(r.state in (StepState.CANCELLED, StepState.ERROR) for r in w.status.steps)
    assert w.status.message == "the Task waited longer than its template's lifecycle allows"


def test_a_task_that_failed_by_staleness_stays_a_dead_letter() -> None:
    w = World(asking(StaleAction.FAIL), scripted({})).run()
    assert (w.status.state, w.status.stale) == (S.ERROR, True)
    w.run_for(10)
    assert w.status.stale


def test_failing_by_staleness_undoes_under_compensate() -> None:
    steps = (Step("a", compensation=Compensation()), Step("ask", ("a",), kind=StepKind.APPROVAL, approval=Approval()))
    plan = asking(StaleAction.FAIL, steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    w = World(plan, scripted({})).run()
    assert (w.status.outcome, w.steps_launched(Role.COMPENSATION)) == (TaskOutcome.COMPENSATED, ["a"])
    assert w.status.stale


def test_a_limit_in_total_spans_all_states_of_a_run_and_starts_anew_with_the_next() -> None:
    plan = Plan((Step("a"), Step("b", ("a",))), lifecycle=Lifecycle(total=20.0), blocked_timeout=0.0)
    w = World(plan, scripted({("b", 1): fails(seconds=50)}))
    w.run_until(lambda: w.status.stale)
    assert w.status.state is S.STEPS_IN_PROCESS
    w.run()
    w.applied(ActionType.RETRY)
    w.pass_once()
    assert not w.status.stale


def test_a_task_that_ended_well_or_was_settled_is_no_dead_letter() -> None:
    plan = Plan((Step("a"),), lifecycle=Lifecycle(total=20.0))
    assert not World(plan, scripted({"a": Outcome(seconds=50)})).run().status.stale
    w = World(asking(StaleAction.FAIL), scripted({})).run()
    w.applied(ActionType.RESOLVE)
    assert not w.status.stale
