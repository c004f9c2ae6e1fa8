"""Rehearsed failures: where they strike, and that a seed strikes at the same places again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesaga.engine.decision import Attempt
from kubesaga.engine.vocabulary import ActionType, Role
from kubesaga.local.errors import LocalError
from kubesaga.local.faults import ERRORS, Fault, Faults, Kind
from kubesaga.local.run import Answer
from kubesaga.local.start import resume
from tests.local.support import finished, handler, launched, opened, outcome, started, template

FLOW = template(
    handler("a", compensation={}),
    handler("b", "steps:Undoable", "a", compensation={}),
    handler("c", "steps:call", "b"),
    failureStrategy="Compensate",
)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("pay", Fault(("pay",))),
        ("pay:2", Fault(("pay",), 2)),
        ("pay=Timeout", Fault(("pay",), None, Kind.TIMEOUT)),
        ("pay:1=retryable", Fault(("pay",), 1, Kind.RETRYABLE)),
        ("ship/pay_out", Fault(("ship", "pay_out"))),
        ("undo:pay", Fault(("pay",), role=Role.COMPENSATION)),
        ("undo:ship/pay:2=Retryable", Fault(("ship", "pay"), 2, Kind.RETRYABLE, Role.COMPENSATION)),
        ("undo:2", Fault(("undo",), 2)),
        ("undo:undo", Fault(("undo",), role=Role.COMPENSATION)),
    ],
)
def test_what_is_written_is_read(written: str, fault: Fault) -> None:
    assert Fault.parse(written) == fault


@pytest.mark.parametrize("written", ["", "pay=", "pay=Sometimes", "pay:0", "pay:x", "Pay Out", "undo:", "2"])
def test_what_is_no_failure_is_refused(written: str) -> None:
    with pytest.raises(LocalError, match="is no failure"):
        Fault.parse(written)


@pytest.mark.parametrize(
    ("fail", "ends", "attempts"),
    [
        ("c", "Compensated", ["a", "b", "c", "-b", "-a"]),
        ("b=Permanent", "Compensated", ["a", "b", "-b", "-a"]),
        ("b:1=Retryable", "Succeeded", ["a", "b", "b", "c"]),
        ("b=Timeout", "Compensated", ["a", "b", "b", "b", "-b", "-a"]),
        ("c undo:b:1=Retryable", "Compensated", ["a", "b", "c", "-b", "-b", "-a"]),
    ],
)
def test_a_rehearsed_failure_is_followed_by_what_a_real_one_would_be(
    tmp_path: Path, fail: str, ends: str, attempts: list[str]
) -> None:
    run = finished(tmp_path, FLOW, inline=True, fast=True, fail=tuple(fail.split()))
    assert (outcome(run), launched(run)) == (ends, attempts)


def test_a_compensation_that_fails_for_good_leaves_the_steps_before_it_to_a_human(tmp_path: Path) -> None:
    run = started(tmp_path, FLOW, inline=True, fast=True, fail=("c", "undo:b"))
    assert not run.go()
    assert launched(run) == ["a", "b", "c", "-b"]
    assert run.root.session.status.attention is not None
    run.store.close()
    again = resume(opened(tmp_path), answers=[Answer(ActionType.RETRY_COMPENSATION, ("b",))], fail=("undo:b:1",))
    assert again.go()
    assert (outcome(again), launched(again)) == ("Compensated", ["-b", "-a"])


@pytest.mark.slow
def test_a_compensation_of_a_sub_workflow_fails_by_its_path(tmp_path: Path) -> None:
    below = template(handler("x", compensation={}), name="below")
    sub = {"name": "sub", "task": {"templateRef": {"name": "below"}}}
    flow = template(sub, handler("last", "steps:call", "sub"), failureStrategy="Compensate")
    run = started(tmp_path, flow, below, inline=True, fast=True, fail=("last", "undo:sub/x"))
    assert not run.go()
    (child,) = (task for task in run.tasks.values() if task.path)
    assert child.session.status.attention is not None
    assert [each.compensation is not None for each in child.session.status.steps] == [True]


def test_only_a_compensation_with_a_program_can_fail(tmp_path: Path) -> None:
    below = template(handler("x", compensation={}), name="below")
    flow = template({"name": "sub", "task": {"templateRef": {"name": "below"}}}, handler("a"))
    with pytest.raises(LocalError, match="--fail undo:a: has no compensation that could fail"):
        started(tmp_path, flow, below, fail=("undo:a",))
    with pytest.raises(LocalError, match="--fail undo:sub: runs a sub-workflow: name a step of that, undo:sub/STEP"):
        started(tmp_path, flow, below, fail=("undo:sub",))


def test_a_step_that_is_not_there_cannot_fail(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="has no step 'd'; it has: a, b, c"):
        started(tmp_path, FLOW, fail=("d",))


def test_a_step_without_a_sub_workflow_has_no_steps_below(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"step 'a' of template .* is no sub-workflow"):
        started(tmp_path, FLOW, fail=("a/b",))


def test_only_a_step_with_a_program_can_fail(tmp_path: Path) -> None:
    below = template(handler("x"), name="below")
    flow = template({"name": "sub", "task": {"templateRef": {"name": "below"}}}, {"name": "ok", "approval": {}})
    with pytest.raises(LocalError, match="--fail sub: runs a sub-workflow: name a step of that, sub/STEP"):
        started(tmp_path, flow, below, fail=("sub",))
    with pytest.raises(LocalError, match="--fail ok: waits for a human"):
        started(tmp_path, flow, below, fail=("ok",))


def test_what_is_to_fail_is_checked_as_a_run_goes_on_too(tmp_path: Path) -> None:
    run = started(tmp_path, template({"name": "ok", "approval": {}}))
    assert not run.go()
    run.store.close()
    with pytest.raises(LocalError, match="has no step 'd'; it has: ok"):
        resume(opened(tmp_path), fail=("d",))


def test_a_seed_fails_the_same_attempts_again(tmp_path: Path) -> None:
    runs = [finished(tmp_path, FLOW, inline=True, fast=True, seed=7) for _ in range(2)]
    assert launched(runs[0]) == launched(runs[1])


def test_seeds_differ_and_never_leave_a_compensation_undone_for_good() -> None:
    attempts = [Attempt(step, role, 1) for step in "abcdefgh" for role in Role]
    told = [[Faults(seed=seed).of((), attempt) for attempt in attempts] for seed in range(50)]
    assert len({tuple(map(str, each)) for each in told}) > 25
    undoing = {error for each in told for error, a in zip(each, attempts, strict=True) if a.role is Role.COMPENSATION}
    assert ERRORS[Kind.PERMANENT] not in undoing
    assert len(undoing) > 1
