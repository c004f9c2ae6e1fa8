"""The same request does not run twice at once, although its first Task is deleted while a pod of it has its grace."""

from __future__ import annotations

from typing import Literal

import pytest

from kubesaga.api import constants as c
from tests.simulation.plan import DeleteTask, Obj, Outcome, Plan, Submit
from tests.simulation.scenes import WORK
from tests.simulation.simulation import Report, play

Propagation = Literal["Background", "Foreground"]
SLOW = {"pay": (Outcome(30.0, {"result": 1}, grace=8.0),)}


def _object(kind: str, name: str, spec: Obj) -> Obj:
    return {"apiVersion": c.API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _template(name: str, step: Obj, **spec: str) -> Obj:
    whole = {"version": "1.0.0", "defaults": {"image": "shop:1"}, "steps": [step], **spec}
    return _object(c.TEMPLATE_KIND, name, whole)


def _again(strategy: str, propagation: Propagation, at: float, *templates: Obj) -> Report:
    """A Task is deleted in second 8, and the same is asked for again."""
    wanted = {"templateRef": {"name": "flow"}, "idempotencyKey": "k", "deletionPolicy": "Delete"}
    tasks = (Submit(0.0, _object(c.TASK_KIND, "t1", wanted)), Submit(at, _object(c.TASK_KIND, "t2", wanted)))
    mishap = DeleteTask(8.0, "t1", propagation)
    return play(Plan(f"found-{strategy}", 1, templates, tasks, SLOW, (mishap,)))


def _assert_one_after_the_other(report: Report) -> None:
    assert report.violation is None
    assert report.ends["t2"] == ("Complete", "Succeeded")
    first, second = report.executions
    assert first.ended is not None
    assert second.started > first.ended


@pytest.mark.parametrize("strategy", ["Strict", "CallerProvided"])
@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
@pytest.mark.parametrize("at", [8.5, 10.0])
def test_the_same_request_waits_until_the_work_of_a_deleted_task_is_over(
    strategy: str, propagation: Propagation, at: float
) -> None:
    flow = _template("flow", {"name": "pay", **WORK}, identityStrategy=strategy)
    _assert_one_after_the_other(_again(strategy, propagation, at, flow))


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_the_work_of_a_deleted_tasks_children_counts_too(propagation: Propagation) -> None:
    above = {"name": "sub", "task": {"templateRef": {"name": "part"}}}
    flow = _template("flow", above, identityStrategy="CallerProvided")
    part = _template("part", {"name": "pay", **WORK})
    _assert_one_after_the_other(_again("CallerProvided", propagation, 9.0, flow, part))
