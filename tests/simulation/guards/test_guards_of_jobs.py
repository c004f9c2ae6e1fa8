"""The guards of Jobs and programs, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

import pytest

from kubesaga.api import constants as c
from kubesaga.api.times import rfc3339
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import NAMESPACE, OPERATOR, Forge
from tests.simulation.guards.moves import enqueue, move
from tests.simulation.guards.stories import FINALLY, breaks, step
from tests.simulation.plan import Obj
from tests.simulation.world import EPOCH

STOP = {"reason": "Cancelled", "at": rfc3339(EPOCH), "action": "Cancel"}


def test_no_job_before_its_intent() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    early = Forge(step("a"))
    early.start()
    with breaks(Guarantee.INTENT_BEFORE_EFFECT):
        early.job("a")
    renamed = Forge(step("a"))
    renamed.start(enqueue("a"))
    with breaks(Guarantee.INTENT_BEFORE_EFFECT):
        renamed.job("a", name="another-name")


def test_no_program_before_its_intent() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    with breaks(Guarantee.INTENT_BEFORE_EFFECT):
        forge.run("a", 2)


@pytest.mark.parametrize("said", [True, False])
def test_no_job_is_stopped_before_its_stop_is_on_record(said: bool) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    name = forge.job("a")["metadata"]["name"]
    if said:
        forge.write(move("a", to="Enqueued", silent=True, stop=STOP))
        forge.write(move("a", "Cancel", to="Cancelled", stop=None))  # it has ended by itself meanwhile
        forge.server.merge("jobs", NAMESPACE, name, {"spec": {"parallelism": 0}}, user=OPERATOR)
        return
    with breaks(Guarantee.INTENT_BEFORE_EFFECT):
        forge.server.merge("jobs", NAMESPACE, name, {"spec": {"parallelism": 0}}, user=OPERATOR)


def test_no_child_before_its_intent() -> None:
    def family(*, recorded: bool) -> Forge:
        forge = Forge({"name": "sub", "task": {"templateRef": {"name": "flow"}}})
        forge.start(*([enqueue("sub", childName="t-sub")] if recorded else []))
        return forge

    def labels(forge: Forge) -> Obj:
        return {c.LABEL_PARENT_UID: forge.task()["metadata"]["uid"], c.LABEL_PARENT_STEP: "sub"}

    forge = family(recorded=True)
    forge.create_task("t-sub", labels=labels(forge), user=OPERATOR)
    early = family(recorded=False)
    with breaks(Guarantee.INTENT_BEFORE_EFFECT):
        early.create_task("t-sub", labels=labels(early), user=OPERATOR)


@pytest.mark.parametrize("started", [True, False])
def test_one_child_for_ever(started: bool) -> None:
    forge = Forge({"name": "sub", "task": {"templateRef": {"name": "flow"}}})
    forge.start(enqueue("sub", childName="t-sub"))
    labels = {c.LABEL_PARENT_UID: forge.task()["metadata"]["uid"], c.LABEL_PARENT_STEP: "sub"}
    forge.create_task("t-sub", labels=labels, user=OPERATOR)
    if started:
        forge.write(move("sub", "Start", to="InProgress"))
    forge.server.delete("tasks", NAMESPACE, "t-sub")
    forge.server.merge("tasks", NAMESPACE, "t-sub", {"metadata": {"finalizers": None}})
    if not started:  # it is as if it had never been
        forge.create_task("t-sub", labels=labels, user=OPERATOR)
        return
    with breaks(Guarantee.ONE_JOB_PER_ATTEMPT):
        forge.create_task("t-sub", labels=labels, user=OPERATOR)


def test_one_job_per_attempt() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    name = forge.job("a")["metadata"]["name"]
    forge.server.delete("jobs", NAMESPACE, name, user="human")  # before its start was on record: it may run again
    forge.job("a")
    begun = Forge(step("a"))
    begun.start(enqueue("a"))
    name = begun.job("a")["metadata"]["name"]
    begun.write(move("a", "Start", to="InProgress"))
    begun.server.delete("jobs", NAMESPACE, name, user="human")
    with breaks(Guarantee.ONE_JOB_PER_ATTEMPT):
        begun.job("a")


def test_a_fence_is_no_second_job() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    name = forge.job("a")["metadata"]["name"]
    forge.write(move("a", "Start", to="InProgress"))
    forge.server.delete("jobs", NAMESPACE, name, user="human")
    forge.job("a", fence=True)


RETRY = ("Start", "Failed", "ScheduleRetry")
ERROR = {"type": "Busy", "message": "later", "retryable": True}


def retried(forge: Forge) -> None:
    """The first attempt is seen to fail, and the second is recorded."""
    forge.write(move("a", *RETRY, to="WaitingForRetry", error=ERROR))
    forge.write(move("a", "RetryDue", "Enqueue", to="Enqueued", attempt=2))


@pytest.mark.parametrize("how", ["Failed", "FailureTarget", None])
def test_no_retry_while_the_job_before_may_still_run(how: str | None) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    if how:
        forge.end_job("a", how=how)
        retried(forge)
        forge.job("a", 2)
        return
    retried(forge)
    with breaks(Guarantee.ONE_LIVE_ATTEMPT):
        forge.job("a", 2)


@pytest.mark.parametrize("fenced", [True, False])
def test_no_retry_of_a_lost_job_without_a_fence(fenced: bool) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    name = forge.job("a")["metadata"]["name"]
    forge.server.delete("jobs", NAMESPACE, name, user="human")
    if fenced:
        forge.job("a", fence=True)
        retried(forge)
        forge.job("a", 2)
        return
    retried(forge)
    with breaks(Guarantee.ONE_LIVE_ATTEMPT):
        forge.job("a", 2)


def test_no_program_beside_an_attempt_of_the_same_step() -> None:
    forge = Forge(step("a"), step("b"))
    forge.start(enqueue("a"), enqueue("b"))
    first = forge.run("a")
    forge.run("b")
    forge.finish(first, 1)
    retried(forge)
    forge.run("a", 2)
    beside = Forge(step("a"))
    beside.start(enqueue("a"))
    beside.run("a")
    retried(beside)
    with breaks(Guarantee.ONE_LIVE_ATTEMPT):
        beside.run("a", 2)


def test_what_a_human_confirms_to_be_stopped_counts_as_stopped() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    forge.run("a")
    forge.write(move("a", to="Enqueued", silent=True, confirmedStopped=True))
    retried(forge)
    forge.job("a", 2)
    forge.run("a", 2)


@pytest.mark.parametrize("ended", [True, False])
def test_no_job_is_deleted_before_its_task_has_ended(ended: bool) -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    if ended:
        forge.succeed()
        forge.server.delete("jobs", NAMESPACE, forge.job_name("a"), user=OPERATOR)
        return
    with breaks(Guarantee.JOBS_STAY_UNTIL_THE_END):
        forge.server.delete("jobs", NAMESPACE, forge.job_name("a"), user=OPERATOR)


@pytest.mark.parametrize("number", [1, 2])
def test_when_a_task_was_reopened_what_ran_before_may_still_be_cleaned_up_and_nothing_else(number: int) -> None:
    forge = Forge(step("a"), **FINALLY)
    forge.start()
    forge.fail("a")
    forge.write(
        state="BlockedByFailures",
        by=("StepFinished", "PermanentFailure"),
        ending=forge.ending("Failed", "Finally"),
    )
    forge.do("z")
    forge.end("Error", "GiveUp", "Aborted")
    forge.write(
        move("z", "Rearm", to="Pending", retryBase=1, result=None, outcome=None),
        move("a", "Reset", "Enqueue", to="Enqueued", attempt=2, retryBase=1),
        state="StepsInProcess", by=("Reopen", "StepsReady", "StepsEnqueued"), run=2, ending=None, outcome=None,
        finishedAt=None,
    )  # fmt: skip
    forge.job("a", 2)
    if number == 1:
        forge.server.delete("jobs", NAMESPACE, forge.job_name("a"), user=OPERATOR)
        return
    with breaks(Guarantee.JOBS_STAY_UNTIL_THE_END):
        forge.server.delete("jobs", NAMESPACE, forge.job_name("a", 2), user=OPERATOR)
