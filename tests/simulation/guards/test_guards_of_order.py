"""The guards of the order of steps, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

import pytest

from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import Forge
from tests.simulation.guards.moves import done, enqueue, move
from tests.simulation.guards.stories import FINALLY, breaks, step


@pytest.mark.parametrize("in_order", [True, False])
def test_no_step_before_what_it_depends_on(in_order: bool) -> None:
    forge = Forge(step("a"), step("b", "a"))
    forge.start(enqueue("a"))
    if in_order:
        forge.work("a")
        forge.write(done("a"), enqueue("b"))
        return
    with breaks(Guarantee.DEPENDENCIES_FIRST):
        forge.write(enqueue("b"))


def test_a_failure_that_is_tolerated_holds_up_nobody() -> None:
    forge = Forge(step("a", continueOnError=True), step("b", "a"))
    forge.start()
    forge.fail("a")
    forge.write(enqueue("b"))
    stern = Forge(step("a"), step("b", "a"))
    stern.start()
    stern.fail("a")
    with breaks(Guarantee.DEPENDENCIES_FIRST):
        stern.write(enqueue("b"))


def test_what_runs_after_a_step_waits_for_its_end_and_for_nothing_that_will_never_be() -> None:
    forge = Forge(step("a"), step("b", "a"), step("c", runAfter=["b"]), failureStrategy="Continue")
    forge.start()
    forge.fail("a")
    forge.write(enqueue("c"))
    hasty = Forge(step("a"), step("b", "a"), step("c", runAfter=["b"]), failureStrategy="Continue")
    hasty.start(enqueue("a"))
    with breaks(Guarantee.DEPENDENCIES_FIRST):
        hasty.write(enqueue("c"))


def test_no_program_before_the_success_that_its_dependency_claims() -> None:
    forge = Forge(step("a"), step("b", "a"))
    forge.start(enqueue("a"))
    forge.write(done("a"), enqueue("b"))
    with breaks(Guarantee.DEPENDENCIES_FIRST):
        forge.run("b")
    by_hand = Forge(step("a"), step("b", "a"))
    by_hand.start()
    by_hand.write(move("a", "CompleteManually", to="Complete", outcome="Succeeded", result=1), enqueue("b"))
    by_hand.run("b")


@pytest.mark.parametrize("final", [True, False])
def test_no_new_work_once_the_end_is_decided(final: bool) -> None:
    forge = Forge(step("a"), step("b"), **FINALLY)
    forge.start()
    forge.fail("a")
    forge.write(
        state="BlockedByFailures", by=("StepFinished", "PermanentFailure"), ending=forge.ending("Failed", "Finally")
    )
    if final:
        forge.write(enqueue("z"))
        forge.job("z")
        return
    with breaks(Guarantee.NO_NEW_WORK_ONCE_ENDING):
        forge.write(enqueue("b"))


def test_no_late_job_once_the_forward_work_is_said_to_be_over() -> None:
    forge = Forge(step("a"), step("b"))
    forge.start(enqueue("b"))
    forge.write(enqueue("a"))
    forge.write(ending=forge.ending("Cancelled", outcome="Cancelled"))
    forge.job("a")  # it was on its way when the end was decided
    forge.write(ending=forge.ending("Cancelled", "Finally", outcome="Cancelled"))
    with breaks(Guarantee.NO_NEW_WORK_ONCE_ENDING):
        forge.job("b")
