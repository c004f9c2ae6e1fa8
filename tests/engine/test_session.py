"""A Session decides as a Task on a cluster does; what it is told stands in for what the operator would see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Approval, Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.records import StepError
from kubesaga.engine.session import TIMED_OUT, Session
from kubesaga.engine.snapshot import Phase
from kubesaga.engine.vocabulary import (
    ActionPhase,
    ActionType,
    FailureStrategy,
    IdentityStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.arbitrary import random_plan
from tests.engine.world import Outcome, World, scripted

NOW = 1_000.0
UNDO = Compensation()
BROKEN = StepError("Broken", "it broke", retryable=False)
BUSY = StepError("Busy", "try later")
APPROVAL = Step("ok", kind=StepKind.APPROVAL, approval=Approval())


def session_of(*steps: Step, **changes: Any) -> Session:
    plan_changes = {name: changes.pop(name) for name in list(changes) if name in Plan.__dataclass_fields__}
    return Session(Plan(steps, **plan_changes), name="task", uid="uid-1", context={}, created_at=NOW, **changes)


def drive(session: Session, outcomes: Mapping[Any, StepError] | None = None, now: float = NOW) -> list[Attempt]:
    """Run every launch at once, wait for no clock; returns the attempts in the order in which they ran."""
    ran: list[Attempt] = []
    while not (session.ended or session.waits_for_human):
        decision = session.decide(now)
        for attempt in decision.launches:
            ran.append(attempt)
            error = (outcomes or {}).get((attempt.step, attempt.number)) or (outcomes or {}).get(attempt.step)
            session.started(attempt, now)
            if error is not None and attempt.role is Role.FORWARD:
                session.failed(attempt, now, error)
            else:
                session.succeeded(attempt, now, {"of": attempt.step})
        if not decision.launches and not session.ended:
            assert decision.wake_at is not None or session.waits_for_human
            now = max(now, decision.wake_at or now)
    return ran


def steps(ran: list[Attempt], role: Role = Role.FORWARD) -> list[str]:
    return [attempt.step for attempt in ran if attempt.role is role]


def test_steps_run_in_the_order_of_their_graph_and_the_sinks_make_the_result() -> None:
    session = session_of(Step("a"), Step("b", ("a",)), Step("c", ("a",)), Step("d", ("b", "c")))
    assert steps(drive(session)) == ["a", "b", "c", "d"]
    assert session.status.outcome is TaskOutcome.SUCCEEDED
    assert session.result == {"d": {"of": "d"}}


def test_a_failed_attempt_is_tried_again_when_its_backoff_is_over() -> None:
    session = session_of(Step("a", retry=RetryPolicy(initial_interval=3600.0, max_interval=3600.0)))
    (first,) = session.decide(NOW).launches
    session.failed(first, NOW, BUSY)
    waiting = session.decide(NOW)
    assert (waiting.launches, waiting.wake_at) == ((), NOW + 3600)
    (second,) = session.decide(NOW + 3600).launches
    assert second == Attempt("a", Role.FORWARD, 2)


def test_a_failed_task_undoes_its_steps_in_reverse() -> None:
    session = session_of(
        Step("a", compensation=UNDO), Step("b", ("a",), compensation=UNDO), Step("c", ("b",), compensation=UNDO),
        failure_strategy=FailureStrategy.COMPENSATE,
    )  # fmt: skip
    ran = drive(session, {"c": BROKEN})
    assert steps(ran, Role.COMPENSATION) == ["c", "b", "a"]
    assert session.status.outcome is TaskOutcome.COMPENSATED


def test_nothing_more_follows_before_something_is_told() -> None:
    session = session_of(Step("a"))
    first = session.decide(NOW)
    status = session.status
    assert len(first.launches) == 1
    again = session.decide(NOW)
    assert again.launches == ()
    assert session.status is status


def test_an_attempt_that_waits_for_its_driver_has_no_start_timeout() -> None:
    session = session_of(Step("a", start_timeout=1.0))
    session.decide(NOW)
    assert session.decide(NOW + 10_000).stops == ()


def test_a_stopped_attempt_is_cancelled() -> None:
    session = session_of(Step("a"))
    (attempt,) = session.decide(NOW).launches
    session.started(attempt, NOW)
    session.cancel(RunningSteps.TERMINATE)
    assert session.decide(NOW + 1).stops == (attempt,)
    assert session.decide(NOW + 2).stops == ()
    session.stopped(attempt, NOW + 3)
    session.decide(NOW + 3)
    assert session.status.state is TaskState.CANCELLED
    assert session.record("a").outcome is StepOutcome.CANCELLED
    assert session.record("a").outcome_unknown


def test_a_cancelled_task_undoes_its_steps_if_asked() -> None:
    session = session_of(Step("a", compensation=UNDO), Step("b", ("a",)))
    (attempt,) = session.decide(NOW).launches
    session.started(attempt, NOW)
    session.cancel(compensate=True)
    session.succeeded(attempt, NOW)
    ran = drive(session)
    assert steps(ran, Role.COMPENSATION) == ["a"]
    assert session.status.state is TaskState.CANCELLED
    assert session.status.outcome is TaskOutcome.COMPENSATED


def test_an_attempt_that_cannot_start_fails_its_step() -> None:
    session = session_of(Step("a"))
    (attempt,) = session.decide(NOW).launches
    session.refused(attempt, BROKEN)
    session.decide(NOW)
    assert session.record("a").state is StepState.ERROR
    assert session.record("a").error == BROKEN
    seen = session.observed(attempt)
    assert seen is not None
    assert seen.phase is Phase.FENCED


def test_a_suspended_task_starts_nothing_until_it_is_resumed() -> None:
    session = session_of(Step("a"), Step("b", ("a",)))
    (attempt,) = session.decide(NOW).launches
    session.suspend()
    session.succeeded(attempt, NOW)
    assert session.decide(NOW).launches == ()
    assert session.waits_for_human
    session.resume()
    assert [a.step for a in session.decide(NOW).launches] == ["b"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(ActionType.APPROVE, TaskOutcome.SUCCEEDED), (ActionType.REJECT, TaskOutcome.ABORTED)],
)
def test_an_approval_waits_for_a_humans_word(answer: ActionType, outcome: TaskOutcome) -> None:
    session = session_of(APPROVAL, Step("a", ("ok",)))
    assert drive(session) == []
    assert session.waits_for_human
    assert session.open_approvals() == ["ok"]
    uid = session.act(answer, "ok", at=NOW, requested_by="ann")
    drive(session)
    assert session.verdicts[uid].phase is ActionPhase.APPLIED
    assert session.status.outcome is outcome


def test_an_action_that_does_not_fit_is_rejected() -> None:
    session = session_of(Step("a"))
    session.decide(NOW)
    uid = session.act(ActionType.APPROVE, "a", at=NOW)
    session.decide(NOW)
    assert session.verdicts[uid].phase is ActionPhase.REJECTED


def test_a_blocked_task_waits_for_a_human_and_is_given_up_in_time() -> None:
    session = session_of(Step("a"), blocked_timeout=60.0)
    (attempt,) = session.decide(NOW).launches
    session.failed(attempt, NOW, BROKEN)
    decision = session.decide(NOW)
    assert session.waits_for_human
    assert decision.wake_at == NOW + 60
    session.decide(NOW + 60)
    assert session.status.outcome is TaskOutcome.ABORTED


def test_a_failed_step_can_be_retried_after_the_end() -> None:
    session = session_of(Step("a"))
    drive(session, {("a", 1): BROKEN})
    session.act(ActionType.RETRY, "a", at=NOW)
    session.decide(NOW)
    assert not session.ended
    (second,) = session.live()
    session.succeeded(second, NOW)
    session.decide(NOW)
    assert session.status.outcome is TaskOutcome.SUCCEEDED


def test_a_timeout_leaves_the_outcome_unknown() -> None:
    session = session_of(Step("a", retry=RetryPolicy(max_attempts=1)))
    (attempt,) = session.decide(NOW).launches
    session.started(attempt, NOW)
    session.failed(attempt, NOW + 5, TIMED_OUT)
    session.decide(NOW + 5)
    assert session.record("a").outcome_unknown


def test_steps_of_finally_run_whatever_the_outcome() -> None:
    session = session_of(Step("a"), Step("tidy", final=True))
    assert steps(drive(session, {"a": BROKEN})) == ["a", "tidy"]
    assert session.status.outcome is TaskOutcome.ABORTED


def test_a_large_result_is_kept_beside_the_status_and_found_again() -> None:
    large = "x" * 10_000
    session = session_of(Step("a"), Step("b", ("a",), when=lambda scope: scope["steps"]["a"]["result"] == large))
    (attempt,) = session.decide(NOW).launches
    session.succeeded(attempt, NOW, large)
    decision = session.decide(NOW)
    assert [blob.value for blob in decision.blobs] == [large]
    assert [each.step for each in decision.launches] == ["b"]
    assert session.value(session.record("a").result) == large


def test_a_kept_status_goes_on_and_what_was_under_way_is_lost() -> None:
    before = session_of(Step("a"), Step("b", ("a",)))
    (attempt,) = before.decide(NOW).launches
    before.succeeded(attempt, NOW, 1)
    before.decide(NOW)
    after = Session(before.plan, "task", "uid-1", {}, NOW, status=before.status, history=list(before.history))
    (live,) = after.unseen()
    assert live == Attempt("b", Role.FORWARD, 1)
    after.lost(live, NOW + 9)
    assert after.unseen() == []
    decision = after.decide(NOW + 9)
    assert after.record("b").outcome_unknown
    assert after.record("b").state is StepState.WAITING_FOR_RETRY
    assert decision.wake_at is not None
    assert [each.number for each in after.decide(decision.wake_at).launches] == [2]


def test_a_request_that_names_no_key_breaks_a_template_that_wants_one() -> None:
    without = session_of(Step("a"), identity=IdentityStrategy.CALLER_PROVIDED)
    without.decide(NOW)
    assert without.status.outcome is TaskOutcome.INVALID_REQUEST
    with_key = session_of(Step("a"), identity=IdentityStrategy.CALLER_PROVIDED, claim_name="key")
    assert len(with_key.decide(NOW).launches) == 1


def _saga() -> Plan:
    undone = (
        Step("a", compensation=UNDO),
        Step("b", ("a",), compensation=UNDO),
        Step("c", ("a",), retry=RetryPolicy(max_attempts=2)),
        Step("d", ("b", "c")),
        Step("tidy", final=True),
    )
    return Plan(undone, failure_strategy=FailureStrategy.COMPENSATE)


@pytest.mark.parametrize(
    "failing", [{}, {"c": BUSY}, {("c", 1): BUSY}, {"d": BROKEN}, {"a": BROKEN}], ids=["none", "c", "c1", "d", "a"]
)
def test_a_session_has_the_history_of_a_task_on_a_cluster(failing: dict[Any, StepError]) -> None:
    session = Session(_saga(), name="task", uid="uid-1", context={}, created_at=NOW)
    drive(session, failing)
    script: Callable[[Attempt], Outcome] = scripted({key: Outcome(error=error) for key, error in failing.items()})
    world = World(_saga(), script).run()
    assert session.status.outcome is world.status.outcome
    for step in _saga().steps:
        for role in Role:
            told = [t.event for t in session.history if (t.step, t.role) == (step.name, role)]
            assert told == world.step_events(step.name, role)


@pytest.mark.parametrize("seed", range(60))
def test_every_task_ends_or_waits_for_a_human_and_nothing_follows_from_nothing(seed: int) -> None:
    random, now = Random(seed), NOW
    session = Session(random_plan(random), name="task", uid="uid-1", context={}, created_at=NOW)
    for _ in range(500):
        decision = session.decide(now)
        status = session.status
        again = session.decide(now)
        assert session.status is status
        assert (again.launches, again.stops, again.transitions) == ((), (), ())
        live = session.live()
        if session.ended or (not live and decision.wake_at is None):
            break
        for attempt in live:
            told_to_stop = status.ending is not None and random.random() < 0.5
            _end(session, attempt, now, random.choice(["good", "good", "bad", "lost"]), stopped=told_to_stop)
        now = now if live else max(now, decision.wake_at or now)
    assert session.ended or session.waits_for_human


def _end(session: Session, attempt: Attempt, now: float, how: str, *, stopped: bool) -> None:
    session.started(attempt, now)
    if stopped:
        session.stopped(attempt, now)
    elif how == "good":
        session.succeeded(attempt, now, attempt.step)
    elif how == "bad":
        session.failed(attempt, now, BUSY)
    else:
        session.lost(attempt, now)
