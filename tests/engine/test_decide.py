"""What a Task does, told as short stories: forward, retry, the three strategies, timeouts, the saga."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step, Violation
from kubesaga.engine.records import StepError
from kubesaga.engine.snapshot import Observation, Phase, Snapshot, TemplateProblem
from kubesaga.engine.vocabulary import (
    Backoff,
    CompensationWhen,
    FailureStrategy,
    Role,
    RunningSteps,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import PINNED, Outcome, World, fails, scripted

UNDO = Compensation()
NO_WAIT = RetryPolicy(backoff=Backoff.NONE)


def diamond(**changes: object) -> Plan:
    """validate → (reserve ∥ charge) → ship → confirm, as in the example."""
    steps = (
        Step("validate"),
        Step("reserve", depends_on=("validate",), compensation=UNDO),
        Step("charge", depends_on=("validate",), compensation=UNDO),
        Step("ship", depends_on=("reserve", "charge"), compensation=UNDO),
        Step("confirm", depends_on=("ship",)),
    )
    return replace(Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE), **changes)  # type: ignore[arg-type]


def launches(world: World, role: Role = Role.FORWARD) -> list[str]:
    return [attempt.step for attempt in world.launched if attempt.role is role]


def test_a_task_runs_its_steps_in_order_and_ends_with_its_sinks_results() -> None:
    world = World(diamond(), scripted({})).run()
    assert world.status.state is TaskState.COMPLETE
    assert world.status.outcome is TaskOutcome.SUCCEEDED
    assert launches(world) == ["validate", "reserve", "charge", "ship", "confirm"]
    assert world.status.result == {"confirm": {"confirm": 1}}


def test_both_parallel_steps_start_in_the_pass_that_sees_their_parent_done() -> None:
    world = World(diamond(), scripted({})).run()
    started = {record.name: record.enqueued_at for record in world.status.steps}
    assert started["reserve"] == started["charge"]


def test_every_state_on_the_way_is_recorded() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({})).run()
    task = [t.target for t in world.history if t.step is None]
    step = [t.target for t in world.history if t.step == "only"]
    assert task == [
        "Initializing", "EnqueuingSteps", "StepsInProcess", "EvaluatingResults", "Complete",
    ]  # fmt: skip
    assert step == ["Enqueued", "InProgress", "EnqueuedForOrchestration", "Complete"]


def test_a_retryable_failure_is_tried_again_after_its_backoff() -> None:
    plan = Plan(steps=(Step("only", retry=RetryPolicy(initial_interval=10.0)),))
    world = World(plan, scripted({("only", 1): fails(retryable=True)})).run()
    first, second = world.jobs[Attempt("only", Role.FORWARD, 1)], world.jobs[Attempt("only", Role.FORWARD, 2)]
    assert second.created_at - first.created_at >= 10.0
    assert world.status.outcome is TaskOutcome.SUCCEEDED
    assert [t.target for t in world.history if t.step is None].count("WaitingForRetry") == 1


def test_a_permanent_failure_is_not_tried_again() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({"only": fails()})).run()
    assert len(world.launched) == 1
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.ABORTED)
    assert "only failed: Broken: it broke" in world.status.message


def test_attempts_end_with_max_attempts() -> None:
    plan = Plan(steps=(Step("only", retry=replace(NO_WAIT, max_attempts=4)),))
    world = World(plan, scripted({"only": fails(retryable=True)})).run()
    assert [attempt.number for attempt in world.launched] == [1, 2, 3, 4]
    assert world.status.state is TaskState.ERROR


def test_what_the_program_asks_to_wait_goes_before_the_policy() -> None:
    error = StepError("RateLimit", "later", retry_after=120.0)
    plan = Plan(steps=(Step("only", retry=RetryPolicy(max_interval=5.0)),))
    world = World(plan, scripted({("only", 1): Outcome(error=error)})).run()
    first, second = world.jobs[Attempt("only", Role.FORWARD, 1)], world.jobs[Attempt("only", Role.FORWARD, 2)]
    assert second.created_at - first.created_at >= 120.0


def test_a_request_that_breaks_the_input_schema_ends_without_a_job() -> None:
    plan = Plan(steps=(Step("only"),), check_input=lambda _: [Violation("/amount", "must be positive")])
    world = World(plan, scripted({})).run()
    assert world.launched == []
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.INVALID_REQUEST)
    assert "/amount: must be positive" in world.status.message


def test_a_request_with_problems_of_its_own_is_refused_with_all_of_them() -> None:
    plan = Plan(steps=(Step("only"),), check_input=lambda _: [Violation("", "must be an object")])
    world = World(plan, scripted({}))
    snapshot = replace(world.snapshot(), request_problems=("spec.metadata: too large (MetadataTooLarge)",))
    status = decide(plan, snapshot, world.now).status
    assert status.outcome is TaskOutcome.INVALID_REQUEST
    assert "MetadataTooLarge" in status.message
    assert "/: must be an object" in status.message


# --- strategies --------------------------------------------------------------------------------------------------


def forked(strategy: FailureStrategy, running: RunningSteps = RunningSteps.DRAIN) -> Plan:
    steps = (
        Step("root"),
        Step("bad", depends_on=("root",)),
        Step("after_bad", depends_on=("bad",)),
        Step("slow", depends_on=("root",)),
        Step("after_slow", depends_on=("slow",)),
    )
    return Plan(steps=steps, failure_strategy=strategy, running_steps=running)


def test_abort_starts_nothing_new_and_lets_siblings_drain() -> None:
    world = World(forked(FailureStrategy.ABORT), scripted({"bad": fails(), "slow": Outcome(seconds=20)})).run()
    assert launches(world) == ["root", "bad", "slow"]
    assert world.step("slow").state is StepState.COMPLETE
    assert world.step("after_slow").state is StepState.PENDING
    assert world.status.outcome is TaskOutcome.ABORTED


def test_abort_with_terminate_stops_the_siblings() -> None:
    plan = forked(FailureStrategy.ABORT, RunningSteps.TERMINATE)
    world = World(plan, scripted({"bad": fails(), "slow": Outcome(seconds=500)})).run()
    assert world.step("slow").state is StepState.CANCELLED
    assert world.now < 1_100


def test_continue_goes_on_with_everything_not_downstream_of_the_failure() -> None:
    world = World(forked(FailureStrategy.CONTINUE), scripted({"bad": fails()})).run()
    assert launches(world) == ["root", "bad", "slow", "after_slow"]
    assert world.step("after_bad").state is StepState.PENDING
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.FAILED)


def test_a_sibling_that_fails_retryably_while_draining_is_cancelled_with_its_error_kept() -> None:
    outcomes = {"bad": fails(), "slow": fails("Late", retryable=True, seconds=20)}
    world = World(forked(FailureStrategy.ABORT), scripted(outcomes)).run()
    slow = world.step("slow")
    assert slow.state is StepState.CANCELLED
    assert slow.error is not None
    assert slow.error.type == "Late"


def test_siblings_failing_in_one_pass_are_weighed_together_whatever_their_order() -> None:
    outcomes = {"bad": fails(retryable=True), "slow": fails()}
    world = World(forked(FailureStrategy.ABORT), scripted(outcomes)).run()
    assert world.step("bad").state is StepState.CANCELLED
    assert world.step("slow").state is StepState.ERROR


def test_a_failure_that_may_be_tolerated_leaves_the_task_partially_succeeded() -> None:
    steps = (Step("bad", continue_on_error=True), Step("next", depends_on=("bad",)))
    world = World(Plan(steps=steps), scripted({"bad": fails()})).run()
    assert launches(world) == ["bad", "next"]
    assert (world.status.state, world.status.outcome) == (TaskState.COMPLETE, TaskOutcome.PARTIALLY_SUCCEEDED)


def test_run_after_waits_for_any_end_and_not_for_what_is_never_reached() -> None:
    steps = (
        Step("bad"),
        Step("never", depends_on=("bad",)),
        Step("last", run_after=("bad", "never")),
    )
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.CONTINUE)
    world = World(plan, scripted({"bad": fails()})).run()
    assert launches(world) == ["bad", "last"]


def test_parallelism_limits_what_runs_at_once_and_priority_goes_first() -> None:
    steps = tuple(Step(f"s{i}", priority=i) for i in range(6))
    world = World(Plan(steps=steps, parallelism=2), scripted({}))
    most = 0
    while not world.ended:
        world.pass_once()
        most = max(most, sum(s.state in (StepState.ENQUEUED, StepState.IN_PROGRESS) for s in world.status.steps))
        world.now += 0.5
    assert most == 2
    assert launches(world) == ["s5", "s4", "s3", "s2", "s1", "s0"]


# --- the saga ----------------------------------------------------------------------------------------------------


def test_compensate_undoes_in_reverse_order() -> None:
    world = World(diamond(), scripted({"ship": fails()})).run()
    assert launches(world, Role.COMPENSATION) == ["ship", "charge", "reserve"]
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert "ship failed: Broken" in world.status.message


def test_the_order_of_undoing_spans_steps_that_have_nothing_to_undo() -> None:
    steps = (
        Step("a", compensation=UNDO),
        Step("b", depends_on=("a",)),
        Step("c", depends_on=("b",), compensation=UNDO),
        Step("d", depends_on=("c",)),
    )
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    world = World(plan, scripted({"d": fails()})).run()
    undone = {a.step: world.jobs[a].created_at for a in world.launched if a.role is Role.COMPENSATION}
    assert undone["a"] > undone["c"]


def test_a_reported_failure_is_not_undone_when_only_success_is() -> None:
    undo = Compensation(when=CompensationWhen.SUCCEEDED)
    steps = (Step("a", compensation=undo), Step("b", depends_on=("a",), compensation=undo))
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    world = World(plan, scripted({"b": fails()})).run()
    assert launches(world, Role.COMPENSATION) == ["a"]


def test_an_unknown_outcome_on_any_attempt_is_undone_even_when_only_success_is() -> None:
    unknown = Outcome(error=StepError("Timeout", "too slow", outcome_unknown=True))
    steps = (Step("a", compensation=Compensation(when=CompensationWhen.SUCCEEDED), retry=NO_WAIT),)
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    world = World(plan, scripted({("a", 1): unknown, ("a", 2): fails()})).run()
    assert launches(world, Role.COMPENSATION) == ["a"]


def test_no_compensation_starts_while_a_forward_attempt_can_run() -> None:
    world = World(diamond(), scripted({"reserve": fails(), "charge": Outcome(seconds=30)})).run()
    compensations = [world.jobs[a].created_at for a in world.launched if a.role is Role.COMPENSATION]
    charge = world.jobs[Attempt("charge", Role.FORWARD, 1)]
    assert min(compensations) >= charge.created_at + 30
    assert set(launches(world, Role.COMPENSATION)) == {"reserve", "charge"}


def test_a_compensation_has_its_own_retries() -> None:
    attempts = iter([fails(retryable=True), fails(retryable=True), Outcome()])
    undo = Compensation(retry=replace(NO_WAIT, max_attempts=3))
    steps = (Step("a", compensation=undo), Step("b", depends_on=("a",)))
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)

    def script(attempt: Attempt) -> Outcome:
        if attempt.role is Role.COMPENSATION:
            return next(attempts)
        return fails() if attempt.step == "b" else Outcome()

    world = World(plan, script).run()
    assert launches(world, Role.COMPENSATION) == ["a", "a", "a"]
    assert world.status.outcome is TaskOutcome.COMPENSATED


def test_an_exhausted_compensation_needs_attention_while_independent_ones_go_on() -> None:
    world = World(diamond(), scripted({"ship": fails()}, undo={"reserve": fails("Stuck")})).run()
    assert world.status.state is TaskState.COMPENSATING
    assert world.status.attention is not None
    assert "reserve (Stuck: it broke)" in world.status.attention.message
    charge = world.step("charge").compensation
    assert charge is not None
    assert charge.state is StepState.COMPLETE


def test_nothing_to_undo_skips_compensating() -> None:
    world = World(diamond(), scripted({"validate": fails()})).run()
    assert TaskState.COMPENSATING not in {t.target for t in world.history}
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.ABORTED)


# --- time --------------------------------------------------------------------------------------------------------


def test_the_deadline_stops_what_runs_and_fails_the_task() -> None:
    plan = Plan(steps=(Step("long"), Step("next", depends_on=("long",))), timeout=10.0)
    world = World(plan, scripted({"long": Outcome(seconds=1_000)})).run()
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.FAILED)
    assert world.step("long").state is StepState.CANCELLED
    assert 1_010 <= world.now < 1_030


def test_the_deadline_compensates_under_compensate() -> None:
    world = World(diamond(timeout=10.0), scripted({"ship": Outcome(seconds=1_000)})).run()
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert launches(world, Role.COMPENSATION)[0] == "ship"


def test_a_decided_end_is_not_weighed_again_when_the_clock_turns_back() -> None:
    world = World(Plan(steps=(Step("long"),), timeout=10.0), scripted({"long": Outcome(seconds=1_000)}))
    while world.status.ending is None:
        world.pass_once()
        world.now += 0.5
    decided = world.status.ending
    world.now -= 3_600
    world.pass_once()
    assert world.status.ending == decided


def test_a_step_stopped_at_the_deadline_takes_its_real_outcome_if_it_has_one() -> None:
    world = World(Plan(steps=(Step("long"),), timeout=10.0), scripted({"long": Outcome(seconds=10.2)})).run(tick=0.1)
    assert world.step("long").state is StepState.COMPLETE
    assert (world.status.state, world.status.outcome) == (TaskState.ERROR, TaskOutcome.FAILED)


def test_an_attempt_that_does_not_start_in_time_is_stopped_and_tried_again() -> None:
    plan = Plan(steps=(Step("only", start_timeout=5.0, retry=NO_WAIT),))
    world = World(plan, scripted({}))
    world.pass_once()
    problem = StepError("ImagePullFailed", "image 'x' cannot be pulled")
    waiting = Observation(Phase.WAITING, waiting_since=world.now, problem=problem)

    def snapshot(seen: Observation) -> Snapshot:
        return replace(world.snapshot(), status=world.status, forward={0: seen})

    seen = decide(plan, snapshot(waiting), world.now + 1)
    assert "cannot start: ImagePullFailed" in seen.status.message
    late = decide(plan, snapshot(waiting), world.now + 6)
    assert late.stops == (Attempt("only", Role.FORWARD, 1),)
    world.status = late.status
    over = Observation(
        Phase.FAILED, terminal=True, stopping=True, error=StepError("JobFailed", "", outcome_unknown=True)
    )
    again = decide(plan, snapshot(over), world.now + 8)
    assert again.launches == (Attempt("only", Role.FORWARD, 2),)
    error = again.status.steps[0].error
    assert error is not None
    assert error.type == "ImagePullFailed"
    assert "startTimeout of 5 s" in error.message
    assert not again.status.steps[0].outcome_unknown


def test_an_attempt_is_given_up_for_not_starting_only_if_it_was_looked_at_after_its_time() -> None:
    plan = Plan(steps=(Step("only", start_timeout=5.0),))
    world = World(plan, scripted({}))
    world.pass_once()
    waiting = Observation(Phase.WAITING, waiting_since=world.now, seen_at=world.now + 4.9)
    before = decide(plan, replace(world.snapshot(), forward={0: waiting}), world.now + 5.1)
    assert (before.stops, before.wake_at) == ((), world.now + 5)
    after = replace(waiting, seen_at=world.now + 5.0)
    assert decide(plan, replace(world.snapshot(), forward={0: after}), world.now + 5.1).stops


def test_a_pod_that_takes_long_to_start_is_told_of_once() -> None:
    plan = Plan(steps=(Step("only"),))
    world = World(plan, scripted({}))
    world.pass_once()
    seen = {0: Observation(Phase.WAITING, waiting_since=world.now)}
    soon = decide(plan, replace(world.snapshot(), forward=seen), world.now + 10)
    assert soon.status is world.status
    assert soon.wake_at == world.now + 30
    late = decide(plan, replace(world.snapshot(), forward=seen), world.now + 30)
    assert late.status.message == "waiting for the pod of only to start"
    again = decide(plan, replace(world.snapshot(), forward=seen, status=late.status), world.now + 60)
    assert again.status is late.status


def test_a_job_held_by_a_quota_system_does_not_run_into_its_start_timeout() -> None:
    plan = Plan(steps=(Step("only", start_timeout=5.0),))
    world = World(plan, scripted({}))
    world.pass_once()
    held = replace(world.snapshot(), forward={0: Observation(Phase.WAITING, waiting_since=None)})
    assert decide(plan, held, world.now + 1_000).stops == ()


def test_a_step_that_runs_gets_its_start_written_with_the_next_decision_or_after_two_seconds() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({"only": Outcome(seconds=100)}))
    world.pass_once()
    world.now += 1.0
    early = world.pass_once()
    assert early.transitions == ()
    assert early.wake_at == 1_003.5  # told in whole seconds, the start may have been a second later
    world.now = 1_003.5
    assert [t.event for t in world.pass_once().transitions] == ["Start"]


def test_a_start_is_written_in_time_although_the_clock_of_its_node_is_an_hour_ahead() -> None:
    plan = Plan(steps=(Step("only"),))
    world = World(plan, scripted({"only": Outcome(seconds=100)}))
    world.pass_once()
    running = {0: Observation(Phase.RUNNING, started_at=world.now + 3_600)}
    early = decide(plan, replace(world.snapshot(), forward=running), world.now + 1)
    assert (early.transitions, early.wake_at) == ((), world.now + 3)
    late = decide(plan, replace(world.snapshot(), forward=running), world.now + 3)
    assert [t.event for t in late.transitions] == ["Start"]


# --- lost Jobs and crashes ---------------------------------------------------------------------------------------


def test_an_intent_without_a_job_is_carried_out_by_the_next_pass() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({}))
    world.pass_once(crash_after_write=True)
    assert world.launched == []
    world.run()
    assert world.launched == [Attempt("only", Role.FORWARD, 1)]


def test_a_lost_job_is_fenced_before_its_step_is_tried_again() -> None:
    plan = Plan(steps=(Step("only", retry=NO_WAIT),))
    vanishing = Outcome(seconds=1_000, vanish=True)
    world = World(plan, scripted({("only", 1): vanishing})).run()
    assert world.jobs[Attempt("only", Role.FORWARD, 1)].fence
    assert world.status.outcome is TaskOutcome.SUCCEEDED
    assert world.step("only").outcome_unknown


def test_a_refused_job_that_no_wait_will_help_fails_the_step_at_once() -> None:
    plan = Plan(steps=(Step("only"),))
    world = World(plan, scripted({}))
    world.pass_once(crash_after_write=True)
    refused = Observation(
        Phase.ABSENT, waiting_since=0.0, problem=StepError("JobRefused", "bad", retryable=False), hopeless=True
    )
    decision = decide(plan, replace(world.snapshot(), forward={0: refused}), world.now)
    assert decision.launches == ()
    assert decision.fences == (Attempt("only", Role.FORWARD, 1),)
    world.status = decision.status
    fenced = replace(world.snapshot(), forward={0: Observation(Phase.FENCED, terminal=True)})
    after = decide(plan, fenced, world.now)
    assert after.status.state is TaskState.ERROR
    assert "JobRefused: bad" in after.status.message


def test_a_fence_that_is_refused_needs_a_human_and_says_why() -> None:
    plan = Plan(steps=(Step("only", start_timeout=5.0),))
    world = World(plan, scripted({}))
    world.pass_once(crash_after_write=True)
    refused = Observation(Phase.ABSENT, waiting_since=0.0, problem=StepError("QuotaExceeded", "no room"))
    world.status = decide(plan, replace(world.snapshot(), forward={0: refused}), world.now + 6).status
    waiting = decide(plan, replace(world.snapshot(), forward={0: refused}), world.now + 7)
    assert waiting.fences == (Attempt("only", Role.FORWARD, 1),)
    assert waiting.status.attention is not None
    assert waiting.status.attention.reason == "FenceRefused"
    assert "no room" in waiting.status.message


def test_an_attempt_whose_name_a_stranger_has_taken_fails_and_the_next_one_has_another() -> None:
    plan = Plan(steps=(Step("only", retry=NO_WAIT),))
    world = World(plan, scripted({}))
    world.pass_once(crash_after_write=True)
    taken = Observation(Phase.FENCED, terminal=True, error=StepError("JobNameTaken", "whose is it?"))
    decision = decide(plan, replace(world.snapshot(), forward={0: taken}), world.now)
    assert decision.launches == (Attempt("only", Role.FORWARD, 2),)
    error = decision.status.steps[0].error
    assert error is not None
    assert error.type == "JobNameTaken"


def test_a_pod_that_is_not_seen_to_stop_needs_a_human_and_is_named() -> None:
    plan = Plan(steps=(Step("long"),), timeout=10.0)
    world = World(plan, scripted({"long": Outcome(seconds=9_000)}))
    while world.status.ending is None:
        world.pass_once()
        world.now += 1
    deaf = Observation(Phase.RUNNING, started_at=1_001.0, stopping=True, location="pod p on node n")
    late = decide(plan, replace(world.snapshot(), forward={0: deaf}), world.now + 200)
    assert late.status.attention is not None
    assert late.status.attention.reason == "StepNotStopped"
    assert "pod p on node n" in late.status.attention.message


# --- templates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["TemplateNotFound", "TemplateNotReady"])
def test_a_task_without_its_template_stays_pending_and_says_why(reason: str) -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({}))
    waiting = replace(world.snapshot(), template=None, template_problem=TemplateProblem(reason, "not there"))
    first = decide(None, waiting, world.now)
    assert first.status.state is TaskState.PENDING
    assert first.status.reason == reason
    again = decide(None, replace(waiting, status=first.status), world.now + 5)
    assert again.status is first.status


def test_a_running_task_whose_revision_is_gone_needs_attention() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({}))
    world.pass_once()
    missing = replace(world.snapshot(), template_problem=TemplateProblem("RevisionMissing", "gone"))
    assert decide(None, missing, world.now).status.attention is not None
    assert world.pass_once().status.attention is None


def test_nothing_is_decided_about_a_task_that_is_being_deleted_or_has_ended() -> None:
    world = World(Plan(steps=(Step("only"),)), scripted({})).run()
    assert decide(world.plan, world.snapshot(), world.now + 1e6).status is world.status
    fresh = World(world.plan, scripted({}))
    assert decide(fresh.plan, replace(fresh.snapshot(), deleting=True), fresh.now).launches == ()


def test_nothing_is_written_when_nothing_changed() -> None:
    world = World(diamond(), scripted({}))
    world.pass_once()
    decision = world.pass_once()
    assert decision.status is world.decisions[0].status
    assert decision.launches == ()
    assert world.status.template == PINNED


def test_a_request_that_was_changed_after_the_start_goes_no_further_and_needs_a_human() -> None:
    world = World(diamond(), scripted({})).run_until_running("validate")
    world.request_hash = "another"
    world.run_for(30)
    assert world.status.attention is not None
    assert world.status.attention.reason == "RequestChanged"
    assert launches(world) == ["validate"]
    world.request_hash = "request"
    assert world.run().status.outcome is TaskOutcome.SUCCEEDED
