"""Refusals: remembered per attempt, forgotten with their Task, and never more of them than fit."""

from __future__ import annotations

from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import Role
from kubesaga.runtime import refusals
from kubesaga.runtime.refusals import Refusal, Refusals

ATTEMPT = Attempt("a", Role.FORWARD, 1)
REFUSED = Refusal(StepError("JobRefused", "no"), hopeless=True)


def test_the_refusal_of_one_attempt_says_nothing_about_another() -> None:
    known = Refusals()
    known.note("t", ATTEMPT, REFUSED)
    assert known.get("t", ATTEMPT) == REFUSED
    assert known.get("t", Attempt("a", Role.FORWARD, 2)) is None
    assert known.get("u", ATTEMPT) is None
    known.forget("t")
    assert known.get("t", ATTEMPT) is None


def test_tasks_that_are_deleted_as_they_run_do_not_fill_the_memory() -> None:
    known = Refusals()
    for i in range(refusals._REMEMBERED_TASKS + 10):
        known.note(f"t{i}", ATTEMPT, REFUSED)
    assert known.get("t9", ATTEMPT) is None
    assert known.get("t10", ATTEMPT) == REFUSED
