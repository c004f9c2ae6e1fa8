"""Identity: which Tasks are the same request, decided by who took the claim first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubesaga.engine.decide import decide
from kubesaga.engine.plan import Plan, Step, Violation
from kubesaga.engine.snapshot import Claim, TemplateProblem
from kubesaga.engine.vocabulary import ActionType, DesiredState, IdentityStrategy, TaskOutcome, TaskState
from tests.engine.world import World, scripted

CLAIMING = [IdentityStrategy.STRICT, IdentityStrategy.CALLER_PROVIDED]


def world(identity: IdentityStrategy, **changes: object) -> World:
    plan = Plan((Step("a"),), identity=identity)
    return World(plan, scripted({}), claim_name="claim-1", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("identity", CLAIMING)
def test_the_claim_is_taken_before_anything_else_is_written(identity: IdentityStrategy) -> None:
    w = world(identity)
    before = w.status
    decision = w.pass_once()
    assert decision.claim
    assert (decision.status, decision.launches) == (before, ())
    w.run()
    assert w.status.outcome is TaskOutcome.SUCCEEDED
    assert [d.claim for d in w.decisions].count(True) == 1


def test_always_unique_claims_nothing() -> None:
    w = world(IdentityStrategy.ALWAYS_UNIQUE).run()
    assert not any(d.claim for d in w.decisions)


@pytest.mark.parametrize("identity", CLAIMING)
def test_the_later_task_ends_as_a_duplicate_that_names_the_first(identity: IdentityStrategy) -> None:
    w = world(identity, claim=Claim(mine=False, holder="first")).run()
    assert (w.status.state, w.status.outcome) == (TaskState.ERROR, TaskOutcome.DUPLICATE)
    assert "by Task first: look there" in w.status.message
    assert w.task_events() == ["Start", "Duplicate"]
    assert w.launched == []


@pytest.mark.parametrize("identity", CLAIMING)
def test_a_claim_that_is_already_mine_is_not_taken_again(identity: IdentityStrategy) -> None:
    w = world(identity, claim=Claim(mine=True, holder="task")).run()
    assert not any(d.claim for d in w.decisions)
    assert w.status.outcome is TaskOutcome.SUCCEEDED


def test_a_task_whose_identity_is_not_free_yet_says_so_once_and_is_looked_at_again() -> None:
    w = world(IdentityStrategy.STRICT)
    problem = TemplateProblem("SameRequestStillWorks", "a Pod of it may still run", look_again=5.0)
    first = decide(None, replace(w.snapshot(), template_problem=problem), w.now)
    assert (first.status.state, first.status.reason) == (TaskState.PENDING, problem.reason)
    assert first.wake_at == w.now + 5.0
    again = decide(None, replace(w.snapshot(), status=first.status, template_problem=problem), w.now + 5.0)
    assert (again.status, again.events) == (first.status, ())
    assert again.wake_at == w.now + 10.0


def test_a_missing_idempotency_key_is_an_invalid_request_and_takes_no_claim() -> None:
    w = World(Plan((Step("a"),), identity=IdentityStrategy.CALLER_PROVIDED), scripted({})).run()
    assert w.status.outcome is TaskOutcome.INVALID_REQUEST
    assert "spec.idempotencyKey is required" in w.status.message
    assert not any(d.claim for d in w.decisions)


def test_an_invalid_request_takes_no_claim() -> None:
    w = world(IdentityStrategy.STRICT)
    w.plan = Plan((Step("a"),), identity=IdentityStrategy.STRICT, check_input=lambda _: [Violation("/a", "is missing")])
    w.run()
    assert w.status.outcome is TaskOutcome.INVALID_REQUEST
    assert not any(d.claim for d in w.decisions)


def test_a_task_that_waits_for_its_claim_can_be_cancelled() -> None:
    w = world(IdentityStrategy.STRICT, desired=DesiredState.CANCELLED)
    w.pass_once()
    assert w.status.state is TaskState.CANCELLED


@pytest.mark.parametrize("outcome", [TaskOutcome.DUPLICATE, TaskOutcome.INVALID_REQUEST])
def test_neither_a_duplicate_nor_an_invalid_request_can_be_taken_up_again(outcome: TaskOutcome) -> None:
    w = world(IdentityStrategy.STRICT, claim=Claim(mine=outcome is not TaskOutcome.DUPLICATE, holder="first"))
    if outcome is TaskOutcome.INVALID_REQUEST:
        w.request_problems = ("spec.metadata: too large",)
    w.run()
    assert w.status.outcome is outcome
    assert "cannot be taken up again" in w.rejected(ActionType.RETRY)
