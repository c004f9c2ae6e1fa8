"""A node that dies with a step on it: nobody can tell whether the step still runs, so a human is asked.

The Tasks are stranded when the session begins, and looked at last: the operator waits for minutes before it asks.
"""

from __future__ import annotations

import pytest

from tests.cluster import tasks
from tests.cluster.cli import Cli
from tests.cluster.dead_node import CANCELLED, DELETED, KEY
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.tasks import TASK

pytestmark = pytest.mark.alone

PATIENCE = 600.0
"""Seconds; a session of these tests alone has to wait for half of them."""

ENDS = [(CANCELLED, ("Cancelled", "Cancelled")), (DELETED, ("Error", "Aborted"))]


@pytest.mark.parametrize(("name", "end"), ENDS)
def test_a_pod_that_is_not_seen_to_stop_is_named_until_a_human_confirms_that_it_has(
    stranded: Kubectl, name: str, end: tuple[str, str]
) -> None:
    found = stranded.until(TASK, name, _asks, "in need of a human", PATIENCE)
    assert not tasks.ended(found)
    (pod,) = stranded.get_all("pods", f"kubesaga.dev/task-uid={found['metadata']['uid']}")
    assert "deletionTimestamp" in pod["metadata"]
    message = tasks.condition(found, "NeedsAttention")["message"]
    assert tasks.name_of(pod) in message
    assert pod["spec"]["nodeSelector"][KEY] in message
    assert "ConfirmStopped" in message
    cli = Cli.of(stranded)
    assert f"kubesaga confirm-stopped {name} work -n {stranded.namespace}" in cli.ok("explain", name)
    assert cli.ok("confirm-stopped", name, "work", "--reason", "its node is gone").startswith("Applied: ")
    found = stranded.until(TASK, name, tasks.ended, "at its end")
    assert tasks.end_of(found) == end
    assert tasks.step(found, "work")["outcomeUnknown"] is True
    assert tasks.condition(found, "NeedsAttention")["status"] == "False"


def _asks(task: Manifest) -> bool:
    return bool(tasks.condition(task, "NeedsAttention").get("reason") == "StepNotStopped")
