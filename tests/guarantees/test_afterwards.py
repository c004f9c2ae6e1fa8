"""What is seen afterwards: the evidence of a good run, and the same with one thing doctored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.api.times import rfc3339
from kubesaga.engine.identity import idempotency_key
from kubesaga.engine.vocabulary import Role
from tests.guarantees.afterwards import Evidence, check, doubled
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import Forge
from tests.simulation.guards.moves import done, enqueue, move
from tests.simulation.guards.stories import UNDO, failing, step, undo, undo_step, undone
from tests.simulation.plan import Obj
from tests.simulation.world import EPOCH

JOB_NAME = "batch.kubernetes.io/job-name"

Program = tuple[str, int, str, float, int]
"""Step, attempt, role, when it began, and the code with which it ended two seconds later."""
PROGRAMS: tuple[Program, ...] = (("a", 1, "forward", 1.0, 0), ("c", 1, "forward", 5.0, 1), ("a", 1, UNDO, 9.0, 0))


def compensated() -> Forge:
    """Step a was done, step c after it failed, and a was undone."""
    forge = failing(undone("a"), step("c", "a"))
    undo(forge, ("a", ()))
    undo_step(forge, "a")
    forge.end("Error", "CompensationDone", "Compensated")
    return forge


def one_step() -> Forge:
    """A Task of one step that was done."""
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    forge.succeed()
    return forge


def pod(forge: Forge, program: Program, *, key: str = "", message: str = "", runs: bool = False) -> Obj:
    """A program's pod."""
    name, number, role, at, code = program
    uid, job = forge.task()["metadata"]["uid"], forge.job_name(name, number, role)
    given = {"idempotencyKey": key or idempotency_key(uid, name)}
    if role == UNDO:
        given["compensationKey"] = idempotency_key(uid, name, Role.COMPENSATION)
    env = {c.ENV_IDEMPOTENCY_KEY: given["idempotencyKey"], c.ENV_INPUT: json.dumps(given)}
    said = message or (json.dumps({"result": {"step": name}}) if code == 0 else "")
    began = {"startedAt": rfc3339(EPOCH + at)}
    ended = {**began, "finishedAt": rfc3339(EPOCH + at + 2), "exitCode": code, "message": said}
    container = {"name": c.MAIN_CONTAINER, "env": [{"name": name, "value": value} for name, value in env.items()]}
    state = {"running": began} if runs else {"terminated": ended}
    labels = {c.LABEL_TASK_UID: uid, c.LABEL_STEP: name, c.LABEL_ROLE: role, c.LABEL_ATTEMPT: str(number)}
    return {
        "metadata": {"name": f"{job}-{at:g}", "namespace": "default", "labels": {**labels, JOB_NAME: job}},
        "spec": {"nodeName": "node-0", "containers": [container]},
        "status": {"containerStatuses": [{"name": c.MAIN_CONTAINER, "state": state}]},
    }


def pods(forge: Forge, *programs: Program) -> list[Obj]:
    """The pods of these programs."""
    return [pod(forge, program) for program in programs]


def evidence(forge: Forge, **changes: Any) -> Evidence:
    """What is left of the run."""
    everything: dict[str, Any] = {
        "tasks": forge.server.all("tasks"),
        "jobs": forge.server.all("jobs"),
        "pods": pods(forge, *PROGRAMS),
        "config_maps": forge.server.all("configmaps"),
        "revisions": forge.server.all("controllerrevisions"),
        "actions": forge.server.all("taskactions"),
        "now": EPOCH + 100,
    }
    return Evidence(**{**everything, **changes})


def shows(guarantee: Guarantee, doctored: Evidence) -> None:
    """The evidence has breaches, all of this guarantee."""
    found = check(doctored)
    assert {breach.guarantee for breach in found} == {guarantee}, [str(breach) for breach in found]


def changed(task: Obj, **fields: Any) -> Obj:
    """A Task with another status."""
    return {**task, "status": {**task["status"], **fields}}


@pytest.fixture(scope="module")
def forge() -> Forge:
    return compensated()


def test_a_good_run_shows_no_breach(forge: Forge) -> None:
    assert check(evidence(forge)) == []


def test_jobs_that_are_too_many_are_seen(forge: Forge) -> None:
    first, *others = forge.server.all("jobs")
    twin = {**first, "metadata": {**first["metadata"], "uid": "another", "name": "another"}}
    shows(Guarantee.ONE_JOB_PER_ATTEMPT, evidence(forge, jobs=[first, twin, *others]))
    labels = {**first["metadata"]["labels"], c.LABEL_ATTEMPT: "7"}
    unknown = {**first, "metadata": {**first["metadata"], "uid": "another", "labels": labels}}
    shows(Guarantee.INTENT_BEFORE_EFFECT, evidence(forge, jobs=[first, unknown, *others]))


def test_a_job_that_is_not_over_is_seen(forge: Forge) -> None:
    first, *others = forge.server.all("jobs")
    shows(Guarantee.NOTHING_RUNS_AFTER_THE_END, evidence(forge, jobs=[{**first, "status": {"active": 1}}, *others]))


def test_a_program_that_still_runs_is_seen(forge: Forge) -> None:
    goes_on = [*pods(forge, *PROGRAMS), pod(forge, ("a", 1, UNDO, 30.0, 0), runs=True)]
    shows(Guarantee.NOTHING_RUNS_AFTER_THE_END, evidence(forge, pods=goes_on))


def test_a_container_that_could_not_be_started_did_not_run(forge: Forge) -> None:
    never = pod(forge, ("c", 1, "forward", -EPOCH, 128))
    times = never["status"]["containerStatuses"][0]["state"]["terminated"]
    times["startedAt"] = "1970-01-01T00:00:00Z"  # as the kubelet writes it
    assert check(evidence(forge, pods=[never, *pods(forge, *PROGRAMS)])) == []


def test_programs_side_by_side_are_seen(forge: Forge) -> None:
    twice = pods(forge, *PROGRAMS, ("a", 1, "forward", 2.0, 0))
    twice[-1]["metadata"]["labels"][JOB_NAME] += "-2"
    shows(Guarantee.ONE_LIVE_ATTEMPT, evidence(forge, pods=twice))
    early = pods(forge, *PROGRAMS[:2], ("a", 1, UNDO, 6.0, 0))
    shows(Guarantee.NO_UNDOING_BESIDE_WORK, evidence(forge, pods=early))


def test_two_pods_that_kubernetes_made_for_one_job_are_an_exception(forge: Forge) -> None:
    twice = pods(forge, *PROGRAMS, ("a", 1, "forward", 2.0, 0))
    assert check(evidence(forge, pods=twice)) == []
    assert [attempt.step for attempt in doubled(twice)] == ["a"]
    assert doubled(pods(forge, *PROGRAMS, ("a", 1, "forward", 9.0, 0))) == []


def test_a_stop_that_a_human_confirmed_is_an_exception(forge: Forge) -> None:
    twice = pods(forge, *PROGRAMS, ("a", 1, "forward", 2.0, 0))
    twice[-1]["metadata"]["labels"][JOB_NAME] += "-2"
    confirmed = {"uid": "u", "name": "gone", "type": "ConfirmStopped", "step": "a", "at": rfc3339(EPOCH)}
    assert check(evidence(forge, tasks=[changed(forge.task(), actions=[confirmed])], pods=twice)) == []


def test_a_program_that_came_too_early_is_seen(forge: Forge) -> None:
    hasty = pods(forge, ("c", 1, "forward", 1.0, 1), ("a", 1, "forward", 5.0, 0), PROGRAMS[2])
    shows(Guarantee.DEPENDENCIES_FIRST, evidence(forge, pods=hasty))


def test_undoing_in_the_wrong_order_is_seen() -> None:
    forge = failing(undone("a"), undone("b", "a"), step("c", "b"))
    undo(forge, ("b", ()), ("a", ("b",)))
    undo_step(forge, "b")
    undo_step(forge, "a")
    forge.end("Error", "CompensationDone", "Compensated")
    forward = (("a", 1, "forward", 1.0, 0), ("b", 1, "forward", 5.0, 0), ("c", 1, "forward", 9.0, 1))
    reverse = pods(forge, *forward, ("b", 1, UNDO, 20.0, 0), ("a", 1, UNDO, 25.0, 0))
    assert check(evidence(forge, pods=reverse)) == []
    straight = pods(forge, *forward, ("a", 1, UNDO, 20.0, 0), ("b", 1, UNDO, 25.0, 0))
    shows(Guarantee.UNDONE_IN_REVERSE, evidence(forge, pods=straight))


def test_work_that_nobody_undid_is_seen(forge: Forge) -> None:
    once_more = pods(forge, *PROGRAMS, ("a", 1, "forward", 30.0, 0))
    shows(Guarantee.DUE_UNDOING_DONE_OR_NAMED, evidence(forge, pods=once_more))


@pytest.mark.parametrize(("code", "message"), [(1, ""), (0, '{"result": 7}')])
def test_a_success_that_was_none_is_seen(code: int, message: str) -> None:
    forge = one_step()
    assert check(evidence(forge, pods=pods(forge, PROGRAMS[0]))) == []
    another = pod(forge, ("a", 1, "forward", 1.0, code), message=message)
    shows(Guarantee.SUCCESS_IS_TRUE, evidence(forge, pods=[another]))


def test_what_is_due_and_neither_done_nor_planned_is_seen(forge: Forge) -> None:
    task = forge.task()
    shows(Guarantee.DUE_UNDOING_DONE_OR_NAMED, evidence(forge, tasks=[changed(task, compensation=None)]))
    decided = {**task["status"]["ending"], "compensate": False}
    shows(Guarantee.DUE_UNDOING_DONE_OR_NAMED, evidence(forge, tasks=[changed(task, ending=decided)]))


def test_a_key_that_changes_is_seen(forge: Forge) -> None:
    doctored = [pod(forge, PROGRAMS[0], key="another"), *pods(forge, *PROGRAMS[1:])]
    shows(Guarantee.KEY_NEVER_CHANGES, evidence(forge, pods=doctored))


@pytest.mark.parametrize("lost", [slice(0, 1), slice(1, 2), slice(-1, None)])
def test_a_gap_in_the_history_is_seen(forge: Forge, lost: slice) -> None:
    entries = list(forge.task()["status"]["transitions"])
    del entries[lost]
    shows(Guarantee.HISTORY_IS_WHOLE, evidence(forge, tasks=[changed(forge.task(), transitions=entries)]))


def test_a_task_that_waits_in_silence_is_seen() -> None:
    forge = Forge(step("a"))
    forge.start()
    shows(Guarantee.ENDS_OR_NAMES_A_HUMAN, evidence(forge, pods=[]))


def test_an_action_that_was_rejected_and_has_its_effect_is_seen() -> None:
    forge = one_step()
    action = {**forge.act("again", "Retry", step="a"), "status": {"phase": "Rejected"}}
    assert check(evidence(forge, pods=pods(forge, PROGRAMS[0]), actions=[action])) == []
    task = changed(forge.task(), actions=[forge.record(action)])
    doctored = evidence(forge, tasks=[task], pods=pods(forge, PROGRAMS[0]), actions=[action])
    shows(Guarantee.ACTIONS_APPLIED_ONCE, doctored)


def test_what_is_left_of_a_task_that_is_gone_is_seen(forge: Forge) -> None:
    shows(Guarantee.DEPENDENTS_GO_WITH_THEIR_TASK, evidence(forge, tasks=[]))


def test_an_object_that_is_too_large_is_seen(forge: Forge) -> None:
    large = {"metadata": {"name": "large", "namespace": "default"}, "data": {"x": "x" * 2**20}}
    shows(Guarantee.OBJECTS_WITHIN_BUDGET, evidence(forge, config_maps=[large]))


def test_work_that_was_done_and_made_again_is_seen() -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    forge.job("a")
    forge.end_job("a", how="Failed")
    forge.write(move("a", "Start", "Failed", "ScheduleRetry", to="WaitingForRetry"))
    forge.write(move("a", "RetryDue", "Enqueue", to="Enqueued", attempt=2))
    forge.work("a", 2)
    forge.write(done("a"))
    forge.succeed()
    second = ("a", 2, "forward", 5.0, 0)
    assert check(evidence(forge, pods=pods(forge, ("a", 1, "forward", 1.0, 1), second))) == []
    shows(Guarantee.FAILURE_IS_TRUE, evidence(forge, pods=pods(forge, ("a", 1, "forward", 1.0, 0), second)))
