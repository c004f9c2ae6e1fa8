"""The guards of attempts and keys, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import Forge
from tests.simulation.guards.moves import Move, enqueue, failed, move
from tests.simulation.guards.stories import UNDO, breaks, failing, step, undo, undone
from tests.simulation.plan import Obj
from tests.simulation.workloads.handlers import Execution

BUSY = {"type": "Busy", "message": "later", "retryable": True}


def retry(number: int, **fields: Any) -> tuple[Move, Move]:
    """An attempt fails, and the next is recorded."""
    waiting = move("a", "Start", "Failed", "ScheduleRetry", to="WaitingForRetry", error=BUSY)
    return waiting, move("a", "RetryDue", "Enqueue", to="Enqueued", attempt=number, **fields)


def test_attempts_only_grow_by_one_and_up_to_their_bound() -> None:
    forge = Forge(step("a", retry={"maxAttempts": 2}))
    forge.start(enqueue("a"))
    for each in retry(2):
        forge.write(each)
    forge.write(failed("a"))
    forge.write(move("a", "Reset", "Enqueue", to="Enqueued", attempt=3, retryBase=2))  # begun anew by a human
    for each in retry(4):
        forge.write(each)
    with breaks(Guarantee.ATTEMPTS_ONLY_GROW):
        for each in retry(5):
            forge.write(each)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_attempts_are_numbered_without_gaps(number: int) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    waiting, again = retry(number or 1)
    forge.write(waiting)
    with breaks(Guarantee.ATTEMPTS_ONLY_GROW):
        forge.write(again if number else move("a", "RetryDue", to="Pending", attempt=None))


@pytest.mark.parametrize("forged", [{"retryBase": 1}, {"ignored": 1}])
def test_retries_are_not_counted_anew_without_reason(forged: Obj) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    waiting, again = retry(2, **forged)
    forge.write(waiting)
    with breaks(Guarantee.ATTEMPTS_ONLY_GROW):
        forge.write(again)


def test_what_a_rule_ignores_is_not_counted() -> None:
    rules = [{"onErrorTypes": ["Busy"], "action": "Ignore"}]
    forge = Forge(step("a", retry={"maxAttempts": 1, "rules": rules}))
    forge.start(enqueue("a"))
    forge.write(move("a", "Start", "Failed", "ScheduleRetry", to="WaitingForRetry", error=BUSY, ignored=1))
    forge.write(retry(2)[1])


@pytest.mark.parametrize("state", ["StepsInProcess", "EvaluatingResults"])
def test_a_run_begins_by_a_start_or_a_reopening(state: str) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    with breaks(Guarantee.ATTEMPTS_ONLY_GROW):
        forge.write(state=state, by=("Woken",) if state == "EvaluatingResults" else (), run=2)


def test_all_attempts_of_a_step_get_one_key() -> None:
    forge = Forge(step("a"), step("b"))
    forge.start(enqueue("a"), enqueue("b"))
    forge.finish(forge.run("a"), 1)
    for each in retry(2):
        forge.write(each)
    forge.run("a", 2)
    forge.run("b")
    for name, number, key in (("a", 2, "another"), ("b", 1, None)):
        forge = Forge(step("a"), step("b"))
        forge.start(enqueue("a"), enqueue("b"))
        first = forge.run("a")
        forge.finish(first, 1)
        if name == "a":
            for each in retry(2):
                forge.write(each)
        with breaks(Guarantee.KEY_NEVER_CHANGES):
            forge.run(name, number, key=key or first.key)


def test_a_compensation_gets_the_key_of_its_step_and_one_of_its_own() -> None:
    stories: list[Obj] = [{"key": "another"}, {"compensationKey": "another"}, {}]
    for forged in stories:
        forge = failing(undone("a"), step("c"))
        undo(forge, ("a", ()))
        forge.write(enqueue("a", role=UNDO))
        if not forged:
            forge.run("a", role=UNDO)
            continue
        if "compensationKey" in forged:
            forge.finish(forge.run("a", role=UNDO), 1)
        with breaks(Guarantee.KEY_NEVER_CHANGES):
            forge.run("a", role=UNDO, **forged)


def test_work_that_was_done_is_not_given_up_where_a_pod_tells_of_it() -> None:
    def ran(**left: Any) -> tuple[Forge, Execution]:
        forge = Forge(step("a"))
        forge.start(enqueue("a"))
        forge.job("a")
        execution = forge.run("a")
        forge.finish(execution, **left)
        return forge, execution

    unheard, _ = ran()
    unheard.write(retry(2)[0])
    refused, execution = ran()
    refused.show(execution)
    refused.write(move("a", "Start", "Failed", "Fail", to="Error", error={"type": "InvalidResult"}))
    for left in ({"code": 1}, {"document": {"error": {"type": "Busy"}}}):
        failed_itself, execution = ran(**left)
        failed_itself.show(execution)
        failed_itself.write(retry(2)[0])
    told, execution = ran()
    told.show(execution)
    with breaks(Guarantee.FAILURE_IS_TRUE):
        told.write(retry(2)[0])
