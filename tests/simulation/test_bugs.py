"""The checks are checked: each deliberate bug is found by the seeds, and what finds it finds nothing without it."""

from __future__ import annotations

from itertools import chain

import pytest

from kubesaga.api import constants as c
from tests.guarantees.identifiers import Guarantee
from tests.simulation.bugs import BUGS
from tests.simulation.plan import Obj, Outcome, Plan, Submit
from tests.simulation.plans.sowing import sow
from tests.simulation.simulation import play

pytestmark = pytest.mark.slow

SEEDS = 400
"""So many of the first seeds are tried at most."""

FOUND_AS = {
    "no-version-guard": {Guarantee.HISTORY_IS_WHOLE, Guarantee.ATTEMPTS_ONLY_GROW, Guarantee.DONE_WORK_IS_KEPT},
    "job-before-intent": {Guarantee.INTENT_BEFORE_EFFECT},
    "no-quiescing": {Guarantee.NOTHING_RUNS_AFTER_THE_END, Guarantee.NO_UNDOING_BESIDE_WORK},
    "no-fence-for-a-lost-job": {Guarantee.ONE_LIVE_ATTEMPT, Guarantee.NO_UNDOING_BESIDE_WORK},
    "delete-instead-of-parallelism-0": {Guarantee.JOBS_STAY_UNTIL_THE_END},
    "timer-lost-on-restart": {Guarantee.ENDS_OR_NAMES_A_HUMAN},
    "attempts-reset-to-0": {Guarantee.ATTEMPTS_ONLY_GROW},
    "ending-evaluated-again": {Guarantee.DECIDED_END_IS_KEPT},
    "edges-between-compensable-steps-only": {Guarantee.UNDONE_IN_REVERSE},
    "action-applied-twice": {Guarantee.ACTIONS_APPLIED_ONCE},
    "end-of-a-job-without-its-pods-words": {Guarantee.FAILURE_IS_TRUE},
}


def test_every_bug_has_its_guarantees() -> None:
    assert FOUND_AS.keys() == BUGS.keys()


@pytest.mark.parametrize("bug", list(BUGS))
def test_a_deliberate_bug_is_found(bug: str) -> None:
    for plan in chain([saga()], map(sow, range(SEEDS))):
        violation = play(plan, bugs=[bug]).violation
        if violation is not None and violation.guarantee in {str(each) for each in FOUND_AS[bug]}:
            assert play(plan).violation is None, f"{plan.name} finds something without the bug"
            return
    pytest.fail(f"none of {SEEDS} seeds finds it")


def saga() -> Plan:
    """What the seeds have seldom: undoing across a step that has nothing to undo."""
    work: Obj = {"handler": {"callable": "shop.handlers:Work"}}
    undone: Obj = {**work, "compensation": {}}
    steps = [
        {"name": "a", **undone},
        {"name": "b", "dependsOn": ["a"], **work},
        {"name": "c", "dependsOn": ["b"], **undone},
        {"name": "d", "dependsOn": ["c"], **work},
    ]
    head: Obj = {"apiVersion": c.API_VERSION}
    spec = {"version": "1.0.0", "failureStrategy": "Compensate", "defaults": {"image": "shop:1"}, "steps": steps}
    template = {**head, "kind": c.TEMPLATE_KIND, "metadata": {"name": "saga"}, "spec": spec}
    task = {**head, "kind": c.TASK_KIND, "metadata": {"name": "t"}, "spec": {"templateRef": {"name": "saga"}}}
    refused = Outcome(1.0, {"error": {"type": "Refused", "message": "no", "retryable": False}}, 65)
    return Plan("saga", 1, (template,), (Submit(0.0, task),), {"d": (refused,)})
