"""Plans in which a sub-workflow began to run again just as its parent went on without it, each kept as it was found.

The moments are those around the parent's decision; the window of each is a few hundredths of a second.
"""

from __future__ import annotations

import pytest

from tests.simulation.plan import Act, ChangeTask, DelayWatch, Obj, Outcome, Usurp
from tests.simulation.scenes import DECLINED, UNDONE, WORK, played

pytestmark = pytest.mark.slow

RETRY: Obj = {"maxAttempts": 2, "backoff": "Fixed", "initialInterval": "20s"}
AGAIN = (DECLINED, Outcome(30.0, {"result": 1}))
PART: Obj = {"failureStrategy": "Abort", "steps": [{"name": "p", **WORK, "compensation": {}}]}
CHILD: Obj = {"name": "a", "task": {"templateRef": {"name": "part"}}}
BESIDE = [{"name": "z", **WORK, "compensation": {}}, {**CHILD, "dependsOn": ["z"], "retry": {"maxAttempts": 1}}]


@pytest.mark.parametrize("after", [0.0, 0.005, 0.01, 0.015, 0.02, 0.025])
@pytest.mark.parametrize("undo", [None, WORK])
def test_a_child_that_its_parent_is_about_to_try_again_does_not_run_once_the_parent_is_cancelled(
    after: float, undo: Obj | None
) -> None:
    step = {**CHILD, "retry": RETRY, **({"compensation": undo} if undo else {})}
    report = played([step], {"p": AGAIN}, ChangeTask(24.893 + after, "t", UNDONE), part=PART)
    assert report.violation is None
    assert report.ends["t"] == ("Cancelled", "Compensated")


@pytest.mark.parametrize("before", [0.015, 0.01, 0.005, 0.0, -0.005, -0.01])
@pytest.mark.parametrize("action", ["Complete", "Skip"])
def test_a_child_does_not_run_beside_what_follows_the_step_that_somebody_completed(before: float, action: str) -> None:
    follows = {"name": "n", **WORK, "dependsOn": ["a"]}
    steps = [{**CHILD, "retry": RETRY, "skippable": True}, follows]
    script = {"p": AGAIN, "n": (Outcome(60.0, {"result": 1}),)}
    report = played(steps, script, Act(24.893 - before, "t", action, {"step": "a"}), part=PART)
    assert report.violation is None
    assert report.ends["t"] == ("Complete", "Succeeded")
    assert [run.step for run in report.executions if run.code == 0] == ["n"]


@pytest.mark.parametrize("before", [0.06, 0.05, 0.045, 0.04, 0.03, 0.02, 0.01])
def test_a_child_that_somebody_takes_up_again_does_not_run_once_its_parent_is_given_up(before: float) -> None:
    template = {"blockedTimeout": "5s"}
    report = played(BESIDE, {"p": AGAIN}, Act(10.834 - before, "t/a", "Retry"), template=template, part=PART)
    assert report.violation is None
    assert report.ends["t"] == ("Error", "Compensated")


@pytest.mark.parametrize("before", [2.0, 4.0, 6.0])
def test_a_new_leader_does_not_give_up_beside_a_child_of_which_it_has_not_heard_that_it_runs(before: float) -> None:
    template, at = {"blockedTimeout": "30s"}, 35.854 - before
    late = DelayWatch(8.0, "tasks", 120.0, 20.0)
    mishaps = late, Act(at, "t/a", "Retry"), Usurp(at + 1.0)
    report = played(BESIDE, {"p": AGAIN}, *mishaps, template=template, part=PART, operators=2)
    assert report.violation is None
    assert report.ends["t"] == ("Error", "Compensated")
