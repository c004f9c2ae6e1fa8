"""Sessions of parents and children: each hears of the other what it would on a cluster, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubesaga.engine.decision import Attempt
from kubesaga.engine.family import Birth, Family, Unknown
from kubesaga.engine.plan import Approval, Compensation, ExpressionError, Plan, RetryPolicy, Scope, Step
from kubesaga.engine.records import StepError
from kubesaga.engine.session import Session
from kubesaga.engine.vocabulary import (
    ActionType,
    FailureStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepState,
    TaskOutcome,
    TaskState,
)
from tests.engine.family import sub

NOW = 1_000.0
UNDO = Compensation()
BROKEN = StepError("Broken", "it broke", retryable=False)
Fails = Callable[[Session, Attempt], StepError | None]


def family_of(root: Plan, **plans: Plan) -> Family:
    def make(birth: Birth, now: float) -> Session:
        if birth.template.name not in plans:
            raise Unknown(f"there is no template {birth.template.name}")
        uid = f"{birth.parent.uid}/{birth.link.step}"
        return Session(plans[birth.template.name], birth.name, uid, birth.context, now, link=birth.link)

    return Family(Session(root, name="task", uid="uid-1", context={}, created_at=NOW), make)


def drive(family: Family, fails: Fails = lambda _session, _attempt: None, now: float = NOW) -> list[str]:
    """Run every launch at once; returns ``path.step`` of each program, ``-`` before a compensation."""
    ran: list[str] = []
    while not (family.ended or family.waits_for_human):
        found = family.decide(now)
        for session, decision in found:
            for attempt in decision.launches:
                path = session.uid.removeprefix("uid-1").removeprefix("/")
                name = f"{path}.{attempt.step}" if path else attempt.step
                ran.append(name if attempt.role is Role.FORWARD else f"-{name}")
                session.started(attempt, now)
                error = fails(session, attempt)
                if error:
                    session.failed(attempt, now, error)
                else:
                    session.succeeded(attempt, now, {"of": attempt.step})
        if not any(decision.launches for _, decision in found):
            now = max(now, family.wake_at or now)
    return ran


def failing(*names: str) -> Fails:
    def fails(_session: Session, attempt: Attempt) -> StepError | None:
        return BROKEN if attempt.step in names and attempt.role is Role.FORWARD else None

    return fails


TWO = Plan((Step("x", compensation=UNDO), Step("y", ("x",), compensation=UNDO)), name="sub")


def test_a_childs_result_is_its_steps_and_what_follows_waits_for_it() -> None:
    family = family_of(Plan((sub("child"), Step("after", ("child",)))), sub=TWO)
    assert drive(family) == ["child.x", "child.y", "after"]
    assert family.root.status.outcome is TaskOutcome.SUCCEEDED
    assert family.root.value(family.root.record("child").result) == {"y": {"of": "y"}}


def test_a_childs_context_is_made_of_what_its_parent_knows() -> None:
    def context(scope: Scope) -> Mapping[str, object]:
        return {"got": scope["steps"]["a"]["result"]}

    family = family_of(Plan((Step("a"), sub("child", depends_on=("a",), make_context=context))), sub=TWO)
    drive(family)
    assert family.child("child").context == {"got": {"of": "a"}}


def test_a_failed_parent_has_its_child_undone_in_reverse() -> None:
    plan = Plan(
        (Step("a", compensation=UNDO), sub("child", depends_on=("a",)), Step("b", ("child",))),
        failure_strategy=FailureStrategy.COMPENSATE,
    )
    family = family_of(plan, sub=TWO)
    assert drive(family, failing("b")) == ["a", "child.x", "child.y", "b", "-child.y", "-child.x", "-a"]
    assert family.root.status.outcome is TaskOutcome.COMPENSATED
    assert family.child("child").status.outcome is TaskOutcome.COMPENSATED


def test_a_child_that_fails_fails_its_step() -> None:
    family = family_of(Plan((sub("child"),)), sub=TWO)
    drive(family, failing("y"))
    error = family.root.record("child").error
    assert family.root.status.outcome is TaskOutcome.ABORTED
    assert error is not None
    assert error.type == "ChildFailed"


def test_a_retried_step_reopens_its_child() -> None:
    family = family_of(Plan((sub("child", retry=RetryPolicy(max_attempts=1)),), blocked_timeout=60.0), sub=TWO)
    drive(family, failing("y"))
    assert family.waits_for_human
    family.root.act(ActionType.RETRY, "child", at=NOW)
    assert drive(family) == ["child.y"]
    assert family.child("child").status.run == 2
    assert family.root.status.outcome is TaskOutcome.SUCCEEDED


def test_cancelling_the_root_stops_what_runs_below() -> None:
    family = family_of(Plan((sub("child"),)), sub=TWO)
    family.decide(NOW)
    child = family.child("child")
    (attempt,) = child.live()
    child.started(attempt, NOW)
    family.root.cancel(RunningSteps.TERMINATE)
    assert [(session, decision.stops) for session, decision in family.decide(NOW) if decision.stops] == [
        (child, (attempt,))
    ]
    child.stopped(attempt, NOW)
    family.decide(NOW)
    assert child.status.state is family.root.status.state is TaskState.CANCELLED
    assert family.ended


def test_suspending_the_root_holds_what_is_below() -> None:
    family = family_of(Plan((sub("child"),)), sub=TWO)
    family.decide(NOW)
    child = family.child("child")
    family.root.suspend()
    child.succeeded(child.live()[0], NOW)
    assert not any(decision.launches for _, decision in family.decide(NOW))
    assert family.waits_for_human
    family.root.resume()
    drive(family)
    assert family.root.status.outcome is TaskOutcome.SUCCEEDED


def test_an_approval_below_is_waited_for_above() -> None:
    asks = Plan((Step("ok", kind=StepKind.APPROVAL, approval=Approval()),), name="sub")
    family = family_of(Plan((sub("child"),)), sub=asks)
    assert drive(family) == []
    child = family.child("child")
    assert child.open_approvals() == ["ok"]
    assert not family.root.waits_for_human
    child.act(ActionType.APPROVE, "ok", at=NOW)
    drive(family)
    assert family.root.status.outcome is TaskOutcome.SUCCEEDED


def test_a_child_of_a_template_that_is_not_there_fails_its_step() -> None:
    family = family_of(Plan((sub("child", "elsewhere"),)))
    drive(family)
    error = family.root.record("child").error
    assert family.root.record("child").state is StepState.ERROR
    assert error is not None
    assert error.type == "TemplateNotFound"


def test_a_context_that_cannot_be_made_fails_its_step() -> None:
    def broken(_scope: Scope) -> Mapping[str, object]:
        raise ExpressionError("no such key")

    family = family_of(Plan((sub("child", make_context=broken),)), sub=TWO)
    drive(family)
    assert family.root.record("child").state is StepState.ERROR


def test_a_family_goes_on_from_its_kept_statuses() -> None:
    plan = Plan((sub("child"), Step("after", ("child",))))
    before = family_of(plan, sub=TWO)
    before.decide(NOW)
    child = before.child("child")
    child.succeeded(child.live()[0], NOW)
    before.decide(NOW)
    root = Session(plan, "task", "uid-1", {}, NOW, status=before.root.status)
    below = Session(TWO, child.name, child.uid, child.context, NOW, status=child.status, link=child.link)
    after = Family(root, lambda birth, _now: (_ for _ in ()).throw(AssertionError(birth)), below=[below])
    for session in after.sessions():
        for attempt in session.unseen():
            session.lost(attempt, NOW)
    assert drive(after) == ["child.y", "after"]
    assert below.record("y").attempt == 2
