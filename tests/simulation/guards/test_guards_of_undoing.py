"""The guards of undoing, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

import pytest

from kubesaga.api import constants as c
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import NAMESPACE, OPERATOR, Forge
from tests.simulation.guards.moves import done, enqueue, failed, move
from tests.simulation.guards.stories import CHAIN, UNDO, breaks, failing, step, undo, undo_step, undone
from tests.simulation.plan import Obj


def test_undoing_goes_in_reverse() -> None:
    forge = failing(*CHAIN)
    undo(forge, ("c", ()), ("a", ("c",)))
    undo_step(forge, "c")
    undo_step(forge, "a")
    forge.end("Error", "CompensationDone", "Compensated")
    forge.guards.at_rest()


def test_the_plan_of_undoing_knows_the_whole_graph() -> None:
    forge = failing(*CHAIN)
    with breaks(Guarantee.UNDONE_IN_REVERSE):
        undo(forge, ("c", ()), ("a", ()))


def test_the_plan_of_undoing_is_not_dropped() -> None:
    forge = failing(*CHAIN)
    undo(forge, ("c", ()), ("a", ("c",)))
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.write(compensation=None)


def test_nothing_is_undone_that_is_not_planned() -> None:
    forge = failing(*CHAIN)
    undo(forge, ("c", ()), ("a", ("c",)))
    with breaks(Guarantee.UNDONE_IN_REVERSE):
        forge.write(enqueue("b", role=UNDO))


def test_what_was_abandoned_leaves_no_task_compensated() -> None:
    forge = failing(undone("a"), step("c"))
    undo(forge, ("a", ()))
    saga = {**forge.task()["status"]["compensation"], "abandoned": ["a"]}
    forge.write(move("a", "Cancel", to="Cancelled", role=UNDO, outcome="Cancelled"), compensation=saga)
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.end("Error", "Abandoned", "Compensated")


def test_no_undoing_before_what_came_later_is_undone() -> None:
    forge = failing(*CHAIN)
    undo(forge, ("c", ()), ("a", ("c",)))
    with breaks(Guarantee.UNDONE_IN_REVERSE):
        forge.write(enqueue("a", role=UNDO))


def test_no_undoing_program_before_that_of_what_came_later_has_succeeded() -> None:
    forge = failing(*CHAIN)
    undo(forge, ("c", ()), ("a", ("c",)))
    forge.write(enqueue("c", role=UNDO))
    forge.write(done("c", role=UNDO), enqueue("a", role=UNDO))
    with breaks(Guarantee.UNDONE_IN_REVERSE):
        forge.run("a", role=UNDO)
    marked = failing(*CHAIN)
    undo(marked, ("c", ()), ("a", ("c",)))
    marked.write(move("c", "ResolveManually", to="ResolvedManually", role=UNDO))
    marked.write(enqueue("a", role=UNDO))
    marked.run("a", role=UNDO)


@pytest.mark.parametrize("over", [True, False])
def test_no_undoing_while_a_forward_job_may_still_run(over: bool) -> None:
    forge = Forge(undone("a"), undone("b"), failureStrategy="Compensate")
    forge.start(enqueue("a"), enqueue("b"))
    forge.work("b")
    forge.write(done("b"))
    forge.job("a")
    if over:
        forge.end_job("a", how="Failed")
    forge.write(failed("a"))
    if over:
        undo(forge, ("a", ()), ("b", ()))
        return
    with breaks(Guarantee.NO_UNDOING_BESIDE_WORK):
        undo(forge, ("a", ()), ("b", ()))


@pytest.mark.parametrize("fenced", [True, False])
def test_no_undoing_while_a_forward_job_may_still_be_created(fenced: bool) -> None:
    forge = Forge(undone("a"), failureStrategy="Compensate")
    forge.start(enqueue("a"))
    if fenced:
        forge.job("a", fence=True)
    forge.write(failed("a"))
    if fenced:
        undo(forge, ("a", ()))
        return
    with breaks(Guarantee.NO_UNDOING_BESIDE_WORK):
        undo(forge, ("a", ()))


def test_no_undoing_is_planned_while_a_step_is_under_way() -> None:
    forge = Forge(undone("a"), undone("b"), failureStrategy="Compensate")
    forge.start(enqueue("a"))
    forge.write(enqueue("b"))
    for name in ("a", "b"):
        forge.job(name)
        forge.end_job(name, how="Failed")
    forge.write(failed("a"))
    with breaks(Guarantee.NO_UNDOING_BESIDE_WORK):
        undo(forge, ("a", ()), ("b", ()))


@pytest.mark.parametrize("ended", [True, False])
def test_no_undoing_program_beside_a_forward_one(ended: bool) -> None:
    forge = Forge(undone("a"), failureStrategy="Compensate")
    forge.start(enqueue("a"))
    forge.job("a")
    execution = forge.run("a")
    forge.end_job("a", how="Failed")
    forge.write(failed("a"))
    undo(forge, ("a", ()))
    forge.write(enqueue("a", role=UNDO))
    if ended:
        forge.finish(execution, 1)
        forge.run("a", role=UNDO)
        return
    with breaks(Guarantee.NO_UNDOING_BESIDE_WORK):
        forge.run("a", role=UNDO)


@pytest.mark.parametrize("state", ["Cancelled", "StepsInProcess"])
def test_no_undoing_while_a_sub_workflow_goes_on(state: str) -> None:
    forge = Forge({"name": "sub", "task": {"templateRef": {"name": "flow"}}}, step("b"), failureStrategy="Compensate")
    forge.start(enqueue("sub", childName="t-sub"))
    labels = {c.LABEL_PARENT_UID: forge.task()["metadata"]["uid"], c.LABEL_PARENT_STEP: "sub"}
    forge.create_task("t-sub", labels=labels, user=OPERATOR)
    forge.start(name="t-sub")
    if state == "Cancelled":
        ending = forge.ending("Parent", "Done", "Cancelled")
        forge.write(name="t-sub", state=state, by=("Cancel",), ending=ending, outcome="Cancelled")
    forge.fail("b")
    forge.write(failed("sub"))
    if state == "Cancelled":
        undo(forge, ("sub", ()))
        return
    with breaks(Guarantee.NO_UNDOING_BESIDE_WORK):
        undo(forge, ("sub", ()))


def test_what_is_due_is_in_the_plan_and_nothing_else() -> None:
    undo(failing(undone("a"), step("b"), undone("c"), undone("d"), last="c"), ("c", ()), ("a", ()), ("d", ()))
    forgotten = failing(undone("a"), undone("c"))
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        undo(forgotten, ("c", ()))
    surely_not = {"when": "Succeeded"}
    undo(failing(undone("a"), step("c", compensation=surely_not)), ("a", ()))
    harmless = failing(undone("a"), step("c", compensation=surely_not))
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        undo(harmless, ("c", ()), ("a", ()))


def test_the_plan_of_undoing_is_kept() -> None:
    forge = failing(undone("a"), undone("c"))
    undo(forge, ("c", ()), ("a", ()))
    saga = forge.task()["status"]["compensation"]
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.write(compensation={**saga, "plan": saga["plan"][:1]})


def test_a_failure_under_compensate_decides_to_undo() -> None:
    for strategy, compensate, fits in (("Compensate", None, False), ("Abort", True, False), ("Abort", None, True)):
        forge = Forge(undone("a"), failureStrategy=strategy)
        forge.start()
        forge.fail("a")
        more: Obj = {} if compensate is None else {"compensate": compensate}
        if fits:
            forge.write(ending=forge.ending("Failed", **more))
            continue
        with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
            forge.write(ending=forge.ending("Failed", **more))


def test_a_cancel_undoes_if_its_user_says_so() -> None:
    for said in (True, False):
        forge = Forge(undone("a"), task={"desiredState": "Cancelled", "cancellation": {"compensate": said}})
        forge.start(enqueue("a"))
        if said:
            forge.write(ending=forge.ending("Cancelled", outcome="Cancelled", compensate=True))
            continue
        with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
            forge.write(ending=forge.ending("Cancelled", outcome="Cancelled", compensate=True))


def test_no_end_before_each_due_undoing_is_done_or_named() -> None:
    forge = failing(undone("a"), undone("c"))
    undo(forge, ("c", ()), ("a", ()))
    undo_step(forge, "a")
    saga = forge.task()["status"]["compensation"]
    forge.end("Error", "Abandoned", "CompensationFailed", compensation={**saga, "abandoned": ["c"]})
    for outcome in ("Compensated", "CompensationFailed"):
        forge = failing(undone("a"), undone("c"))
        undo(forge, ("c", ()), ("a", ()))
        undo_step(forge, "a")
        with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
            forge.end("Error", "CompensationDone", outcome)


def test_no_end_without_a_plan_where_undoing_was_due() -> None:
    forge = failing(undone("a"), step("c"))
    forge.write(
        state="BlockedByFailures",
        by=("StepFinished", "PermanentFailure"),
        ending=forge.ending("Failed", compensate=True),
    )
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.end("Error", "GiveUp", "Aborted")


@pytest.mark.parametrize("ran", [True, False])
def test_what_says_compensated_was_undone(ran: bool) -> None:
    forge = failing(undone("a"), step("c"))
    undo(forge, ("a", ()))
    forge.write(enqueue("a", role=UNDO))
    if ran:
        forge.work("a", role=UNDO)
    forge.write(done("a", role=UNDO))
    forge.end("Error", "CompensationDone", "Compensated")
    if ran:
        forge.guards.at_rest()
        return
    with breaks(Guarantee.SUCCESS_IS_TRUE):
        forge.guards.at_rest()


@pytest.mark.parametrize("held", [True, False])
def test_work_begins_when_its_task_is_held_until_it_is_undone(held: bool) -> None:
    forge = Forge(undone("a"), failureStrategy="Compensate")
    if held:
        forge.start(enqueue("a"))
        return
    forge.server.merge("tasks", NAMESPACE, "t", {"metadata": {"finalizers": None}})
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.start(enqueue("a"))


@pytest.mark.parametrize("policy", ["Delete", "Compensate"])
def test_a_task_that_goes_has_been_undone_as_its_policy_says(policy: str) -> None:
    forge = Forge(undone("a"), task={"deletionPolicy": policy})
    forge.start(enqueue("a"))
    forge.server.delete("tasks", NAMESPACE, "t")
    if policy == "Delete":
        forge.server.merge("tasks", NAMESPACE, "t", {"metadata": {"finalizers": None}}, user=OPERATOR)
        return
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        forge.server.merge("tasks", NAMESPACE, "t", {"metadata": {"finalizers": None}}, user=OPERATOR)


@pytest.mark.parametrize(("code", "due"), [(0, True), (143, True), (1, False)])
def test_what_was_stopped_and_has_not_said_that_it_failed_is_undone(code: int, due: bool) -> None:
    undoing = {"desiredState": "Cancelled", "cancellation": {"compensate": True}}
    forge = Forge(step("a", compensation={"when": "Succeeded"}), task=undoing)
    forge.start(enqueue("a"))
    forge.job("a")
    forge.finish(forge.run("a"), code)
    forge.end_job("a", how="Failed")

    def cancel() -> None:
        stopped = move("a", "Start", "Cancel", to="Cancelled", outcome="Cancelled")
        end = forge.ending("Cancelled", "Done", "Cancelled", compensate=True)
        forge.write(stopped, state="Cancelled", by=("Cancel",), ending=end, outcome="Cancelled")

    if not due:
        cancel()
        return
    with breaks(Guarantee.DUE_UNDOING_DONE_OR_NAMED):
        cancel()
