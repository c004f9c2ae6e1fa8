"""Plans that broke a guarantee once, each kept as it was found, whatever the seeds come to be."""

from __future__ import annotations

import pytest

from tests.simulation.plan import (
    Act,
    ChangeTask,
    DelayWatch,
    DeleteJob,
    DeleteTask,
    NoAnswer,
    Outcome,
)
from tests.simulation.scenes import DECLINED, SHORTEST, UNDONE, WORK, played


@pytest.mark.parametrize("seed", range(3))
def test_a_refused_result_is_not_tried_again_beside_a_job_that_is_not_over(seed: int) -> None:
    schema = {"type": "object", "required": ["id"]}
    retry = {"maxAttempts": 2, "backoff": "None", "rules": [{"onErrorTypes": ["*"], "action": "Retry"}]}
    refused, accepted = Outcome(3.0, {"result": {}}), Outcome(0.1, {"result": {"id": 1}})
    report = played(
        [{"name": "a", **WORK, "resultSchema": schema, "retry": retry}], {"a": (refused, accepted)}, seed=seed
    )
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 2


@pytest.mark.parametrize("at", [2.5, 3.0, 3.5, 4.0, 4.5])
def test_nothing_is_undone_beside_the_pod_of_a_job_that_was_deleted_before_its_start_was_recorded(at: float) -> None:
    steps = [{"name": "a", **WORK, "compensation": {}}, {"name": "b", **WORK}]
    script = {"a": (Outcome(0.1, {"result": 1}),), "b": (Outcome(60.0, grace=None),)}
    report = played(steps, script, DeleteJob(at, "t", "b"), ChangeTask(at + 0.01, "t", UNDONE))
    assert report.violation is None
    assert report.ends == {"t": ("Cancelled", "Compensated")}


@pytest.mark.parametrize("nth", range(10, 26))
def test_a_create_that_comes_late_finds_its_name_taken_also_once_its_task_has_ended(nth: int) -> None:
    report = played([{"name": "a", **WORK}], {}, NoAnswer(nth, "late", 60.0, at_once=True), flags=SHORTEST)
    assert report.violation is None
    assert len(report.executions) == 1


@pytest.mark.parametrize("nth", range(20, 28))
def test_what_cleans_up_after_an_end_and_comes_late_leaves_the_next_run_alone(nth: int) -> None:
    works = Outcome(100.0, {"result": 1})
    again = Act(124.8, "t", "Retry", {"step": "a"})
    late = NoAnswer(nth, "late", 45.0, at_once=True)
    report = played([{"name": "a", **WORK}], {"a": (DECLINED, works)}, late, again, flags=SHORTEST)
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}


@pytest.mark.parametrize("policy", ["Delete", "Compensate"])
@pytest.mark.parametrize("nth", range(14, 25))
def test_a_child_that_comes_when_its_parent_is_gone_runs_nothing(nth: int, policy: str) -> None:
    steps = [{"name": "a", "task": {"templateRef": {"name": "part"}}}]
    late = NoAnswer(nth, "late", 60.0, at_once=True)
    report = played(steps, {}, late, flags=SHORTEST, ttlAfterFinished="30s", deletionPolicy=policy)
    assert report.violation is None
    assert len(report.executions) == 1
    assert set(report.ends.values()) <= {("Pending", "")}  # until the next sweep but one


@pytest.mark.parametrize("at", [8.0, 12.0, 16.0])
def test_a_child_that_somebody_deletes_between_two_attempts_is_not_made_anew(at: float) -> None:
    retry = {"maxAttempts": 2, "backoff": "Fixed", "initialInterval": "20s"}
    steps = [{"name": "a", "task": {"templateRef": {"name": "part"}}, "retry": retry}]
    report = played(steps, {"p": (DECLINED,)}, DeleteTask(at, "t/a"))
    assert report.violation is None
    assert report.ends == {"t": ("WaitingForDependencies", "")}
    assert len(report.executions) == 1


@pytest.mark.parametrize("late", [3.0, 20.0, 60.0])
def test_work_that_was_done_is_not_done_again_when_the_watch_of_pods_lags_behind_the_jobs(late: float) -> None:
    report = played([{"name": "a", **WORK}], {}, DelayWatch(1.1, "pods", 60.0, late))
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 1


@pytest.mark.parametrize("late", [5.0, 20.0, 60.0])
def test_work_that_was_stopped_before_its_start_was_heard_of_is_undone(late: float) -> None:
    steps = [{"name": "a", **WORK, "compensation": {"when": "Succeeded"}}]
    script = {"a": (Outcome(600.0),)}
    # So that the pod is gone when it is asked for.
    delays = DelayWatch(1.1, "pods", 60.0, late), DelayWatch(1.1, "jobs", 60.0, 3.0)
    report = played(steps, script, *delays, ChangeTask(2.5, "t", UNDONE))
    assert report.violation is None
    assert report.ends == {"t": ("Cancelled", "Compensated")}
    assert [run.role for run in report.executions] == ["forward", "compensation"]


@pytest.mark.parametrize("at", [3.0, 4.0, 5.0])
def test_work_of_a_pod_that_outlived_its_job_is_not_done_again(at: float) -> None:
    report = played(
        [{"name": "a", **WORK}], {"a": (Outcome(12.0, {"result": 1}),)}, DeleteJob(at, "t", "a", propagation="Orphan")
    )
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 1
