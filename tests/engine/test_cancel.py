"""Cancelling: Drain waits, Terminate stops, and Cancelled is said when nothing of the Task runs any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Approval, Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.policies.attempts import NOT_STOPPED_AFTER
from kubesaga.engine.records import StepError
from kubesaga.engine.snapshot import Observation, Phase, TemplateProblem
from kubesaga.engine.vocabulary import (
    ActionType,
    CompensationWhen,
    DesiredState,
    EndingTrigger,
    FailureStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import LOST_NODE, Outcome, World, fails, scripted

UNDO = Compensation()
LONG = Outcome(seconds=30)
POD_LOST = StepError("PodLost", "its pod is gone", outcome_unknown=True)


def chain(**changes: Any) -> Plan:
    steps = (
        Step("a", compensation=UNDO),
        Step("b", depends_on=("a",), compensation=UNDO),
        Step("c", depends_on=("b",), compensation=UNDO),
    )
    return Plan(**{"steps": steps, **changes})


def cancel(w: World, mode: RunningSteps = RunningSteps.DRAIN, *, compensate: bool = False) -> World:
    w.desired, w.cancel_mode, w.cancel_compensates = DesiredState.CANCELLED, mode, compensate
    return w


def ended(w: World) -> tuple[TaskState, TaskOutcome | None]:
    return w.status.state, w.status.outcome


def test_drain_lets_what_runs_finish_and_starts_nothing_more() -> None:
    w = cancel(World(chain(), scripted({"b": LONG})).run_until_running("b")).run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert (w.step("b").state, w.step("c").state) == (StepState.COMPLETE, StepState.CANCELLED)
    assert w.jobs[Attempt("b", Role.FORWARD, 1)].stopped_at is None
    assert w.steps_launched() == ["a", "b"]


def test_terminate_stops_what_runs_and_waits_until_it_has_stopped() -> None:
    w = cancel(World(chain(), scripted({"b": LONG})).run_until_running("b"), RunningSteps.TERMINATE)
    w.pass_once()
    assert not w.ended
    w.run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.step("b").state is StepState.CANCELLED
    assert all(job.observe(w.now).terminal for job in w.jobs.values())
    assert w.step_events("b", Role.COMPENSATION) == []


@pytest.mark.parametrize("mode", RunningSteps)
def test_a_cancel_with_compensation_undoes_what_may_have_been_done(mode: RunningSteps) -> None:
    w = cancel(World(chain(), scripted({"b": LONG})).run_until_running("b"), mode, compensate=True).run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)
    assert w.steps_launched(Role.COMPENSATION) == ["b", "a"]
    assert w.task_events()[-2:] == ["Cancel", "CompensationDone"]


@pytest.mark.parametrize("known", ["nothing", "its start", "that a pod was there"])
def test_what_was_stopped_is_undone_where_nobody_knows_that_it_never_ran(known: str) -> None:
    undone = Compensation(when=CompensationWhen.SUCCEEDED)
    w = World(Plan(steps=(Step("a", compensation=undone),)), scripted({"a": LONG}))
    w.run_for(5.0 if known == "its start" else 0.0)
    assert (w.step("a").state is StepState.IN_PROGRESS) is (known == "its start")
    cancel(w, RunningSteps.TERMINATE, compensate=True).pass_once()
    lost = Observation(Phase.FAILED, terminal=True, stopping=True, error=POD_LOST, may_have_run="pod" in known)
    over = decide(w.plan, replace(w.snapshot(), forward={0: lost}), w.now + 1)
    assert over.status.steps[0].outcome_unknown is (known != "nothing")
    assert (over.status.saga is not None) is (known != "nothing")


@pytest.mark.parametrize("ran", [False, True])
def test_what_ran_under_a_job_that_is_gone_is_undone_once_a_fence_has_its_name(ran: bool) -> None:
    undone = Compensation(when=CompensationWhen.SUCCEEDED)
    w = World(Plan(steps=(Step("a", compensation=undone),)), scripted({"a": LONG}))
    w.pass_once(crash_after_write=True)
    cancel(w, RunningSteps.TERMINATE, compensate=True).pass_once(crash_after_write=True)
    fenced = Observation(Phase.FENCED, terminal=True, may_have_run=ran)
    over = decide(w.plan, replace(w.snapshot(), forward={0: fenced}), w.now + 1)
    assert over.status.steps[0].outcome_unknown is ran
    assert (over.status.saga is not None) is ran


@pytest.mark.parametrize("mode", RunningSteps)
def test_the_start_of_what_runs_is_recorded_with_its_stop_or_once_its_job_is_gone(mode: RunningSteps) -> None:
    w = World(Plan(steps=(Step("a"),)), scripted({"a": LONG}))
    w.pass_once()
    cancel(w, mode)
    running = Observation(Phase.RUNNING, started_at=w.now, stopping=mode is RunningSteps.DRAIN)
    w.status = decide(w.plan, replace(w.snapshot(), forward={0: running}), w.now + 0.1).status
    assert w.step("a").state is StepState.IN_PROGRESS


def test_a_cancel_with_compensation_of_a_task_that_has_done_nothing_is_a_plain_cancel() -> None:
    w = World(chain(), scripted({}), slot=False)
    w.run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    assert ended(cancel(w, compensate=True).run()) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)


def test_drain_may_turn_into_terminate_and_nothing_else_changes_any_more() -> None:
    w = cancel(World(chain(), scripted({"b": Outcome(seconds=10_000)})).run_until_running("b"))
    w.run_for(5)
    decided = w.status.ending
    w.cancel_compensates = True
    w.desired = DesiredState.RUNNING
    w.run_for(5)
    assert w.status.ending == decided
    cancel(w, RunningSteps.TERMINATE, compensate=True).run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.status.saga is None


def test_a_task_that_waits_for_a_retry_is_cancelled_at_once() -> None:
    steps = (Step("a", retry=RetryPolicy(initial_interval=900.0, max_interval=900.0)),)
    w = World(chain(steps=steps), scripted({"a": fails(retryable=True)}))
    w.run_until_state(TaskState.WAITING_FOR_RETRY)
    cancel(w).pass_once()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert (w.step("a").state, w.step("a").next_retry_at) == (StepState.CANCELLED, None)


@pytest.mark.parametrize("mode", RunningSteps)
def test_an_open_approval_is_cancelled_at_once_either_way(mode: RunningSteps) -> None:
    steps = (Step("ask", kind=StepKind.APPROVAL, approval=Approval()), Step("b", depends_on=("ask",)))
    w = World(chain(steps=steps), scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    cancel(w, mode).pass_once()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.step("ask").state is StepState.CANCELLED


@pytest.mark.parametrize("mode", RunningSteps)
def test_a_suspended_task_can_be_cancelled(mode: RunningSteps) -> None:
    w = World(chain(), scripted({}), desired=DesiredState.SUSPENDED).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    cancel(w, mode).pass_once()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)


def test_a_blocked_task_can_be_cancelled_and_undone() -> None:
    w = World(chain(blocked_timeout=900.0), scripted({"b": fails()}))
    w.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    cancel(w, compensate=True).run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)


def test_a_cancel_while_compensating_changes_nothing() -> None:
    plan = chain(failure_strategy=FailureStrategy.COMPENSATE)
    w = World(plan, scripted({"c": fails()}, undo={"b": LONG})).run_until_state(TaskState.COMPENSATING)
    cancel(w, RunningSteps.TERMINATE).run()
    assert ended(w) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert w.steps_launched(Role.COMPENSATION) == ["c", "b", "a"]


def test_a_second_cancel_neither_skips_nor_repeats_a_compensation() -> None:
    w = cancel(World(chain(), scripted({"c": LONG}, undo={"b": LONG})).run_until_running("c"), compensate=True)
    w.run_until(lambda: "b" in w.steps_launched(Role.COMPENSATION))
    cancel(w, RunningSteps.TERMINATE, compensate=False).run()
    assert w.steps_launched(Role.COMPENSATION) == ["c", "b", "a"]
    assert w.status.outcome is TaskOutcome.COMPENSATED


@pytest.mark.parametrize("problem", [None, TemplateProblem("TemplateNotFound", "not there")])
def test_a_task_that_has_not_started_is_cancelled_without_a_template(problem: TemplateProblem | None) -> None:
    w = cancel(World(chain(), scripted({}), template_problem=problem))
    w.pass_once()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.status.message == "cancelled before it started"
    assert w.launched == []


def test_a_draining_step_that_fails_retryably_is_not_tried_again() -> None:
    w = World(chain(), scripted({"b": fails("Late", retryable=True, seconds=20)})).run_until_running("b")
    cancel(w).run()
    assert w.step("b").state is StepState.CANCELLED
    assert str(w.step("b").error) == "Late: it broke"
    assert w.steps_launched() == ["a", "b"]


def test_the_deadline_turns_drain_into_terminate() -> None:
    w = World(chain(timeout=20.0), scripted({"b": Outcome(seconds=10_000)})).run_until_running("b")
    cancel(w).run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.status.ending is not None
    assert w.status.ending.trigger is EndingTrigger.CANCELLED


def test_an_attempt_that_was_recorded_but_never_created_is_fenced_before_cancelled_is_said() -> None:
    w = World(chain(), scripted({}))
    w.pass_once(crash_after_write=True)
    cancel(w, RunningSteps.TERMINATE).pass_once(crash_after_write=True)
    w.run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.CANCELLED)
    assert w.jobs[Attempt("a", Role.FORWARD, 1)].fence
    assert w.launched == []


# --- a pod that is never seen to stop ------------------------------------------------------------------------------


def deaf_cancelled(**changes: Any) -> World:
    w = World(chain(**changes), scripted({"b": LOST_NODE})).run_until_running("b")
    cancel(w, RunningSteps.TERMINATE, compensate=True).run()
    return w


def test_a_pod_on_a_lost_node_blocks_the_end_and_is_named_after_its_grace() -> None:
    w = deaf_cancelled()
    assert not w.ended
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    assert "pod p on node n" in w.status.message
    stop = w.step("b").stop
    assert stop is not None
    assert w.now >= stop.at + NOT_STOPPED_AFTER
    assert w.steps_launched(Role.COMPENSATION) == []


def test_confirm_stopped_is_a_humans_word_and_undoing_begins() -> None:
    w = deaf_cancelled()
    w.applied(ActionType.CONFIRM_STOPPED, "b")
    w.run()
    assert ended(w) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)
    assert w.steps_launched(Role.COMPENSATION) == ["b", "a"]
    assert w.step("b").confirmed_stopped


def test_confirm_stopped_counts_once() -> None:
    w = deaf_cancelled()
    w.applied(ActionType.CONFIRM_STOPPED, "b")
    assert "nothing to confirm" in w.rejected(ActionType.CONFIRM_STOPPED, "b")


def test_a_pod_that_its_lost_node_lets_nobody_delete_is_named_and_can_be_confirmed() -> None:
    lost = replace(LOST_NODE, evicted=True)
    plan = Plan(steps=(Step("a", retry=RetryPolicy(max_attempts=2)),))
    w = World(plan, scripted({("a", 1): lost})).run()
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    assert "pod p on node n" in w.status.message
    assert w.steps_launched() == ["a"]
    w.applied(ActionType.CONFIRM_STOPPED, "a")
    w.run()
    assert ended(w) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert w.steps_launched() == ["a", "a"]


def test_a_success_whose_pod_is_never_seen_to_end_is_named_and_can_be_confirmed() -> None:
    w = World(chain(), scripted({"b": LONG})).run_until_running("b")
    cancel(w, compensate=True)
    w.run_until(lambda: w.step("b").state is StepState.COMPLETE)
    job = w.jobs[Attempt("b", Role.FORWARD, 1)]
    job.outcome = replace(LOST_NODE, result=job.outcome.result)
    w.run()
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    w.applied(ActionType.CONFIRM_STOPPED, "b")
    w.run()
    assert w.status.outcome is TaskOutcome.COMPENSATED


def test_a_deaf_attempt_that_did_not_start_in_time_is_tried_again_after_a_humans_word() -> None:
    plan = chain(steps=(Step("a", start_timeout=10.0),))
    w = World(plan, scripted({("a", 1): replace(LOST_NODE, disruptions=999)}))
    w.run_until(w.stuck)
    w.applied(ActionType.CONFIRM_STOPPED, "a")
    w.run()
    assert w.steps_launched() == ["a", "a"]
    assert w.status.outcome is TaskOutcome.SUCCEEDED
