"""Sub-workflows: one child Task per step for ever; commands go down through the step's record, failure comes up."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from kubesaga.engine.plan import Compensation, ExpressionError, Lifecycle, Plan, RetryPolicy, Step, Violation
from kubesaga.engine.policies.parent import stop_command
from kubesaga.engine.records import Ending, StepRecord, Stop
from kubesaga.engine.snapshot import Child, TemplateProblem
from kubesaga.engine.vocabulary import (
    ActionType,
    CompensationWhen,
    DesiredState,
    EndingPhase,
    EndingTrigger,
    FailureStrategy,
    Role,
    RunningSteps,
    StaleAction,
    StepState,
    StopAction,
    TaskOutcome,
    TaskState,
)
from tests.engine.family import Family, launches_below, sub
from tests.engine.world import Outcome, World, fails, scripted

A = ActionType
UNDO = Compensation()
LONG = Outcome(seconds=100)


def parent(**changes: Any) -> Plan:
    """before → sub → after."""
    steps = (
        Step("before", compensation=UNDO),
        sub("sub", depends_on=("before",)),
        Step("after", depends_on=("sub",)),
    )
    return Plan(**{"steps": steps, "name": "main", **changes})


def child(**changes: Any) -> Plan:
    """x → y, each undoable."""
    steps = (Step("x", compensation=UNDO), Step("y", depends_on=("x",), compensation=UNDO))
    return Plan(**{"steps": steps, "name": "sub", **changes})


def family(
    outcomes: Any = None, *, undo: Any = None, top: Plan | None = None, below: Plan | None = None, **more: Plan
) -> Family:
    script = scripted(outcomes or {}, undo)
    return Family(World(top or parent(), script), {"sub": below or child(), **more}, script)


def until_running(f: Family, step: str = "y") -> Family:
    return f.run_until(lambda: any(s.endswith(step) for s in launches_below(f)))


def ended(w: World) -> tuple[TaskState, TaskOutcome | None]:
    return w.status.state, w.status.outcome


# --- forward -------------------------------------------------------------------------------------------------------


def test_the_childs_result_is_the_steps() -> None:
    f = family().run()
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert f.root.step("sub").result == {"y": {"y": 1}}
    assert f.root.steps_launched() == ["before", "after"]


def test_a_child_without_a_pod_of_its_own_shows_as_waiting_for_dependencies() -> None:
    f = until_running(family({"y": LONG}))
    f.run_until(lambda: f.root.status.state is TaskState.WAITING_FOR_DEPENDENCIES)
    assert f.root.status.message == f"waiting for child Task {f.root.step('sub').child_name}"


def test_the_childs_context_is_made_from_the_results_before_it() -> None:
    top = parent()
    made = sub("sub", depends_on=("before",), make_context=lambda s: {"got": s["steps"]["before"]["result"]})
    f = family(top=replace(top, steps=(top.steps[0], made, top.steps[2]))).run()
    assert f.child("sub").context == {"got": {"before": 1}}


def test_a_context_that_cannot_be_made_fails_the_step_with_the_expression() -> None:
    def broken(_: Any) -> Any:
        raise ExpressionError("contextFrom.id: steps.before.result.id: no such key")

    top = parent()
    f = family(top=replace(top, steps=(top.steps[0], sub("sub", depends_on=("before",), make_context=broken)))).run()
    assert f.kin == {}
    assert "no such key" in str(f.root.step("sub").error)
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.ABORTED)


def test_the_link_to_the_parent_is_recorded_at_the_start() -> None:
    link = family().run().child("sub").status.parent
    assert link is not None
    assert (link.uid, link.step, link.path, link.templates) == ("uid-1", "sub", ("sub",), ("default/main",))


def test_a_grandchild_knows_the_whole_way_up() -> None:
    below = Plan((sub("deep", "deep"),), name="sub")
    f = family(below=below, deep=Plan((Step("z"),), name="deep")).run()
    link = f.child("sub", "deep").status.parent
    assert link is not None
    assert (link.root_key, link.path) == ("uid-1", ("sub", "deep"))
    assert link.templates == ("default/main", "default/sub")
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)


def test_a_workflow_that_contains_itself_is_refused_with_its_path() -> None:
    f = family(below=Plan((sub("again", "main"),), name="sub"), main=parent()).run()
    assert "default/main > default/sub" in str(f.child("sub").step("again").error)
    assert f.child("sub").step("again").error.type == "SubWorkflowCycle"  # type: ignore[union-attr]


def test_more_than_eight_workflows_in_a_line_are_refused() -> None:
    plans = {f"d{n}": Plan((once(sub("next", f"d{n + 1}")),), name=f"d{n}") for n in range(12)}
    root = World(Plan((once(sub("next", "d0")),), name="top"), scripted({}))
    f = Family(root, plans, scripted({})).run()
    deepest = max((w for w in f.worlds()), key=lambda w: w.uid.count("/"))
    assert deepest.uid.count("/") == 7
    assert deepest.step("next").error.type == "SubWorkflowTooDeep"  # type: ignore[union-attr]
    assert root.status.state is TaskState.ERROR


@pytest.mark.parametrize("chaos", range(10))
def test_one_child_is_made_however_often_the_operator_dies(chaos: int) -> None:
    f = family({("y", 1): fails(retryable=True)}).run_chaotically(Random(chaos))
    assert len(f.kin) == 1
    assert sorted(launches_below(f)) == ["sub/x", "sub/y", "sub/y"]


# --- failure, and again --------------------------------------------------------------------------------------------


def once(step: Step) -> Step:
    return replace(step, retry=replace(step.retry, max_attempts=1))


def test_a_failed_child_fails_the_step_and_says_why() -> None:
    top = parent()
    f = family({"y": fails()}, top=replace(top, steps=tuple(map(once, top.steps)))).run()
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.ABORTED)
    error = f.root.step("sub").error
    assert error is not None
    assert (error.type, error.code) == ("ChildFailed", "Aborted")
    assert "y failed: Broken: it broke" in error.message


def test_a_retry_of_the_step_reopens_the_child_which_repeats_only_what_failed() -> None:
    f = family({("y", 1): fails()}).run()
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert launches_below(f) == ["sub/x", "sub/y", "sub/y"]
    assert (f.root.step("sub").attempt, f.child("sub").status.run) == (2, 2)
    assert f.child("sub").status.parent.attempt == 2  # type: ignore[union-attr]


def test_a_human_who_retries_the_step_reopens_the_child() -> None:
    f = family({("y", n): fails() for n in (1, 2, 3)}).run()
    assert f.root.status.state is TaskState.ERROR
    f.root.act(A.RETRY, "sub")
    f.run_until(lambda: f.root.ended and f.root.status.run == 2)
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert launches_below(f) == ["sub/x", *["sub/y"] * 4]


def test_a_retry_goes_down_to_the_grandchild_that_failed() -> None:
    below = Plan((once(sub("deep", "deep")),), name="sub")
    f = family({("z", 1): fails()}, below=below, deep=Plan((Step("w"), Step("z")), name="deep")).run()
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert sorted(launches_below(f)) == ["sub/deep/w", "sub/deep/z", "sub/deep/z"]


def test_a_complete_child_gives_its_result_again_without_running_again() -> None:
    top = parent()
    picky = iter([[Violation("/id", "is missing")], []])
    checked = replace(top.steps[1], check_result=lambda _: next(picky))
    f = family(top=replace(top, steps=(top.steps[0], checked, top.steps[2]))).run()
    assert f.root.status.state is TaskState.ERROR
    f.root.act(A.RETRY, "sub")
    f.run_until(lambda: f.root.status.state is TaskState.COMPLETE)
    assert launches_below(f) == ["sub/x", "sub/y"]


def test_a_child_that_cannot_reopen_fails_the_step_for_good() -> None:
    below = child(check_input=lambda _: [Violation("/id", "is missing")])
    f = family(below=below).run()
    assert f.root.step("sub").attempt == 1
    assert "InvalidRequest" in str(f.root.step("sub").error)
    assert f.root.status.state is TaskState.ERROR


def test_a_child_that_compensated_itself_is_not_reopened_and_needs_no_undoing() -> None:
    below = child(failure_strategy=FailureStrategy.COMPENSATE)
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"y": fails()}, below=below, top=top).run()
    assert ended(f.child("sub")) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert f.root.step("sub").attempt == 1
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert launches_below(f, Role.COMPENSATION) == ["sub/y", "sub/x"]


def test_a_child_reopened_by_hand_is_rejected_while_its_parent_is_ending_or_has_ended() -> None:
    top = parent()
    f = family({"y": fails()}, top=replace(top, steps=tuple(map(once, top.steps)))).run()
    assert "its parent Task is ending or has ended: act on that one" in f.child("sub").rejected(A.RETRY, "y")


def test_a_child_repaired_while_its_parent_is_blocked_is_found_by_the_parents_retry() -> None:
    top = parent(blocked_timeout=900.0)
    f = family({("y", 1): fails()}, top=replace(top, steps=tuple(map(once, top.steps))))
    f.run_until(lambda: f.root.status.state is TaskState.BLOCKED_BY_FAILURES)
    f.child("sub").act(A.RETRY, "y")
    f.run_until(lambda: f.child("sub").status.state is TaskState.COMPLETE)
    f.root.act(A.RETRY, "sub")
    f.run()
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)


def test_a_child_whose_own_user_cancels_it_fails_the_step_for_good() -> None:
    f = until_running(family({"y": LONG}))
    f.child("sub").desired = DesiredState.CANCELLED
    f.child("sub").cancel_mode = RunningSteps.TERMINATE
    f.run()
    assert f.root.step("sub").error.type == "ChildCancelled"  # type: ignore[union-attr]
    assert f.root.step("sub").attempt == 1


def lose_child(f: Family) -> None:
    """Somebody deletes it while its parent waits for it."""
    f.run_until(lambda: f.root.step("sub").state is StepState.IN_PROGRESS)
    f.kin["uid-1", "sub"].gone = True
    f.run_until(f.root.stuck)


def test_a_child_deleted_by_hand_needs_a_human_who_says_what_became_of_it() -> None:
    f = until_running(family({"y": LONG}))
    lose_child(f)
    assert f.root.status.attention.reason == "ChildMissing"  # type: ignore[union-attr]
    f.root.applied(A.COMPLETE, "sub", result={"by": "hand"})
    assert f.root.status.attention is None  # in the same decision: no later one need come
    f.run()
    assert ended(f.root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert f.root.step("sub").result == {"by": "hand"}


def test_cancelling_a_task_whose_child_is_gone_does_not_wait_for_it() -> None:
    f = until_running(family({"y": LONG}))
    lose_child(f)
    f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    f.run()
    assert f.root.status.state is TaskState.CANCELLED


def test_a_stranger_under_the_childs_name_fails_the_step_and_a_retry_makes_the_child() -> None:
    f = family()
    f.root.children = lambda: {1: Child(foreign=True)}
    f.root.run_until_state(TaskState.ERROR)
    assert "delete or rename that one" in str(f.root.step("sub").error)
    f.root.children = lambda: f._children_of(f.root)
    f.root.act(A.RETRY, "sub")
    f.run_until(lambda: f.root.status.state is TaskState.COMPLETE)
    assert launches_below(f) == ["sub/x", "sub/y"]


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "stop", "trigger", "phase", "said"),
    [
        (StepState.IN_PROGRESS, False, None, None, None),
        (StepState.IN_PROGRESS, True, None, None, RunningSteps.TERMINATE),
        (StepState.ENQUEUED, True, None, None, RunningSteps.TERMINATE),
        (StepState.IN_PROGRESS, False, EndingTrigger.FAILED, EndingPhase.QUIESCING, None),
        (StepState.IN_PROGRESS, False, EndingTrigger.CANCELLED, EndingPhase.QUIESCING, RunningSteps.DRAIN),
        (StepState.IN_PROGRESS, False, EndingTrigger.DEADLINE, EndingPhase.QUIESCING, RunningSteps.DRAIN),
        (StepState.IN_PROGRESS, True, EndingTrigger.DEADLINE, EndingPhase.QUIESCING, RunningSteps.TERMINATE),
        (StepState.CANCELLED, False, EndingTrigger.CANCELLED, EndingPhase.QUIESCING, RunningSteps.TERMINATE),
        (StepState.ERROR, False, None, None, None),
        (StepState.COMPLETE, False, None, None, RunningSteps.TERMINATE),
        (StepState.RESOLVED_MANUALLY, False, None, None, RunningSteps.TERMINATE),
        (StepState.COMPLETE, False, EndingTrigger.SUCCEEDED, EndingPhase.DONE, RunningSteps.TERMINATE),
    ],
)
def test_what_a_parent_says_to_a_child(
    state: StepState, stop: bool, trigger: Any, phase: Any, said: RunningSteps | None
) -> None:
    record = StepRecord("sub", state, stop=Stop("x", 0.0, StopAction.CANCEL) if stop else None)
    end = Ending(trigger, 0.0, phase, TaskOutcome.CANCELLED) if trigger else None
    assert stop_command(record, end) is said


@pytest.mark.parametrize("mode", RunningSteps)
def test_cancelling_the_parent_cancels_the_child_in_the_same_mode(mode: RunningSteps) -> None:
    f = until_running(family({"y": Outcome(seconds=20)}))
    f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, mode
    f.run()
    y = f.child("sub").step("y").state
    assert y is (StepState.COMPLETE if mode is RunningSteps.DRAIN else StepState.CANCELLED)
    assert f.root.status.state is TaskState.CANCELLED
    assert f.child("sub").status.ending.trigger is EndingTrigger.PARENT  # type: ignore[union-attr]
    assert f.child("sub").status.message == "cancelled by its parent Task task"


def test_the_parents_deadline_stops_the_child() -> None:
    f = until_running(family({"y": LONG}, top=parent(timeout=15.0))).run()
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.FAILED)
    assert f.child("sub").status.state is TaskState.CANCELLED


def test_a_child_that_drains_ends_cancelled_although_all_its_steps_are_done() -> None:
    f = until_running(family({"y": Outcome(seconds=20)}))
    f.root.desired = DesiredState.CANCELLED
    f.run()
    assert f.child("sub").status.state is TaskState.CANCELLED
    assert f.root.step("sub").state is StepState.CANCELLED


def test_a_child_of_a_failing_parent_finishes_like_any_running_sibling() -> None:
    top = Plan((Step("bad"), sub("sub")), name="main")
    f = family({"bad": fails(seconds=2)}, top=top).run()
    assert f.child("sub").status.state is TaskState.COMPLETE
    assert f.root.step("sub").state is StepState.COMPLETE
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.ABORTED)


def test_under_terminate_it_is_stopped() -> None:
    top = Plan((Step("bad"), sub("sub")), name="main", running_steps=RunningSteps.TERMINATE)
    f = family({"bad": fails(seconds=2), "x": LONG}, top=top).run()
    assert f.child("sub").status.state is TaskState.CANCELLED
    assert f.root.step("sub").state is StepState.CANCELLED


@pytest.mark.parametrize("type_", [A.COMPLETE, A.RESOLVE, A.FAIL])
def test_an_action_on_the_step_stops_the_child_first(type_: ActionType) -> None:
    f = until_running(family({"y": LONG}))
    f.root.act(type_, "sub")
    f.run()
    assert f.child("sub").status.state is TaskState.CANCELLED
    wanted = {A.COMPLETE: StepState.COMPLETE, A.RESOLVE: StepState.RESOLVED_MANUALLY, A.FAIL: StepState.ERROR}
    assert f.root.step("sub").state is wanted[type_]


def test_a_child_cancelled_by_its_parent_is_reopened_by_its_parents_retry() -> None:
    f = until_running(family({("y", 1): LONG}))
    f.root.act(A.FAIL, "sub")
    f.run()
    assert (f.root.status.state, f.child("sub").status.state) == (TaskState.ERROR, TaskState.CANCELLED)
    f.root.act(A.RETRY, "sub")
    f.run_until(lambda: f.root.status.state is TaskState.COMPLETE)
    assert launches_below(f) == ["sub/x", "sub/y", "sub/y"]


def test_suspending_the_parent_holds_the_child_and_those_below_it() -> None:
    f = until_running(family(), "x")
    f.root.desired = DesiredState.SUSPENDED
    for _ in range(60):
        f.pass_all()
        f.tick(0.5)
    assert launches_below(f) == ["sub/x"]
    f.root.desired = DesiredState.RUNNING
    assert ended(f.run().root) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)


def test_a_child_that_is_not_created_before_the_cancel_is_fenced() -> None:
    f = family(top=Plan((sub("sub"),), name="main"))
    f.root.pass_once(crash_after_write=True)
    f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    f.root.pass_once(crash_after_write=True)
    f.run()
    assert f.root.status.state is TaskState.CANCELLED
    assert f.kin["uid-1", "sub"].fenced == 1


def test_a_child_that_has_not_started_is_cancelled_and_has_nothing_to_undo() -> None:
    f = family(top=Plan((sub("sub"),), name="main"))
    f.root.pass_once()
    f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    f.root.cancel_compensates = True
    f.run()
    assert f.child("sub").status.started_at is None
    assert ended(f.root) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)


def test_a_parent_that_ends_before_its_child_has_heard_of_the_retry_does_not_wait_for_it() -> None:
    f = family({"y": fails()})
    f.run_until(lambda: f.root.status.state is TaskState.WAITING_FOR_RETRY)
    f.root.run_until(lambda: f.root.step("sub").attempt == 2)
    f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    for _ in range(60):
        f.root.pass_once()  # the child never gets its turn
        f.root.tick(0.5)
    assert f.root.status.state is TaskState.CANCELLED


def test_a_child_that_does_not_start_in_time_fails_the_attempt_and_says_why() -> None:
    top = Plan((sub("sub", start_timeout=30.0),), name="main")
    f = family(top=top)
    f.root.pass_once()
    f.child("sub").template_problem = TemplateProblem("TemplateNotFound", "there is no template sub")
    f.run_until(lambda: f.root.ended)
    assert "there is no template sub" in " ".join(d.status.message for d in f.root.decisions)
    assert f.root.status.state is TaskState.ERROR


# --- undoing -------------------------------------------------------------------------------------------------------


def test_a_child_is_undone_by_asking_it_to_compensate_before_what_is_above_it() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"after": fails()}, top=top).run()
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    assert launches_below(f, Role.COMPENSATION) == ["sub/y", "sub/x"]
    assert ended(f.child("sub")) == (TaskState.ERROR, TaskOutcome.COMPENSATED)
    undone = [j.created_at for a, j in f.child("sub").jobs.items() if a.role is Role.COMPENSATION]
    before = [j.created_at for a, j in f.root.jobs.items() if a.role is Role.COMPENSATION]
    assert max(undone) < min(before)
    assert "CompensateRequested" in f.child("sub").task_events()


def test_a_child_waits_for_its_last_pods_before_it_is_undone() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"after": fails(seconds=0.1)}, top=top).run()
    y = f.child("sub").jobs
    assert all(not beside_forward(f.child("sub"), attempt) for attempt in y if attempt.role is Role.COMPENSATION)


def beside_forward(world: World, attempt: Any) -> list[Any]:
    return [a for a in world.beside[attempt] if a.role is Role.FORWARD]


@pytest.mark.parametrize("state", [TaskState.RESOLVED_MANUALLY, TaskState.CANCELLED, TaskState.ERROR])
def test_a_child_is_undone_however_it_ended(state: TaskState) -> None:
    top = Plan((once(sub("sub")),), name="main", failure_strategy=FailureStrategy.COMPENSATE, blocked_timeout=60.0)
    f = until_running(family({"y": fails(seconds=20)}, top=top))
    if state is TaskState.RESOLVED_MANUALLY:
        f.child("sub").act(A.RESOLVE)
        f.run_until(lambda: f.root.ended)
        assert f.root.status.state is TaskState.COMPLETE
        return
    f.root.desired, f.root.cancel_compensates = DesiredState.CANCELLED, True
    f.root.cancel_mode = RunningSteps.TERMINATE if state is TaskState.CANCELLED else RunningSteps.DRAIN
    f.run()
    assert launches_below(f, Role.COMPENSATION) == ["sub/y", "sub/x"]
    assert f.child("sub").status.outcome is TaskOutcome.COMPENSATED
    assert f.child("sub").status.state is TaskState.CANCELLED
    assert ended(f.root) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)


def test_a_resolved_child_is_undone_when_its_parent_is() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = until_running(family({"y": Outcome(seconds=20), "after": fails()}, top=top))
    f.child("sub").act(A.RESOLVE)
    f.run()
    assert "ResolvedManually" in [t.source for t in f.child("sub").history if t.step is None]
    assert ended(f.child("sub")) == (TaskState.ERROR, TaskOutcome.COMPENSATED)


def test_a_child_with_nothing_to_undo_says_so_without_a_word_of_its_own() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"after": fails()}, top=top, below=Plan((Step("x"),), name="sub")).run()
    assert ended(f.child("sub")) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED)
    assert f.child("sub").status.saga is not None
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.COMPENSATED)


def test_a_steps_own_compensation_goes_before_that_of_the_child() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    own = replace(top.steps[1], compensation=UNDO)
    f = family({"after": fails()}, top=replace(top, steps=(top.steps[0], own, top.steps[2]))).run()
    assert f.root.steps_launched(Role.COMPENSATION) == ["sub", "before"]
    assert launches_below(f, Role.COMPENSATION) == []


def test_a_child_that_is_stuck_undoing_keeps_the_parent_waiting_and_abandoning_it_is_told_upwards() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"after": fails()}, undo={"x": fails()}, top=top)
    f.run_until(lambda: f.child("sub").stuck() if f.kin else False)
    f.child("sub").act(A.ABANDON)
    f.run_until(lambda: f.child("sub").ended and f.root.stuck())
    assert f.child("sub").status.outcome is TaskOutcome.COMPENSATION_FAILED
    assert "ChildNotUndone" in f.root.status.message
    f.root.act(A.MARK_COMPENSATED, "sub")
    f.run()
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.COMPENSATED)


@pytest.mark.parametrize("when", CompensationWhen)
def test_what_a_child_could_not_undo_is_undone_by_the_steps_own_compensation(when: CompensationWhen) -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    own = replace(top.steps[1], compensation=Compensation(when=when), retry=RetryPolicy(max_attempts=1))
    below = replace(child(), failure_strategy=FailureStrategy.COMPENSATE)
    f = family(
        {"y": fails()}, undo={"x": fails()}, top=replace(top, steps=(top.steps[0], own, top.steps[2])), below=below
    )
    f.run_until(lambda: f.child("sub").stuck() if f.kin else False)
    f.child("sub").act(A.ABANDON)
    f.run()
    assert f.child("sub").status.outcome is TaskOutcome.COMPENSATION_FAILED
    assert f.root.steps_launched(Role.COMPENSATION) == ["sub", "before"]


def test_a_child_that_was_deleted_cannot_be_undone_and_says_so() -> None:
    top = parent(failure_strategy=FailureStrategy.COMPENSATE)
    f = family({"after": fails(seconds=10)}, top=top)
    f.run_until(lambda: "after" in f.root.steps_launched())
    f.kin["uid-1", "sub"].gone = True
    f.run_until(f.root.stuck)
    assert "cannot undo what it did; undo it by hand" in f.root.status.message


def test_finally_of_a_child_runs_once_and_not_again_when_it_is_undone() -> None:
    below = replace(child(), steps=(*child().steps, Step("bye", final=True)))
    f = family({"after": fails()}, top=parent(failure_strategy=FailureStrategy.COMPENSATE), below=below).run()
    assert launches_below(f).count("sub/bye") == 1
    assert f.child("sub").status.outcome is TaskOutcome.COMPENSATED


def test_a_stale_parent_that_fails_by_policy_stops_its_child() -> None:
    lifecycle = Lifecycle({TaskState.WAITING_FOR_DEPENDENCIES: 20.0}, action=StaleAction.FAIL)
    f = family({"y": Outcome(seconds=900)}, top=parent(lifecycle=lifecycle)).run()
    assert ended(f.root) == (TaskState.ERROR, TaskOutcome.FAILED)
    assert f.child("sub").status.state is TaskState.CANCELLED


def test_children_take_places_of_the_parallelism() -> None:
    top = Plan((sub("one"), sub("two"), sub("three")), name="main", parallelism=1)
    f = family(top=top)
    most = 0
    for _ in range(200):
        f.pass_all()
        most = max(most, sum(s.state in (StepState.ENQUEUED, StepState.IN_PROGRESS) for s in f.root.status.steps))
        f.tick(0.5)
    assert (most, f.root.status.state) == (1, TaskState.COMPLETE)


def test_a_child_that_is_slow_to_begin_is_waited_for_as_a_child_not_as_a_pod() -> None:
    family = Family(World(Plan((sub("s"),)), scripted({})), {"sub": Plan((Step("x"),))}, scripted({}))
    family.root.pass_once()
    family.root.tick(31)
    family.root.pass_once()
    assert "waiting for child Task" in family.root.status.message


def test_a_parent_that_waits_for_a_child_which_needs_a_human_says_so_itself() -> None:
    f = family({"after": fails()}, undo={"y": fails()}, top=parent(failure_strategy=FailureStrategy.COMPENSATE))
    f.run()
    stuck = f.root.status.attention
    assert f.root.status.state is TaskState.COMPENSATING
    assert stuck is not None
    assert stuck.reason == "ChildNeedsAttention"
    name = f.root.step("sub").child_name
    assert f"compensation of sub waits for child Task {name}" in stuck.message
    assert "could not undo: y" in stuck.message
