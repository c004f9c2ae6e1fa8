"""Approval steps: opened without a pod, closed by a yes, a no, a time-out, another action, or the Task's end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubesaga.engine.plan import Approval, Plan, Step, Violation
from kubesaga.engine.policies import approvals
from kubesaga.engine.policies.actions import MOST_AT_ONCE
from kubesaga.engine.vocabulary import (
    ActionPhase,
    ActionType,
    DesiredState,
    FailureStrategy,
    OnTimeout,
    StepKind,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

A = ActionType


def asking(timeout: float | None = None, on_timeout: OnTimeout = OnTimeout.FAIL, **changes: Any) -> Plan:
    ask = Step("ask", kind=StepKind.APPROVAL, approval=Approval(timeout, on_timeout), skippable=True, **changes)
    return Plan((ask, Step("go", depends_on=("ask",))), blocked_timeout=600.0)


def opened(plan: Plan | None = None) -> World:
    w = World(plan or asking(), scripted({}))
    return w.run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)


def test_an_approval_waits_without_a_job_and_says_so() -> None:
    w = opened().run_for(3_600, tick=60)
    assert w.jobs == {}
    assert w.step("ask").state is StepState.IN_PROGRESS
    assert w.status.message == "waiting for the approval ask"
    assert len(w.events("ApprovalRequested")) == 1


def test_approve_is_its_success_and_who_said_so_its_result() -> None:
    w = opened()
    w.applied(A.APPROVE, "ask", requested_by="ann", reason="looks good")
    w.run()
    assert w.step("ask").result == {"approved": True, "by": "ann", "reason": "looks good"}
    assert (w.status.outcome, w.steps_launched()) == (TaskOutcome.SUCCEEDED, ["go"])


def test_approve_may_bring_a_result_of_its_own() -> None:
    w = opened()
    w.applied(A.APPROVE, "ask", result={"limit": 500})
    assert w.step("ask").result == {"limit": 500}


def test_an_answer_that_breaks_the_steps_schema_is_refused_and_the_approval_stays_open() -> None:
    w = opened(asking(check_result=lambda r: [] if "limit" in r else [Violation("/limit", "is missing")]))
    assert "/limit: is missing" in w.rejected(A.APPROVE, "ask", result={"other": 1})
    assert w.step("ask").state is StepState.IN_PROGRESS
    w.applied(A.APPROVE, "ask", result={"limit": 1})


def test_reject_fails_the_step_for_good_with_who_and_why() -> None:
    w = opened()
    w.applied(A.REJECT, "ask", requested_by="ann", reason="too dear")
    assert w.step("ask").state is StepState.ERROR
    assert str(w.step("ask").error) == "Rejected: rejected by ann: too dear"
    assert w.status.state is TaskState.BLOCKED_BY_FAILURES


@pytest.mark.parametrize(
    ("on_timeout", "state", "outcome", "task"),
    [
        (OnTimeout.FAIL, StepState.ERROR, StepOutcome.FAILED, TaskState.BLOCKED_BY_FAILURES),
        (OnTimeout.APPROVE, StepState.COMPLETE, StepOutcome.SUCCEEDED, TaskState.COMPLETE),
        (OnTimeout.SKIP, StepState.COMPLETE, StepOutcome.SKIPPED, TaskState.COMPLETE),
    ],
)
def test_nobodys_answer_in_time_counts_as_the_template_says(
    on_timeout: OnTimeout, state: StepState, outcome: StepOutcome, task: TaskState
) -> None:
    w = opened(asking(30.0, on_timeout))
    w.run_until(lambda: w.status.state is task)
    assert (w.step("ask").state, w.step("ask").outcome) == (state, outcome)
    assert len(w.events("ApprovalTimeout")) == 1


def test_the_task_is_woken_when_the_time_is_over() -> None:
    w = opened(asking(30.0))
    assert w.pass_once().wake_at == (w.step("ask").started_at or 0) + 30.0


@pytest.mark.parametrize("ended", [False, True])
def test_a_yes_that_comes_late_is_taken(ended: bool) -> None:
    w = opened(asking(30.0))
    w.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    if ended:
        w.applied(A.GIVE_UP)
        w.run_until_state(TaskState.ERROR)
    w.applied(A.APPROVE, "ask")
    w.run()
    assert (w.status.outcome, w.step("ask").attempt) == (TaskOutcome.SUCCEEDED, 2)


@pytest.mark.parametrize("on_timeout", OnTimeout)
def test_an_answer_that_is_known_wins_over_a_timeout_that_is_not_on_record(on_timeout: OnTimeout) -> None:
    w = opened(asking(30.0, on_timeout))
    w.now += 40.0  # nobody looked meanwhile
    w.applied(A.REJECT, "ask")
    assert str(w.step("ask").error) == "Rejected: rejected"
    assert w.events("ApprovalTimeout") == []


@pytest.mark.parametrize("on_timeout", OnTimeout)
def test_a_yes_that_is_known_wins_over_a_timeout_as_well(on_timeout: OnTimeout) -> None:
    w = opened(asking(30.0, on_timeout))
    w.now += 40.0
    w.applied(A.APPROVE, "ask", requested_by="ann")
    assert w.step("ask").result == {"approved": True, "by": "ann", "reason": None}
    assert w.step("ask").attempt == 1


def test_nothing_is_timed_out_before_all_that_was_asked_for_has_been_heard() -> None:
    failed = [f"bad-{n}" for n in range(MOST_AT_ONCE)]
    ask = Step("ask", kind=StepKind.APPROVAL, approval=Approval(30.0, OnTimeout.APPROVE))
    plan = Plan((ask, *map(Step, failed)), failure_strategy=FailureStrategy.CONTINUE)
    w = World(plan, scripted({name: fails() for name in failed})).run_for(20)
    w.now += 40.0
    for name in failed:
        w.act(A.RETRY, name)
    no = w.act(A.REJECT, "ask")
    w.run_for(5)
    assert w.answer(no).phase is ActionPhase.APPLIED


def test_whether_a_timeout_is_due_is_known_before_the_decision_that_records_it() -> None:
    w = opened(asking(30.0))
    due = (w.step("ask").started_at or 0.0) + 30.0
    assert not approvals.is_due(w.plan, w.snapshot(), due - 0.1)
    assert approvals.is_due(w.plan, w.snapshot(), due)
    held = replace(w.snapshot(), desired=DesiredState.SUSPENDED)
    assert not approvals.is_due(w.plan, held, due)
    w.desired = DesiredState.SUSPENDED
    w.pass_once()
    w.desired = DesiredState.RUNNING  # the time starts anew in the decision that sees this
    assert not approvals.is_due(w.plan, w.snapshot(), due)
    w.run_for(100)
    assert not approvals.is_due(w.plan, w.snapshot(), w.now)


def test_no_timeout_is_due_of_a_task_that_has_not_started_or_waits_for_as_long_as_it_takes() -> None:
    assert not approvals.is_due(asking(30.0), World(asking(30.0), scripted({})).snapshot(), 1e12)
    assert not approvals.is_due(asking(), opened().snapshot(), 1e12)


def test_a_no_that_comes_late_is_rejected() -> None:
    w = opened(asking(30.0)).run_for(40)
    assert "it does not wait for an answer" in w.rejected(A.REJECT, "ask")


def test_a_second_answer_is_rejected() -> None:
    w = opened()
    w.applied(A.APPROVE, "ask")
    assert "it does not wait for an answer" in w.rejected(A.APPROVE, "ask")


def test_retry_opens_a_rejected_approval_again() -> None:
    w = opened()
    w.applied(A.REJECT, "ask")
    w.applied(A.RETRY, "ask")
    assert w.step("ask").state is StepState.IN_PROGRESS
    assert len(w.events("ApprovalRequested")) == 2


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        (A.COMPLETE, StepState.COMPLETE),
        (A.RESOLVE, StepState.RESOLVED_MANUALLY),
        (A.SKIP, StepState.COMPLETE),
        (A.FAIL, StepState.ERROR),
    ],
)
def test_an_open_approval_is_settled_at_once_by_any_other_action(type_: ActionType, state: StepState) -> None:
    w = opened()
    action = w.act(type_, "ask")
    w.pass_once()
    assert w.answer(action).message
    assert w.step("ask").state is state


def test_an_approval_takes_no_place_of_the_parallelism() -> None:
    steps = (Step("ask", kind=StepKind.APPROVAL, approval=Approval(), priority=9), Step("a"), Step("b"))
    w = World(Plan(steps, parallelism=1), scripted({})).run_for(20)
    assert w.steps_launched() == ["a", "b"]


@pytest.mark.parametrize("strategy", [FailureStrategy.ABORT, FailureStrategy.COMPENSATE])
def test_an_open_approval_is_cancelled_when_another_step_fails(strategy: FailureStrategy) -> None:
    steps = (Step("ask", kind=StepKind.APPROVAL, approval=Approval()), Step("bad"))
    w = World(Plan(steps, failure_strategy=strategy), scripted({"bad": fails(seconds=5)})).run()
    assert (w.step("ask").state, w.status.state) == (StepState.CANCELLED, TaskState.ERROR)


def test_under_continue_the_answer_is_still_waited_for() -> None:
    steps = (Step("ask", kind=StepKind.APPROVAL, approval=Approval()), Step("bad"))
    w = World(Plan(steps, failure_strategy=FailureStrategy.CONTINUE), scripted({"bad": fails()})).run_for(60)
    assert w.status.state is TaskState.WAITING_FOR_DEPENDENCIES
    w.applied(A.APPROVE, "ask")
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.FAILED)


def test_the_deadline_closes_an_open_approval() -> None:
    plan = Plan(asking().steps, timeout=20.0)
    w = World(plan, scripted({})).run()
    assert (w.status.state, w.step("ask").state) == (TaskState.ERROR, StepState.CANCELLED)


def test_an_approval_beside_a_retry_and_a_running_step_leaves_each_its_state() -> None:
    steps = (Step("ask", kind=StepKind.APPROVAL, approval=Approval()), Step("a"))
    w = World(Plan(steps), scripted({("a", 1): fails(retryable=True)}))
    w.run_until(lambda: w.status.state is TaskState.WAITING_FOR_RETRY)
    w.run_until(lambda: w.status.state is TaskState.STEPS_IN_PROCESS)
    w.run_until(lambda: w.status.state is TaskState.WAITING_FOR_DEPENDENCIES)
    assert w.step("a").state is StepState.COMPLETE


def test_a_suspended_task_opens_no_approval() -> None:
    w = World(asking(), scripted({}), desired=DesiredState.SUSPENDED).run_for(10)
    assert w.step("ask").state is StepState.PENDING


def test_a_slow_start_is_nothing_that_an_approval_has() -> None:
    w = World(Plan((Step("ask", kind=StepKind.APPROVAL, approval=Approval(), start_timeout=5.0),)), scripted({}))
    w.run_for(60)
    assert w.step("ask").state is StepState.IN_PROGRESS


def test_a_task_of_approvals_alone_needs_no_pod_at_all() -> None:
    w = World(Plan((Step("ask", kind=StepKind.APPROVAL, approval=Approval()),)), lambda _: Outcome())
    w.run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    w.applied(A.APPROVE, "ask")
    assert w.run().launched == []


def test_a_yes_does_not_overrule_a_no_until_retry_asks_again() -> None:
    w = opened(asking(30.0))
    w.applied(A.REJECT, "ask", reason="too dear")
    assert "too dear): a TaskAction Retry asks for an answer again" in w.rejected(A.APPROVE, "ask")
    w.applied(A.RETRY, "ask")
    assert w.applied(A.APPROVE, "ask")
