"""The guards of what waits, is left, or is written for nothing, each with a story that holds and one thing forged."""

from __future__ import annotations

import pytest

from kubesaga.api import constants as c
from kubesaga.api.times import rfc3339
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import NAMESPACE, OPERATOR, Forge
from tests.simulation.guards.moves import enqueue, failed, move
from tests.simulation.guards.stories import UNDO, breaks, failing, step, undo, undone
from tests.simulation.plan import Obj
from tests.simulation.world import EPOCH


def needs_attention(message: str, reason: str = "StepNotStopped") -> Obj:
    """What a status says to a human."""
    when = {"observedGeneration": 1, "lastTransitionTime": "2027-01-15T08:00:00Z"}
    told = {**when, "type": c.NEEDS_ATTENTION, "status": "True", "reason": reason, "message": message}
    return {"conditions": [told], "message": f"needs attention: {message}"}


def test_a_task_that_waits_says_for_whom() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.write(**needs_attention("make sure that nothing of a runs, then ConfirmStopped"))
    forge.guards.at_rest()
    for fields in ({}, {"message": "running a"}, {**needs_attention("who?"), "message": "running a"}):
        forge = Forge(step("a"))
        forge.start(enqueue("a"))
        forge.write(**{"blockedSince": rfc3339(EPOCH), **fields})
        with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
            forge.guards.at_rest()


def test_a_task_that_was_never_looked_at_is_not_at_rest() -> None:
    forge = Forge(step("a"))
    with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
        forge.guards.at_rest()


@pytest.mark.parametrize("named", ["a", "c"])
def test_a_saga_that_is_stuck_names_what_is_not_undone(named: str) -> None:
    forge = failing(undone("a"), step("c"))
    undo(forge, ("a", ()))
    forge.write(enqueue("a", role=UNDO))
    forge.job("a", role=UNDO)
    forge.finish(forge.run("a", role=UNDO), 1)
    forge.end_job("a", role=UNDO, how="Failed")
    forge.write(failed("a", role=UNDO), **needs_attention(f"could not undo: {named}", "CompensationFailed"))
    if named == "a":
        forge.guards.at_rest()
        return
    with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
        forge.guards.at_rest()


@pytest.mark.parametrize("seconds", [0, 600])
def test_a_failed_task_may_wait_for_repair_as_long_as_its_template_says(seconds: int) -> None:
    forge = Forge(step("a"), blockedTimeout="5m")
    forge.start()
    forge.fail("a")
    blocked = rfc3339(EPOCH + forge.now)
    forge.write(state="BlockedByFailures", by=("StepFinished", "PermanentFailure"), blockedSince=blocked)
    forge.now += seconds
    if seconds == 0:
        forge.guards.at_rest()
        return
    with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
        forge.guards.at_rest()


@pytest.mark.parametrize(("timeout", "said"), [(None, True), (None, False), ("1h", True), ("5m", True)])
def test_an_open_approval_is_named_and_closed_in_time(timeout: str | None, said: bool) -> None:
    forge = Forge({"name": "ask", "approval": {"timeout": timeout} if timeout else {}})
    forge.start()
    opened = move("ask", "Enqueue", "Start", to="InProgress", attempt=1, startedAt=rfc3339(EPOCH))
    forge.write(opened, message="waiting for the approval ask" if said else "waiting")
    forge.now += 1000
    if said and timeout != "5m":
        forge.guards.at_rest()
        return
    with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
        forge.guards.at_rest()


def test_a_program_that_runs_is_waited_for_unless_its_node_is_lost() -> None:
    def running(reason: str) -> Forge:
        forge = Forge(step("a"))
        forge.start(enqueue("a"))
        job = forge.job("a")
        forge.run("a")
        meta = {"name": "a-pod", "labels": job["metadata"]["labels"]}
        forge.server.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}}, user="job-controller")
        status = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": reason}]}
        forge.server.merge("pods", NAMESPACE, "a-pod", {"status": status}, status=True, user="node-lifecycle")
        return forge

    running("EvictionByEvictionAPI").guards.at_rest()
    with breaks(Guarantee.ENDS_OR_NAMES_A_HUMAN):
        running("DeletionByTaintManager").guards.at_rest()


@pytest.mark.parametrize("left", [None, "job", "configmap", "task"])
def test_nothing_is_left_of_a_task_that_is_gone(left: str | None) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    forge.end_job("a", how="Failed")
    forge.write(failed("a"))
    forge.write(
        state="BlockedByFailures", by=("StepFinished", "PermanentFailure"), ending=forge.ending("Failed", "Finally")
    )
    forge.end("Error", "GiveUp", "Aborted")
    uid = forge.task()["metadata"]["uid"]
    meta = {"name": "left", "labels": {c.LABEL_TASK_UID: uid, c.LABEL_CONTENT: c.CONTENT_INPUT}}
    if left == "configmap":
        forge.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}, user=OPERATOR)
    if left == "task":
        child = forge.create_task("left", labels={c.LABEL_PARENT_UID: uid})
        ended = {"state": "Cancelled", "outcome": "Cancelled"}
        entry = {"at": rfc3339(EPOCH), "from": "Pending", "to": "Cancelled", "events": ["Cancel"]}
        forge.server.replace({**child, "status": {**ended, "transitions": [entry]}}, status=True, user=OPERATOR)
    if left != "job":
        forge.server.delete("jobs", NAMESPACE, forge.job_name("a"), user=OPERATOR)
    forge.server.delete("tasks", NAMESPACE, "t")
    forge.server.merge("tasks", NAMESPACE, "t", {"metadata": {"finalizers": None}}, user=OPERATOR)
    if left is None:
        forge.guards.at_rest()
        return
    with breaks(Guarantee.DEPENDENTS_GO_WITH_THEIR_TASK):
        forge.guards.at_rest()


def test_nothing_is_written_where_nothing_has_changed() -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.write(message="waiting")
    forge.write(message="suspended")
    with breaks(Guarantee.NO_IDLE_WRITES):
        forge.write(message="waiting")  # back and forth, without news


def test_news_may_bring_back_what_was_said_before() -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.write(message="waiting")
    forge.write(message="suspended")
    forge.server.merge("tasks", NAMESPACE, "t", {"spec": {"desiredState": "Running"}})
    forge.server.merge("tasks", NAMESPACE, "t", {"spec": {"desiredState": "Suspended"}})
    forge.write(message="waiting")


def test_a_history_that_goes_round_in_circles_is_an_idle_write() -> None:
    forge = Forge(step("a"))
    forge.start()
    with breaks(Guarantee.NO_IDLE_WRITES):
        forge.write(by=("Woken", "StillRunning"))


@pytest.mark.parametrize("size", [4000, 5000])
def test_a_large_result_is_kept_outside_of_the_status(size: int) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    large = move("a", "Start", "Succeeded", "Accept", to="Complete", outcome="Succeeded", result="x" * size)
    if size < 4096:
        forge.write(large)
        return
    with breaks(Guarantee.OBJECTS_WITHIN_BUDGET):
        forge.write(large)


def test_results_that_are_small_one_by_one_are_not_too_many_together() -> None:
    forge = Forge(*(step(f"s{i}") for i in range(33)))
    forge.start()
    for i in range(32):
        forge.write(move(f"s{i}", "CompleteManually", to="Complete", outcome="Succeeded", result="x" * 4000))
    with breaks(Guarantee.OBJECTS_WITHIN_BUDGET):
        forge.write(move("s32", "CompleteManually", to="Complete", outcome="Succeeded", result="x" * 4000))


@pytest.mark.parametrize("size", [2**20 - 1000, 2**20 + 1])
def test_no_object_is_larger_than_a_mebibyte(size: int) -> None:
    forge = Forge(step("a"))
    forge.start()
    meta = {"name": "large", "labels": {c.LABEL_TASK_UID: forge.task()["metadata"]["uid"]}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"x": "x" * size}}
    if size < 2**20:
        forge.server.create(body, user=OPERATOR)
        return
    with breaks(Guarantee.OBJECTS_WITHIN_BUDGET):
        forge.server.create(body, user=OPERATOR)
