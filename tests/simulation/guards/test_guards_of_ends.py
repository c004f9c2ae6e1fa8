"""The guards of results and of ends, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

import pytest

from kubesaga.api import constants as c
from kubesaga.api.times import rfc3339
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import NAMESPACE, Forge
from tests.simulation.guards.moves import done, enqueue, failed, move
from tests.simulation.guards.stories import FINALLY, breaks, failing, step, undo, undo_step, undone
from tests.simulation.plan import Obj
from tests.simulation.world import EPOCH

BLOCKED = ("StepFinished", "PermanentFailure", "GiveUp")


def succeeded() -> Forge:
    """A Task of one step that has ended well."""
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    forge.succeed()
    return forge


def gave_up() -> Forge:
    """A Task of one step that has failed."""
    forge = Forge(step("a"), **FINALLY)
    forge.start()
    forge.fail("a")
    forge.write(state="BlockedByFailures", by=BLOCKED[:2], ending=forge.ending("Failed", "Finally"))
    forge.do("z")
    forge.end("Error", "GiveUp", "Aborted")
    return forge


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forged", [{"result": {"another": 1}}, {"result": None}, {"outcome": "Skipped"}])
def test_done_work_is_kept(forged: Obj) -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    forge.write(message="done")
    with breaks(Guarantee.DONE_WORK_IS_KEPT):
        forge.write(move("a", to="Complete", silent=True, **forged))


def test_only_finally_runs_again_when_a_task_is_reopened() -> None:
    forge = gave_up()
    reopened = ("Reopen", "StepsReady", "StepsEnqueued")
    forge.write(
        move("z", "Rearm", to="Pending", retryBase=1, result=None, outcome=None),
        move("a", "Reset", "Enqueue", to="Enqueued", attempt=2, retryBase=1),
        state="StepsInProcess", by=reopened, run=2, ending=None, outcome=None, finishedAt=None,
    )  # fmt: skip


def test_no_program_of_a_step_that_is_done() -> None:
    forge = Forge(step("a"), step("b"))
    forge.start(enqueue("a"))
    forge.finish(forge.run("a"), 1)
    forge.finish(forge.run("a"))  # a pod that its Job replaced
    forge.write(done("a"), enqueue("b"))
    with breaks(Guarantee.DONE_WORK_IS_KEPT):
        forge.run("a")


@pytest.mark.parametrize("is_evicted", [True, False])
@pytest.mark.parametrize("code", [0, 1])
def test_done_work_runs_again_only_where_its_pod_was_evicted_and_timed_out_after_its_program(
    code: int, is_evicted: bool
) -> None:
    forge = Forge(step("a"), step("b"))
    forge.start(enqueue("a"))
    labels = forge.job("a")["metadata"]["labels"]
    first = forge.run("a")
    forge.finish(first, 0)
    meta = {"name": first.pod, "labels": labels}
    forge.server.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}}, user="job-controller")
    forge.write(done("a"), enqueue("b"))
    evicted = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
    ended = {"name": c.MAIN_CONTAINER, "state": {"terminated": {"exitCode": code}}}
    status = {"phase": "Failed", "conditions": evicted if is_evicted else [], "containerStatuses": [ended]}
    forge.server.merge("pods", NAMESPACE, first.pod, {"status": status}, status=True, user="kubelet")
    if code == 0 and is_evicted:
        forge.run("a")
        return
    with breaks(Guarantee.DONE_WORK_IS_KEPT):
        forge.run("a")


@pytest.mark.parametrize("given", [{"step": "a"}, {"step": "another"}])
def test_a_program_sees_the_result_that_is_on_record(given: Obj) -> None:
    forge = Forge(step("a"), step("b", "a"))
    forge.start()
    forge.do("a")
    forge.write(enqueue("b"))
    if given == {"step": "a"}:
        forge.run("b", results={"a": given})
        return
    with breaks(Guarantee.DONE_WORK_IS_KEPT):
        forge.run("b", results={"a": given})


def test_success_means_that_every_step_is_done() -> None:
    succeeded().guards.at_rest()
    forge = Forge(step("a"), step("b"))
    forge.start()
    forge.do("a")
    with breaks(Guarantee.SUCCESS_IS_TRUE):
        forge.succeed()


@pytest.mark.parametrize("code", [0, 1])
def test_done_means_that_a_program_has_succeeded(code: int) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.finish(forge.run("a"), code)
    forge.write(done("a"))
    forge.succeed()
    if code == 0:
        forge.guards.at_rest()
        return
    with breaks(Guarantee.SUCCESS_IS_TRUE):
        forge.guards.at_rest()


@pytest.mark.parametrize("document", ['{"result": {"step": "a"}}', '{"result": 2}', "{oops"])
def test_done_means_that_a_program_left_this_very_result(document: str) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.finish(forge.run("a"), document=document)
    forge.write(done("a"))
    forge.succeed()
    if document != '{"result": 2}':  # what cannot be read says nothing
        forge.guards.at_rest()
        return
    with breaks(Guarantee.SUCCESS_IS_TRUE):
        forge.guards.at_rest()


def test_what_a_human_completed_needs_no_program() -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.write(move("a", "CompleteManually", to="Complete", outcome="Succeeded", result=7))
    forge.succeed()
    forge.guards.at_rest()


# --- ends -------------------------------------------------------------------------------------------------------------


def decided_to_fail() -> tuple[Forge, Obj]:
    """A Task whose only step has failed and whose end is decided, not yet in its last phase."""
    forge = Forge(step("a"))
    forge.start()
    forge.fail("a")
    decided = forge.ending("Failed", "Finally")
    forge.write(state="BlockedByFailures", by=BLOCKED[:2], ending=decided)
    return forge, decided


@pytest.mark.parametrize(
    "forged",
    [
        {"trigger": "Deadline"},
        {"at": rfc3339(EPOCH + 99)},
        {"compensate": True},
        {"outcome": "Failed"},
        {"phase": "Quiescing"},
        None,
    ],
)
def test_a_decided_end_is_kept(forged: Obj | None) -> None:
    forge, decided = decided_to_fail()
    with breaks(Guarantee.DECIDED_END_IS_KEPT):
        forge.write(ending=forged and {**decided, **forged})


@pytest.mark.parametrize("outcome", ["Aborted", "Failed"])
def test_a_task_ends_as_it_was_decided(outcome: str) -> None:
    forge, decided = decided_to_fail()
    if outcome == "Aborted":
        forge.end("Error", "GiveUp", outcome)
        return
    with breaks(Guarantee.DECIDED_END_IS_KEPT):
        forge.write(state="Error", by=("GiveUp",), ending={**decided, "phase": "Done"}, outcome=outcome)


def test_a_task_has_not_ended_before_the_last_phase_of_its_end() -> None:
    forge, decided = decided_to_fail()
    with breaks(Guarantee.DECIDED_END_IS_KEPT):
        forge.end("Error", "GiveUp", "Aborted", ending=decided)


def test_what_was_undone_ends_compensated_whatever_was_decided_before() -> None:
    forge = failing(undone("a"), step("c"))
    undo(forge, ("a", ()))
    undo_step(forge, "a")
    forge.end("Error", "CompensationDone", "Compensated")
    forge.guards.at_rest()


@pytest.mark.parametrize("forged", [{"outcome": "Failed"}, {"result": 7}, {"finishedAt": None}, {"ending": None}])
def test_an_end_is_final(forged: Obj) -> None:
    forge = succeeded()
    forge.write(message="said later")
    with breaks(Guarantee.ENDS_ARE_FINAL):
        forge.write(**forged)


def test_a_human_may_resolve_a_failure_and_nothing_else_takes_a_task_from_its_end() -> None:
    forge = gave_up()
    ending = {**forge.task()["status"]["ending"], "trigger": "Resolved", "outcome": "ResolvedManually"}
    forge.write(state="ResolvedManually", by=("Resolve",), outcome="ResolvedManually", ending=ending)
    forge = gave_up()
    with breaks(Guarantee.HISTORY_IS_WHOLE):  # the tables have no such move
        forge.write(state="EvaluatingResults", by=("Woken",))


def test_no_step_moves_after_the_end_of_its_task() -> None:
    forge = gave_up()
    with breaks(Guarantee.ENDS_ARE_FINAL):
        forge.write(move("a", "Reset", to="Pending", retryBase=1))


@pytest.mark.parametrize("over", [True, False])
def test_no_job_of_a_task_that_has_ended_is_not_over(over: bool) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    if over:
        forge.end_job("a", how="Failed")
    forge.write(failed("a"))
    forge.write(state="BlockedByFailures", by=BLOCKED[:2], ending=forge.ending("Failed", "Finally"))
    if over:
        forge.end("Error", "GiveUp", "Aborted")
        forge.guards.at_rest()
        return
    with breaks(Guarantee.NOTHING_RUNS_AFTER_THE_END):
        forge.end("Error", "GiveUp", "Aborted")


def test_no_forward_program_begins_once_what_was_done_is_being_undone() -> None:
    forge = failing(undone("a"), step("c"))
    undo(forge, ("a", ()))
    with breaks(Guarantee.NO_NEW_WORK_ONCE_ENDING):
        forge.run("c")


def test_no_program_begins_or_goes_on_after_the_end() -> None:
    forge = gave_up()
    with breaks(Guarantee.NOTHING_RUNS_AFTER_THE_END):
        forge.run("a")
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    forge.run("a")
    forge.end_job("a", how="Failed")
    forge.write(failed("a"))
    forge.write(state="BlockedByFailures", by=BLOCKED[:2], ending=forge.ending("Failed", "Finally"))
    forge.end("Error", "GiveUp", "Aborted")
    with breaks(Guarantee.NOTHING_RUNS_AFTER_THE_END):
        forge.guards.at_rest()
