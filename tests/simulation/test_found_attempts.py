"""Plans in which an attempt was judged by what had not been heard of it yet, each kept as it was found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.plan import ChangeTask, DelayWatch, DeleteJob, Outcome
from tests.simulation.scenes import DECLINED, UNDONE, WORK, played

LATE = DelayWatch(1.1, "pods", 60.0, 5.0)
UNDOABLE = {"name": "a", **WORK, "compensation": {"when": "Succeeded"}}
CANCELLED = {"t": ("Cancelled", "Compensated")}


@pytest.mark.parametrize("late", [15.0, 40.0])
def test_work_that_runs_is_not_given_up_for_not_starting_where_its_pod_has_not_been_heard_of(late: float) -> None:
    steps = [{"name": "a", **WORK, "startTimeout": "10s", "retry": {"maxAttempts": 3, "backoff": "None"}}]
    report = played(steps, {"a": (Outcome(20.0, {"result": 1}),)}, DelayWatch(1.1, "pods", 120.0, late))
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 1


@pytest.mark.parametrize(
    ("deleted", "cancelled"), [(2.0, 2.02), (2.5, 2.52), (3.0, 3.02), (3.5, 3.52), (3.2, 3.0), (3.6, 3.0), (4.0, 3.0)]
)
@pytest.mark.parametrize("pods_are_late", [False, True])
def test_work_under_a_job_deleted_before_its_start_was_recorded_is_undone(
    deleted: float, cancelled: float, pods_are_late: bool
) -> None:
    mishaps = DeleteJob(deleted, "t", "a"), ChangeTask(cancelled, "t", UNDONE), *([LATE] if pods_are_late else ())
    report = played([UNDOABLE], {"a": (Outcome(10.0),)}, *mishaps)
    assert report.violation is None
    assert report.ends == CANCELLED
    assert [run.role for run in report.executions] == ["forward", "compensation"]


@pytest.mark.parametrize("seconds", [1.0, 10.0])
@pytest.mark.parametrize("at", [1.6, 2.5, 3.0])
def test_work_of_an_unheard_pod_that_outlived_its_job_is_over_before_it_is_undone(at: float, seconds: float) -> None:
    orphaned = DeleteJob(at, "t", "a", propagation="Orphan")
    report = played(
        [UNDOABLE], {"a": (Outcome(seconds, {"result": 1}),)}, orphaned, ChangeTask(at + 0.02, "t", UNDONE), LATE
    )
    assert report.violation is None
    assert report.ends == CANCELLED
    assert [run.role for run in report.executions] == ["forward", "compensation"]


@pytest.mark.parametrize("pods_are_late", [False, True])
@pytest.mark.parametrize("at", [1.6, 2.0, 3.0])
def test_quick_work_of_a_pod_that_outlived_its_job_is_not_done_again(at: float, pods_are_late: bool) -> None:
    orphaned = DeleteJob(at, "t", "a", propagation="Orphan")
    report = played(
        [{"name": "a", **WORK}],
        {"a": (Outcome(1.0, {"result": 1}),)},
        orphaned,
        *([LATE] if pods_are_late else ()),
    )
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 1


@pytest.mark.parametrize("at", [2.5, 4.0, 6.0])
def test_why_a_pod_that_outlived_its_job_failed_is_heard(at: float) -> None:
    declined = replace(DECLINED, seconds=10.0)
    report = played([{"name": "a", **WORK}], {"a": (declined,)}, DeleteJob(at, "t", "a", propagation="Orphan"))
    assert report.violation is None
    assert report.ends == {"t": ("Error", "Aborted")}
    assert len(report.executions) == 1
