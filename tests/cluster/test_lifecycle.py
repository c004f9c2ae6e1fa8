"""Staleness on a real cluster: marked so that it can be found, failed only where the template says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubesaga.api.constants import LABEL_DEAD_LETTER
from tests.cluster import tasks
from tests.cluster.actions import act
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.moments import until_step
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, sh

WAITING: Manifest = {"name": "sign", "approval": {}}


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    return [
        *tasks.workflow("marked", WAITING, lifecycle={"waitingForDependencies": "2s"}),
        *tasks.workflow("failed", WAITING, lifecycle={"total": "2s", "action": "Fail"}),
        *tasks.workflow(
            "undone",
            sh("work", "true", compensation={"container": {"command": ["true"]}}),
            {**WAITING, "dependsOn": ["work"]},
            lifecycle={"waitingForDependencies": "2s", "action": "Fail"},  # which it does once `work` is done
            failureStrategy="Compensate",
        ),
        *tasks.workflow("patient", WAITING),
    ]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        yield own


def _dead_letters(kubectl: Kubectl) -> set[str]:
    return {tasks.name_of(task) for task in kubectl.get_all(TASK, f"{LABEL_DEAD_LETTER}=true")}


def test_a_task_that_waits_too_long_is_marked_until_it_goes_on(kubectl: Kubectl) -> None:
    stale = kubectl.until(TASK, "marked", lambda t: tasks.condition(t, "Stale").get("status") == "True", "stale")
    assert stale["status"]["state"] == "WaitingForDependencies"
    kubectl.until_listed(
        TASK, f"{LABEL_DEAD_LETTER}=true", lambda found: "marked" in map(tasks.name_of, found), "labelled"
    )
    assert "patient" not in _dead_letters(kubectl)
    assert act(kubectl, "marked", "Approve", "sign")[0] == "Applied"
    assert tasks.end_of(kubectl.until(TASK, "marked", tasks.ended, "at its end")) == ("Complete", "Succeeded")
    kubectl.until(TASK, "marked", lambda t: LABEL_DEAD_LETTER not in t["metadata"].get("labels", {}), "unmarked")


def test_a_stale_task_fails_where_its_template_says_so(kubectl: Kubectl) -> None:
    found = kubectl.until(TASK, "failed", tasks.ended, "at its end")
    assert tasks.end_of(found) == ("Error", "Failed")
    assert "lifecycle" in found["status"]["message"]


def test_a_stale_task_that_fails_is_undone_where_its_template_compensates(kubectl: Kubectl) -> None:
    found = kubectl.until(TASK, "undone", tasks.ended, "at its end")
    assert tasks.end_of(found) == ("Error", "Compensated")


def test_a_long_wait_is_never_failed_by_default(kubectl: Kubectl) -> None:
    kubectl.until(TASK, "failed", tasks.ended, "at its end")
    found = until_step(kubectl, "patient", "sign", "InProgress")
    assert found["status"]["state"] == "WaitingForDependencies"
    assert tasks.condition(found, "Stale")["status"] == "False"
