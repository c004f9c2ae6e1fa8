"""Plans in which the cleaning after an end met the next run, each kept as it was found."""

from __future__ import annotations

import pytest

from tests.simulation.plan import Act, Outcome, Usurp
from tests.simulation.scenes import DECLINED, SHORTEST, WORK, played


@pytest.mark.parametrize("late", [0.0, 0.03, 0.06])
@pytest.mark.parametrize(("seed", "due"), [(23, 125.703), (52, 125.825), (89, 125.619)])
def test_a_leader_that_has_been_superseded_leaves_the_jobs_of_the_next_run_alone(
    seed: int, due: float, late: float
) -> None:
    retry = {"retry": {"maxAttempts": 1}}
    report = played(
        [{"name": "a", **WORK, **retry}],
        {"a": (DECLINED, Outcome(60.0, {"result": 1}))},
        Usurp(due - 2.5),
        Act(due + late, "t", "Retry", {"step": "a"}),
        seed=seed,
        flags=SHORTEST,
        operators=2,
        template={"failureStrategy": "Abort"},
    )
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 2
