"""Plans that broke a guarantee once, each kept as it was found, whatever the seeds come to be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kubesaga.api import constants as c
from tests.simulation.plan import ChangeTask, DeleteJob, Mishap, Obj, Outcome, Plan, Submit
from tests.simulation.simulation import Report, play

WORK: Obj = {"handler": {"callable": "shop.handlers:Work"}}
UNDONE: Obj = {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate", "compensate": True}}


def played(steps: list[Obj], script: Mapping[str, tuple[Outcome, ...]], *mishaps: Mishap, seed: int = 1) -> Report:
    """A Task ``t`` of these steps, on a cluster where nothing else goes wrong."""
    head: Obj = {"apiVersion": c.API_VERSION}
    spec = {"version": "1.0.0", "failureStrategy": "Compensate", "defaults": {"image": "shop:1"}, "steps": steps}
    template = {**head, "kind": c.TEMPLATE_KIND, "metadata": {"name": "work"}, "spec": spec}
    task = {**head, "kind": c.TASK_KIND, "metadata": {"name": "t"}, "spec": {"templateRef": {"name": "work"}}}
    return play(Plan("found", seed, (template,), (Submit(0.0, task),), script, mishaps))


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
