"""The crash sweep over the examples: the operator dies at each call, and nothing comes out otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.simulation.driving.sweep import Undisturbed, differences, pairs_of_crashes, single_crashes, undisturbed
from tests.simulation.plan import Plan
from tests.simulation.plans.examples import SCRIPTS, ending_of, plans

PLANS = {plan.name: plan for plan in plans()}
PAIRS = 8
QUICK = "order-fulfillment/order-compensated"
"""What is swept at every ``make check``, in part."""


@cache
def _good(name: str) -> Undisturbed:
    """How the plan goes when nobody dies; once in each process."""
    return undisturbed(PLANS[name])


def _parts(parts: int) -> Iterator[object]:
    """Each plan in some parts, so that all cores have their share."""
    for name, plan in PLANS.items():
        for part in range(parts):
            yield pytest.param(plan, part, parts, id=f"{name}-{part + 1} of {parts}")


@pytest.mark.parametrize("plan", list(PLANS.values()), ids=list(PLANS))
def test_undisturbed_the_example_ends_as_its_golden_history(plan: Plan) -> None:
    task = plan.submits[0].task["metadata"]["name"]
    assert _good(plan.name).ends[task] == ending_of(plan)


def test_every_task_of_the_examples_is_played() -> None:
    assert {plan.submits[0].task["metadata"]["name"] for plan in PLANS.values()} == set(SCRIPTS)


def test_a_saga_survives_the_operators_death_at_some_of_its_calls() -> None:
    good = _good(QUICK)
    assert differences(good, list(single_crashes(good.calls))[::9]) == []


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "part", "parts"), list(_parts(4)))
def test_it_survives_the_operators_death_at_each_call(plan: Plan, part: int, parts: int) -> None:
    good = _good(plan.name)
    assert good.calls > 15
    assert differences(good, list(single_crashes(good.calls))[part::parts]) == []


@pytest.mark.slow
@pytest.mark.parametrize("plan", list(PLANS.values()), ids=list(PLANS))
def test_it_survives_two_deaths(plan: Plan) -> None:
    good = _good(plan.name)
    assert differences(good, pairs_of_crashes(good.calls, PAIRS, plan.name)) == []
