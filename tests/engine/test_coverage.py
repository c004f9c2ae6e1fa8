"""Every row of both transition tables is walked by some story, or named here with why nothing leads there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kubesaga.engine.plan import Approval, Compensation, ExpressionError, Plan, RetryPolicy, Scope, Step, Violation
from kubesaga.engine.records import Transition
from kubesaga.engine.snapshot import Claim
from kubesaga.engine.states import LIVE_TASK_STATES, STEP_TRANSITIONS, TASK_TRANSITIONS
from kubesaga.engine.vocabulary import (
    ActionType,
    DesiredState,
    FailureStrategy,
    IdentityStrategy,
    OnTimeout,
    Role,
    RunningSteps,
    StepEvent,
    StepKind,
    StepState,
    TaskEvent,
    TaskState,
)
from tests.engine.family import Family, sub
from tests.engine.world import Outcome, World, fails, scripted

A, S, P = ActionType, StepState, TaskState
Row = tuple[str, str, str]
LONG = Outcome(seconds=100)
UNDO = Compensation(retry=RetryPolicy(max_attempts=1))
LATE = RetryPolicy(initial_interval=300.0, max_interval=300.0)
ASK = Step("ask", kind=StepKind.APPROVAL, approval=Approval())

# The tables say "live" as the contract does; a Task passes through these states within one pass, or nothing has begun.
_NO_TIME_TO = {
    **dict.fromkeys(
        [(event, P.ENQUEUING_STEPS, target) for event, target in (
            (TaskEvent.DEADLINE_EXCEEDED, P.ERROR), (TaskEvent.DEADLINE_EXCEEDED, P.COMPENSATING),
            (TaskEvent.CANCEL, P.CANCELLED), (TaskEvent.CANCEL, P.COMPENSATING),
            (TaskEvent.RESOLVE, P.RESOLVED_MANUALLY),
        )],
        "EnqueuingSteps is left in the pass that enters it",
    ),
    **dict.fromkeys(
        [(TaskEvent.DEADLINE_EXCEEDED, source, target)
         for source in (P.PENDING, P.INITIALIZING, P.EVALUATING_RESULTS) for target in (P.ERROR, P.COMPENSATING)],
        "a deadline begins with the run, and these states are left in the pass that begins it",
    ),
    (TaskEvent.CANCEL, P.PENDING, P.COMPENSATING): "nothing has begun, so there is nothing to undo",
    (TaskEvent.CANCEL, P.INITIALIZING, P.COMPENSATING): "nothing has begun, so there is nothing to undo",
    (TaskEvent.RESOLVE, P.PENDING, P.RESOLVED_MANUALLY): "actions are for Tasks that have started",
}  # fmt: skip
_NEVER = {
    (StepEvent.CANCEL, S.ENQUEUED_FOR_ORCHESTRATION, S.CANCELLED): "a success is accepted in the pass that sees it",
    (StepEvent.CANCEL, S.ERROR, S.CANCELLED): "a step that failed for good says so whatever becomes of its Task",
    (StepEvent.COMPLETE_MANUALLY, S.ENQUEUED, S.COMPLETE): "a live step is stopped first",
    (StepEvent.COMPLETE_MANUALLY, S.IN_PROGRESS, S.COMPLETE): "a live step is stopped first",
    (StepEvent.RESOLVE_MANUALLY, S.ENQUEUED, S.RESOLVED_MANUALLY): "a live step is stopped first",
    (StepEvent.RESOLVE_MANUALLY, S.IN_PROGRESS, S.RESOLVED_MANUALLY): "a live step is stopped first",
    (StepEvent.REARM, S.CANCELLED, S.PENDING): "nothing cancels a step of finally",
    (StepEvent.REARM, S.RESOLVED_MANUALLY, S.PENDING): "no action fits a step of finally",
}


def rows(table: Any) -> set[Row]:
    return {(event, source, target) for event, by in table.items() for source, ts in by.items() for target in ts}


# --- the stories ---------------------------------------------------------------------------------------------------


def flow(*steps: Step, **changes: Any) -> Plan:
    steps = steps or (Step("a", compensation=UNDO), Step("b", ("a",), compensation=UNDO, skippable=True))
    return Plan(**{"steps": steps, **changes})


IN_STATE: dict[TaskState, Callable[..., World]] = {
    P.STEPS_IN_PROCESS: lambda **c: World(flow(**c), scripted({"b": LONG})).run_until_running("b"),
    P.WAITING_FOR_RETRY: lambda **c: World(
        flow(Step("a", compensation=UNDO, retry=LATE), **c), scripted({"a": fails(retryable=True)})
    ).run_until_state(P.WAITING_FOR_RETRY),
    P.WAITING_FOR_DEPENDENCIES: lambda **c: World(
        flow(Step("a", compensation=UNDO), replace(ASK, depends_on=("a",)), **c), scripted({})
    ).run_until_state(P.WAITING_FOR_DEPENDENCIES),
    P.BLOCKED_BY_FAILURES: lambda **c: World(
        flow(blocked_timeout=600.0, **c), scripted({"b": fails()})
    ).run_until_state(P.BLOCKED_BY_FAILURES),
}  # fmt: skip


def ends_of_live_tasks() -> Iterator[World]:
    for in_state in IN_STATE.values():
        for compensate in (False, True):
            w = in_state()
            w.desired, w.cancel_mode, w.cancel_compensates = DesiredState.CANCELLED, RunningSteps.TERMINATE, compensate
            yield w.run()
            strategy = FailureStrategy.COMPENSATE if compensate else FailureStrategy.ABORT
            yield in_state(timeout=60.0, failure_strategy=strategy).run()
        w = in_state(running_steps=RunningSteps.TERMINATE)
        w.applied(A.RESOLVE)
        yield w.run()


def starts() -> Iterator[World]:
    yield World(flow(), scripted({}), request_problems=("bad",)).run()
    yield World(
        flow(identity=IdentityStrategy.STRICT), scripted({}), claim=Claim(mine=False, holder="x"), claim_name="c"
    ).run()  # fmt: skip
    yield World(flow(), scripted({}), desired=DesiredState.CANCELLED).run()
    w = World(flow(), scripted({}))
    w.act(A.RESOLVE)
    yield w.run()
    yield World(flow(Step("a", when=lambda _: False)), scripted({})).run()
    yield World(flow(Step("a", when=_broken)), scripted({})).run()
    yield World(flow(ASK), scripted({}), desired=DesiredState.CANCELLED).run()
    w = World(flow(), scripted({}), slot=False).run_for(3)
    w.slot = True
    yield w.run()
    w = World(flow(), scripted({})).run_until_running("a")
    w.desired = DesiredState.SUSPENDED
    yield w.run_for(10)
    w = World(flow(ASK), scripted({})).run_for(3)
    w.applied(A.APPROVE, "ask")
    yield w.run()


def _broken(_: Scope) -> bool:
    raise ExpressionError("no such key")


def runs() -> Iterator[World]:
    yield World(flow(), scripted({("a", 1): fails(retryable=True)})).run()
    yield World(flow(Step("a"), Step("b")), scripted({("a", 1): fails(retryable=True), "b": LONG})).run()
    yield World(flow(Step("a"), Step("b", ("a",))), scripted({"b": fails()})).run()
    yield World(flow(failure_strategy=FailureStrategy.COMPENSATE), scripted({"b": fails()})).run()
    yield World(flow(Step("a", check_result=lambda _: [Violation("", "no")])), scripted({})).run()
    w = World(flow(Step("a"), Step("b", ("a",), skippable=True)), scripted({"a": LONG})).run_until_running("a")
    w.applied(A.SKIP, "b")
    yield w.run()
    w = World(flow(Step("a"), ASK), scripted({"a": LONG})).run_until_running("a")
    w.applied(A.REJECT, "ask")
    yield w.run()
    for on_timeout in OnTimeout:
        yield World(flow(replace(ASK, approval=Approval(5.0, on_timeout))), scripted({})).run()
    bad = flow(Step("bad"), Step("slow", retry=LATE))
    yield World(bad, scripted({"bad": fails(seconds=5), "slow": fails(retryable=True)})).run()
    yield World(bad, scripted({"bad": fails(seconds=5), "slow": fails(retryable=True, seconds=5)})).run()
    w = World(flow(Step("a")), scripted({}))
    w.pass_once(crash_after_write=True)
    w.desired, w.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    w.pass_once(crash_after_write=True)
    yield w.run()
    w = World(flow(Step("a", start_timeout=3.0, retry=LATE)), scripted({"a": Outcome(disruptions=60)}))
    w.run_until_state(P.WAITING_FOR_RETRY)
    yield w


def manual() -> Iterator[World]:
    """Each action from each state that it fits."""
    for type_ in (A.COMPLETE, A.RESOLVE, A.SKIP, A.FAIL):
        for state in (S.PENDING, S.WAITING_FOR_RETRY, S.ERROR, S.IN_PROGRESS):
            if (type_, state) == (A.FAIL, S.ERROR):
                continue
            b = Step("b", ("a",), skippable=True, retry=LATE)
            script = {
                S.PENDING: {"a": LONG},
                S.WAITING_FOR_RETRY: {"b": fails(retryable=True)},
                S.ERROR: {"b": fails()},
                S.IN_PROGRESS: {"b": LONG},
            }
            w = World(flow(Step("a"), b, blocked_timeout=600.0), scripted(script[state]))
            w.run_until(lambda w=w, state=state: bool(w.status.steps) and w.step("b").state is state)  # type: ignore[misc]
            w.applied(type_, "b")
            yield w
    for type_ in (A.COMPLETE, A.RESOLVE):  # it succeeds while it is being stopped
        w = World(flow(Step("a")), scripted({"a": Outcome(1, seconds=5, deaf=True)})).run_until_running("a")
        w.applied(type_, "a")
        yield w.run()


def reopened() -> Iterator[World]:
    final = Step("bye", final=True)
    for outcome in (Outcome(), fails()):
        w = World(flow(Step("a"), final), scripted({("a", 1): fails(), "bye": outcome})).run()
        w.applied(A.RETRY)
        yield w.run()
    for compensate in (False, True):
        w = World(flow(), scripted({"b": fails()})).run()
        w.desired, w.cancel_compensates = DesiredState.CANCELLED, compensate
        w.act(A.RETRY)
        yield w.run()
    w = World(flow(), scripted({"b": fails()})).run()
    w.act(A.RETRY)
    w.act(A.RESOLVE)
    yield w.run()
    w = World(flow(), scripted({"b": fails()})).run()
    w.applied(A.RESOLVE)
    yield w
    w = World(flow(timeout=5.0), scripted({("b", 1): LONG})).run()
    w.applied(A.RETRY)
    yield w.run()


def sagas() -> Iterator[World]:
    plan = flow(failure_strategy=FailureStrategy.COMPENSATE)
    for cancelled in (False, True):
        w = World(plan, scripted({"b": LONG if cancelled else fails()}, {"b": fails()}))
        if cancelled:
            w.run_until_running("b")
            w.desired, w.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
            w.cancel_compensates = True
        w.run()
        w.applied(A.ABANDON)
        yield w.run()
    w = World(plan, scripted({"b": fails()}, {"b": fails()})).run()
    w.applied(A.MARK_COMPENSATED, "b")
    yield w.run()


def families() -> Iterator[World]:
    below = flow(Step("x", compensation=UNDO), Step("y", ("x",), compensation=UNDO), name="sub")
    top = flow(sub("sub", retry=RetryPolicy(max_attempts=1)), Step("bad", ("sub",)), name="main",
               failure_strategy=FailureStrategy.COMPENSATE)  # fmt: skip
    for outcomes, how in (
        ({"bad": fails()}, None),
        ({"y": fails()}, None),
        ({"bad": fails(), "y": Outcome(seconds=9)}, "resolve"),
        ({"y": LONG}, "cancel"),
        ({("y", 1): LONG}, "again"),
    ):
        script = scripted(outcomes)
        chosen = top if how != "again" else replace(top, failure_strategy=FailureStrategy.ABORT)
        f = Family(World(chosen, script), {"sub": below}, script)
        if how:
            f.run_until(lambda f=f: bool(f.kin) and "y" in f.child("sub").steps_launched())  # type: ignore[misc]
        if how == "resolve":
            f.child("sub").act(A.RESOLVE)
        if how == "cancel":
            f.root.desired, f.root.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
            f.root.cancel_compensates = True
        if how == "again":
            f.root.act(A.FAIL, "sub")
            f.run()
            f.root.act(A.RETRY)
            f.run_until(lambda f=f: f.root.status.run == 2 and f.root.ended)  # type: ignore[misc]
        f.run()
        yield from f.worlds()
    f = Family(World(top, scripted({})), {"sub": below}, scripted({}))
    f.root.pass_once()
    f.root.desired = DesiredState.CANCELLED
    yield from f.run().worlds()


def test_every_row_of_both_tables_is_reached_or_is_explained() -> None:
    told = [
        t
        for story in (ends_of_live_tasks, starts, runs, manual, reopened, sagas, families)
        for world in story()
        for t in world.history
    ]
    walked: set[Row] = {(t.event, t.source, t.target) for t in told if t.step is None}
    stepped: set[Row] = {(t.event, t.source, t.target) for t in told if t.step is not None}
    assert rows(TASK_TRANSITIONS) - walked == set(_NO_TIME_TO)
    assert rows(STEP_TRANSITIONS) - stepped == set(_NEVER)


def test_a_compensation_walks_the_same_machine_as_a_step() -> None:
    told: list[Transition] = [t for world in sagas() for t in world.history if t.role is Role.COMPENSATION]
    assert {t.event for t in told} >= {"Enqueue", "Start", "Succeeded", "Accept", "Failed", "Fail", "Cancel"}


def test_every_live_state_has_a_story_or_is_left_within_a_pass() -> None:
    passing = {P.PENDING, P.INITIALIZING, P.ENQUEUING_STEPS, P.EVALUATING_RESULTS}
    assert set(IN_STATE) | passing == set(LIVE_TASK_STATES)
