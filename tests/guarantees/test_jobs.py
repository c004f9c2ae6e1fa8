"""Of a sub-workflow's Jobs beside what its parent does: what no forged story reaches, since others object before."""

from __future__ import annotations

import pytest

from kubesaga.api import constants as c
from tests.guarantees.attempts import COMPENSATION, FORWARD, Obj
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.jobs import check_not_undone_above
from tests.guarantees.story import Story


def job(role: str = FORWARD, **labels: str) -> Obj:
    """The Job of the child's only step."""
    mine = {c.LABEL_TASK_UID: "uid-c", c.LABEL_STEP: "a", c.LABEL_ROLE: role, c.LABEL_ATTEMPT: "1", **labels}
    return {"metadata": {"name": "j", "labels": mine}}


def parent(phase: str, trigger: str = "Cancelled") -> Obj:
    """A parent that ends."""
    return {
        "metadata": {"name": "t"},
        "status": {"state": "Compensating", "ending": {"phase": phase, "trigger": trigger}},
    }


def child(**record: bool) -> Story:
    """Its child."""
    return Story({"metadata": {"name": "t-a"}, "status": {"steps": [{"name": "a", **record}]}})


def test_no_work_of_a_sub_workflow_begins_while_its_parent_is_undone() -> None:
    (breach,) = check_not_undone_above(parent("Compensating"), child(), job())
    assert breach.guarantee is Guarantee.NO_UNDOING_BESIDE_WORK


@pytest.mark.parametrize(
    ("above", "below", "made"),
    [
        (parent("Quiescing"), child(), job()),
        (parent("Compensating", "Requested"), child(), job()),
        (parent("Compensating"), child(), job(COMPENSATION)),
        (parent("Compensating"), child(), job(**{c.LABEL_FENCE: "true"})),
        (parent("Compensating"), child(final=True), job()),
    ],
)
def test_undoing_below_fences_and_finally_are_not_work(above: Obj, below: Story, made: Obj) -> None:
    assert list(check_not_undone_above(above, below, made)) == []
