"""TaskActions: applied once, in order, to what they were meant for; everything else is Rejected with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Approval, Plan, RetryPolicy, Step, Violation
from kubesaga.engine.policies.actions import MOST_AT_ONCE, MOST_RECORDS
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.engine.vocabulary import (
    ActionPhase,
    ActionType,
    Backoff,
    DesiredState,
    FailureStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.invariants import check_all
from tests.engine.world import LOST_NODE, Outcome, World, fails, scripted

A = ActionType
LONG = Outcome(seconds=100)


def chain(**changes: Any) -> Plan:
    """a → b → c, which stays blocked for an hour when it fails."""
    steps = (Step("a"), Step("b", depends_on=("a",), skippable=True), Step("c", depends_on=("b",)))
    return Plan(**{"steps": steps, "blocked_timeout": 3_600.0, **changes})


def blocked(**changes: Any) -> World:
    """A chain whose second step fails the first time."""
    return World(chain(**changes), scripted({("b", 1): fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)


def failed(**changes: Any) -> World:
    return World(chain(blocked_timeout=0.0, **changes), scripted({("b", 1): fails()})).run_until_state(TaskState.ERROR)


# --- what each does to a step --------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [blocked, failed])
def test_retry_gives_a_failed_step_another_attempt_and_what_is_done_is_not_done_again(world: Any) -> None:
    w: World = world()
    assert w.applied(A.RETRY, "b") == "attempt 2 of b may start"
    w.run()
    assert w.steps_launched() == ["a", "b", "b", "c"]
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    assert (w.step("b").attempt, w.step("b").retry_base) == (2, 1)


@pytest.mark.parametrize("world", [blocked, failed])
def test_retry_without_a_step_is_for_every_failed_one(world: Any) -> None:
    w: World = world()
    assert w.applied(A.RETRY) == "may start again: b"
    assert w.run().status.outcome is TaskOutcome.SUCCEEDED


@pytest.mark.parametrize("world", [blocked, failed])
def test_complete_takes_the_given_result_in_place_of_the_steps_own(world: Any) -> None:
    w: World = world()
    w.applied(A.COMPLETE, "b", result={"by": "hand"})
    w.run()
    assert w.steps_launched() == ["a", "b", "c"]
    b = w.step("b")
    assert (b.state, b.outcome, b.result, b.error) == (
        StepState.COMPLETE, StepOutcome.SUCCEEDED, {"by": "hand"}, None,
    )  # fmt: skip


@pytest.mark.parametrize("world", [blocked, failed])
def test_resolve_lets_a_failed_step_count_as_done_without_a_result(world: Any) -> None:
    w: World = world()
    w.applied(A.RESOLVE, "b")
    w.run()
    assert (w.step("b").state, w.step("b").result) == (StepState.RESOLVED_MANUALLY, None)
    assert w.status.outcome is TaskOutcome.SUCCEEDED


@pytest.mark.parametrize("world", [blocked, failed])
def test_skip_lets_a_failed_step_count_as_done_if_its_template_says_skippable(world: Any) -> None:
    w: World = world()
    w.applied(A.SKIP, "b")
    w.run()
    assert (w.step("b").state, w.step("b").outcome) == (StepState.COMPLETE, StepOutcome.SKIPPED)
    assert w.status.outcome is TaskOutcome.SUCCEEDED


def test_fail_ends_a_step_that_waits_for_a_retry() -> None:
    plan = chain(steps=(Step("a", retry=RetryPolicy(initial_interval=500.0, max_interval=500.0)),))
    w = World(plan, scripted({"a": fails(retryable=True)})).run_until_state(TaskState.WAITING_FOR_RETRY)
    w.applied(A.FAIL, "a", reason="no point")
    assert w.step("a").state is StepState.ERROR
    assert str(w.step("a").error) == "FailedManually: no point"
    assert w.status.state is TaskState.BLOCKED_BY_FAILURES


@pytest.mark.parametrize("type_", [A.COMPLETE, A.RESOLVE, A.SKIP, A.FAIL])
@pytest.mark.parametrize("state", [StepState.PENDING, StepState.WAITING_FOR_RETRY])
def test_a_step_that_does_not_run_is_settled_at_once(type_: ActionType, state: StepState) -> None:
    retry = RetryPolicy(initial_interval=500.0, max_interval=500.0)
    steps = (Step("a"), Step("b", depends_on=("a",), skippable=True, retry=retry), Step("c", depends_on=("b",)))
    outcomes = {"a": LONG} if state is StepState.PENDING else {"b": fails(retryable=True)}
    w = World(chain(steps=steps), scripted(outcomes))
    w.run_until(lambda: bool(w.status.steps) and w.step("b").state is state)
    w.applied(type_, "b")
    assert w.step("b").next_retry_at is None
    done = {A.RESOLVE: StepState.RESOLVED_MANUALLY, A.FAIL: StepState.ERROR}
    assert w.step("b").state is done.get(type_, StepState.COMPLETE)


@pytest.mark.parametrize("type_", [A.COMPLETE, A.RESOLVE, A.SKIP, A.FAIL])
def test_a_running_step_is_stopped_first_and_not_started_again(type_: ActionType) -> None:
    w = World(chain(), scripted({"b": LONG})).run_until_running("b")
    w.applied(type_, "b", reason="enough")
    job = w.jobs[Attempt("b", Role.FORWARD, 1)]
    assert job.stopped_at is not None
    assert job.observe(w.now).terminal
    w.run_until(lambda: w.ended or w.status.state is TaskState.BLOCKED_BY_FAILURES)
    assert w.steps_launched().count("b") == 1
    assert ("c" in w.steps_launched()) == (type_ is not A.FAIL)


@pytest.mark.parametrize("type_", [A.COMPLETE, A.RESOLVE, A.SKIP, A.FAIL])
def test_an_attempt_that_was_never_created_is_fenced_before_its_step_is_settled(type_: ActionType) -> None:
    w = World(chain(), scripted({}))
    w.pass_once(crash_after_write=True)
    w.plan = replace(w.plan, steps=tuple(replace(step, skippable=True) for step in w.plan.steps))
    w.act(type_, "a")
    w.pass_once(crash_after_write=True)
    w.run_until(lambda: "a0" in w.verdicts)
    assert w.jobs[Attempt("a", Role.FORWARD, 1)].fence


@pytest.mark.parametrize("type_", [A.SKIP, A.FAIL])
def test_a_step_that_succeeds_while_it_is_being_stopped_keeps_its_result(type_: ActionType) -> None:
    w = World(chain(), scripted({"b": Outcome({"b": "real"}, seconds=1.2)})).run_until_running("b")
    w.jobs[Attempt("b", Role.FORWARD, 1)].outcome = Outcome({"b": "real"}, seconds=w.now - 1_000 - 2.0)
    said = w.rejected(type_, "b")
    assert "b is EnqueuedForOrchestration" in said or "b is Complete" in said
    assert w.run().step("b").result == {"b": "real"}


def test_a_stop_for_an_action_that_was_withdrawn_leaves_an_ordinary_retry() -> None:
    w = World(chain(), scripted({("b", 1): LONG})).run_until_running("b")
    w.act(A.COMPLETE, "b")
    w.pass_once()
    w.actions.clear()
    assert w.run().steps_launched() == ["a", "b", "b", "c"]


# --- what does not fit ---------------------------------------------------------------------------------------------


def test_an_action_older_than_the_task_was_meant_for_another_of_its_name() -> None:
    assert "older than the Task" in blocked().rejected(A.RETRY, "b", at=999.0)


def test_an_action_within_the_second_of_the_tasks_creation_is_taken() -> None:
    w = blocked()
    assert w.applied(A.RETRY, "b", at=1_000.0)


def test_an_action_names_its_task_by_uid_if_it_wants_to_be_sure() -> None:
    w = blocked()
    assert "this one has uid-1" in w.rejected(A.RETRY, "b", task_uid="other")
    assert w.applied(A.RETRY, "b", task_uid="uid-1")


def test_an_action_names_the_attempt_that_it_is_about_if_it_wants_to_be_sure() -> None:
    w = blocked()
    assert "expects attempt 2 of b, which is at 1" in w.rejected(A.RETRY, "b", expected_attempt=2)
    assert w.applied(A.RETRY, "b", expected_attempt=1)


def test_a_result_that_breaks_the_steps_schema_is_refused_with_its_violations() -> None:
    steps = (Step("a", check_result=lambda r: [] if r else [Violation("/id", "is missing")]),)
    w = World(chain(steps=steps), scripted({"a": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert "/id: is missing" in w.rejected(A.COMPLETE, "a", result={})
    assert w.applied(A.COMPLETE, "a", result={"id": 1})


@pytest.mark.parametrize(
    ("type_", "step", "said"),
    [
        (A.RETRY, "a", "a is Complete, and only a step in Error can be retried"),
        (A.RETRY, "c", "c is Pending, and only a step in Error can be retried"),
        (A.RETRY, "ghost", "the Task has no step 'ghost'; it has: a, b, c"),
        (A.COMPLETE, "a", "a is Complete: what is over keeps its result"),
        (A.RESOLVE, "a", "a is Complete: what is over keeps its result"),
        (A.SKIP, "c", "c is not skippable in its template: use Complete or Resolve"),
        (A.FAIL, "a", "a is Complete"),
        (A.FAIL, "b", "b is Error"),
        (A.APPROVE, "b", "b is no approval"),
        (A.REJECT, "b", "b is no approval"),
        (A.CONFIRM_STOPPED, "b", "b is not being stopped: there is nothing to confirm"),
        (A.GIVE_UP, "b", "GiveUp is for the whole Task: leave spec.step out"),
        (A.COMPLETE, None, "Complete is for one step: name it in spec.step"),
        (A.SKIP, None, "Skip is for one step: name it in spec.step"),
        (A.RETRY_COMPENSATION, "b", "the Task is BlockedByFailures, not Compensating"),
        (A.MARK_COMPENSATED, "b", "the Task is BlockedByFailures, not Compensating"),
        (A.ABANDON, None, "the Task is BlockedByFailures, not Compensating"),
    ],
)
def test_what_does_not_fit_is_rejected_with_the_reason_and_changes_nothing(
    type_: ActionType, step: str | None, said: str
) -> None:
    w = blocked()
    before = w.status
    assert said in w.rejected(type_, step)
    assert w.status == before


def test_a_step_that_waits_for_a_retry_need_not_be_retried_by_hand() -> None:
    plan = chain(steps=(Step("a", retry=RetryPolicy(initial_interval=500.0, max_interval=500.0)),))
    w = World(plan, scripted({"a": fails(retryable=True)})).run_until_state(TaskState.WAITING_FOR_RETRY)
    assert "it will be tried again by itself" in w.rejected(A.RETRY, "a")


@pytest.mark.parametrize("type_", [A.RETRY, A.COMPLETE, A.SKIP, A.RESOLVE, A.GIVE_UP, A.FAIL])
def test_only_confirm_stopped_and_compensation_actions_fit_once_an_end_is_decided(type_: ActionType) -> None:
    w = World(chain(timeout=5.0), scripted({"a": LOST_NODE}))
    w.run_until(lambda: w.status.ending is not None)
    assert "the Task is ending (Deadline)" in w.rejected(type_, "a" if type_ is not A.GIVE_UP else None)


@pytest.mark.parametrize("type_", [A.RETRY, A.COMPLETE, A.SKIP, A.RESOLVE, A.FAIL])
def test_a_complete_task_cannot_be_taken_up_again(type_: ActionType) -> None:
    w = World(chain(), scripted({})).run()
    assert "cannot be taken up again" in w.rejected(type_, "b")


def test_an_action_on_a_task_that_has_not_started_is_rejected() -> None:
    w = World(chain(), scripted({}), template_problem=TemplateProblem("TemplateNotFound", "not there"))
    assert w.rejected(A.RETRY, "b") == "the Task has not started"


def test_a_tolerated_failure_is_not_retried_once_somebody_has_gone_on_without_it() -> None:
    steps = (Step("a", continue_on_error=True), Step("b", depends_on=("a",)))
    w = World(chain(steps=steps), scripted({"a": fails(), "b": LONG})).run_until_running("b")
    assert "what depends on a has gone on without it: b" in w.rejected(A.RETRY, "a")


def test_a_late_yes_to_a_tolerated_approval_is_refused_once_somebody_has_gone_on_without_it() -> None:
    ask = Step("ask", kind=StepKind.APPROVAL, approval=Approval(timeout=5.0), continue_on_error=True)
    plan = chain(steps=(ask, Step("b", depends_on=("ask",))))
    w = World(plan, scripted({"b": LONG}))
    w.run_until(lambda: "b" in w.steps_launched())
    assert "what depends on ask has gone on without it: b" in w.rejected(A.APPROVE, "ask")


# --- once, and in order --------------------------------------------------------------------------------------------


def test_an_action_is_applied_once_although_its_answer_was_lost() -> None:
    w = blocked()
    action = w.act(A.RETRY, "b")
    w.pass_once(crash_after_write=True)
    assert w.verdicts == {}
    w.run()
    assert w.answer(action).phase is ActionPhase.APPLIED
    assert w.step_events("b").count("Reset") == 1
    assert [record.uid for record in w.status.actions] == [action.uid]


def test_the_answer_is_given_again_after_the_task_has_ended() -> None:
    w = blocked()
    action = w.act(A.RESOLVE, "b")
    w.run()
    w.verdicts.clear()  # the operator died before it wrote it
    before = w.status
    w.pass_once()
    assert w.answer(action).phase is ActionPhase.APPLIED
    assert w.status is before


def test_actions_are_applied_by_age_and_then_by_name() -> None:
    w = blocked()
    later = w.act(A.RETRY, "b", at=w.now - 1.0)
    sooner = w.act(A.COMPLETE, "b", at=w.now - 2.0)
    w.pass_once()
    assert w.answer(sooner).phase is ActionPhase.APPLIED
    assert w.answer(later).phase is ActionPhase.REJECTED


def test_an_action_is_recorded_with_who_and_why() -> None:
    w = blocked()
    w.applied(A.RESOLVE, "b", requested_by="ann", reason="done by phone")
    (record,) = w.status.actions
    assert (record.type, record.step, record.requested_by, record.reason) == (A.RESOLVE, "b", "ann", "done by phone")


def test_old_records_make_room_but_never_one_that_still_needs_its_answer() -> None:
    w = World(chain(), scripted({"b": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    first = w.act(A.RETRY, "b")
    w.pass_once(crash_after_write=True)
    record = w.status.actions[0]
    w.status = replace(
        w.status, actions=(record, *(replace(record, uid=f"x{n}") for n in range(MOST_RECORDS - 1)))
    )  # fmt: skip
    w.act(A.COMPLETE, "c")
    w.pass_once(crash_after_write=True)
    kept = [r.uid for r in w.status.actions]
    assert kept[0] == first.uid
    assert len(kept) == MOST_RECORDS + 1


def test_of_a_crowd_of_actions_a_bounded_number_is_applied_at_once_and_none_is_forgotten() -> None:
    steps = tuple(Step(f"s{n:03}", kind=StepKind.APPROVAL, approval=Approval()) for n in range(300))
    w = World(Plan(steps), scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    asked = [w.act(A.APPROVE, step.name) for step in steps]
    most = len(w.pass_once(crash_after_write=True).verdicts)
    assert most == MOST_AT_ONCE
    assert [record.name for record in w.status.actions] == [action.name for action in asked[:most]]
    w.run()
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    assert {action.uid for action in asked} == w.verdicts.keys()


def test_alternating_actions_on_one_step_do_not_outgrow_its_history() -> None:
    w = World(chain(), scripted({"b": fails()})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    for _ in range(100):
        w.act(A.RETRY, "b")
        w.act(A.FAIL, "b")
    before = len(w.history)
    w.pass_once()
    moves = [transition for transition in w.history[before:] if transition.step == "b"]
    assert MOST_AT_ONCE <= len(moves) <= 64, "the CRD admits 64 events of one step in one entry"


# --- the whole Task ------------------------------------------------------------------------------------------------


def test_give_up_ends_a_blocked_task_before_its_time() -> None:
    w = blocked()
    w.applied(A.GIVE_UP)
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.ABORTED)


def test_give_up_is_only_for_a_blocked_task() -> None:
    w = World(chain(), scripted({"a": LONG})).run_until_running("a")
    assert "only one that is BlockedByFailures can be given up: cancel it" in w.rejected(A.GIVE_UP)


@pytest.mark.parametrize("running", RunningSteps)
def test_resolve_ends_a_live_task_once_nothing_of_it_runs(running: RunningSteps) -> None:
    w = World(chain(running_steps=running), scripted({"a": LONG})).run_until_running("a")
    w.applied(A.RESOLVE, result={"settled": True}, requested_by="ann", reason="by phone")
    assert not w.ended
    w.run()
    assert (w.status.state, w.status.outcome) == (TaskState.RESOLVED_MANUALLY, TaskOutcome.RESOLVED_MANUALLY)
    assert w.status.result == {"settled": True}
    assert w.status.message == "resolved by ann: by phone"
    assert w.steps_launched() == ["a"]
    assert w.step("a").state is (StepState.COMPLETE if running is RunningSteps.DRAIN else StepState.CANCELLED)


def test_resolve_settles_a_task_that_failed_and_undoes_nothing() -> None:
    w = failed(failure_strategy=FailureStrategy.ABORT)
    w.applied(A.RESOLVE, reason="by phone")
    assert w.status.state is TaskState.RESOLVED_MANUALLY
    assert w.task_events()[-1] == "Resolve"
    assert "the Task is ResolvedManually" in w.rejected(A.RESOLVE)


def test_retry_takes_up_what_was_cancelled_beside_the_failure() -> None:
    steps = (Step("bad"), Step("slow", retry=RetryPolicy(initial_interval=60.0, max_interval=60.0)))
    outcomes = {("bad", 1): fails(seconds=3), ("slow", 1): fails("Late", retryable=True)}
    w = World(chain(steps=steps), scripted(outcomes)).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert w.step("slow").state is StepState.CANCELLED
    w.applied(A.RETRY, "bad")
    w.run()
    assert "Reopen" in w.step_events("slow")
    assert w.status.outcome is TaskOutcome.SUCCEEDED


def test_retry_makes_a_refused_output_again() -> None:
    answers = iter([[Violation("/id", "is missing")], []])
    plan = chain(check_output=lambda _: next(answers))
    w = World(plan, scripted({})).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert w.status.error is not None
    assert w.applied(A.RETRY) == "the Task's output is made again"
    assert w.run().status.outcome is TaskOutcome.SUCCEEDED
    assert w.steps_launched() == ["a", "b", "c"]


@pytest.mark.parametrize("step", [None, "b"])
def test_retry_takes_up_a_task_that_ran_out_of_its_time(step: str | None) -> None:
    w = World(chain(timeout=20.0), scripted({("b", 1): LONG})).run()
    assert (w.status.state, w.step("b").state) == (TaskState.ERROR, StepState.CANCELLED)
    w.applied(A.RETRY, step)
    w.run()
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    assert w.steps_launched() == ["a", "b", "b", "c"]


def test_a_cancelled_sibling_is_not_retried_while_the_failure_stands() -> None:
    steps = (Step("bad"), Step("slow", retry=RetryPolicy(backoff=Backoff.FIXED)))
    outcomes = {"bad": fails(), "slow": fails("Late", retryable=True)}
    w = World(chain(steps=steps), scripted(outcomes)).run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert "slow is Cancelled, and only a step in Error can be retried" in w.rejected(A.RETRY, "slow")


def test_retry_of_a_task_in_which_nothing_failed_is_rejected() -> None:
    w = World(chain(), scripted({"a": LONG})).run_until_running("a")
    assert "nothing to retry" in w.rejected(A.RETRY)


@pytest.mark.parametrize("problem", [None, TemplateProblem("TemplateNotFound", "not there")])
def test_an_action_on_a_task_that_was_cancelled_before_it_started_is_rejected(problem: TemplateProblem | None) -> None:
    w = World(chain(), scripted({}), desired=DesiredState.CANCELLED, template_problem=problem)
    w.run()
    assert w.rejected(A.COMPLETE, "a") == "the Task ended before it started"


def test_an_action_on_an_ended_task_whose_template_is_gone_is_answered_all_the_same() -> None:
    w = blocked()
    applied = w.act(A.RESOLVE, "b")
    w.run()
    w.verdicts.clear()
    w.template_problem = TemplateProblem("RevisionMissing", "the revision is gone")
    assert w.rejected(A.RETRY) == "the revision is gone"
    assert w.answer(applied).phase is ActionPhase.APPLIED


@pytest.mark.parametrize("type_", [A.RETRY, A.COMPLETE])
def test_a_sibling_that_is_being_stopped_when_the_failure_is_repaired_has_its_turn_again(type_: ActionType) -> None:
    flow = Plan(
        (Step("bad"), Step("sibling"), Step("after", ("sibling",))),
        running_steps=RunningSteps.TERMINATE,
        blocked_timeout=60.0,
    )
    w = World(flow, scripted({("bad", 1): fails(), ("sibling", 1): Outcome(seconds=20)}))
    w.run_until(lambda: bool(w.status.steps) and w.step("sibling").stop is not None)
    w.applied(type_, "bad")
    w.run()
    assert w.step_events("sibling").count("Reopen") == 1
    assert [w.step(name).state for name in ("bad", "sibling", "after")] == [StepState.COMPLETE] * 3
    check_all(w)


def test_give_up_comes_too_late_once_an_action_before_it_has_repaired_the_failure() -> None:
    w = World(Plan((Step("bad"),), blocked_timeout=60.0), scripted({"bad": fails()}))
    w.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    w.act(A.COMPLETE, "bad", result=1)
    assert "has repaired what had failed" in w.rejected(A.GIVE_UP)
    assert w.run().status.outcome is TaskOutcome.SUCCEEDED


def test_an_action_on_a_step_that_its_siblings_failure_stops_is_one_stop_and_names_what_does_not_stop() -> None:
    flow = Plan((Step("bad"), Step("deaf")), running_steps=RunningSteps.TERMINATE, blocked_timeout=60.0)
    w = World(flow, scripted({"bad": fails(), "deaf": LOST_NODE}))
    w.run_until(lambda: bool(w.status.steps) and w.step("deaf").stop is not None)
    w.act(A.COMPLETE, "deaf", result=1)
    w.pass_once()
    told = w.step("deaf").stop
    w.run_for(200)
    assert w.step("deaf").stop == told
    assert w.status.attention is not None
    assert w.status.attention.reason == "StepNotStopped"
    w.applied(A.CONFIRM_STOPPED, "deaf")
    assert w.step("deaf").result == 1
