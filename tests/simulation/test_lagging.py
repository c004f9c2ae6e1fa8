"""The seeds once more, on clusters where the watches of Jobs and pods are never in step: each lags by its own time.

Of what ends an attempt one half is heard from either, and on a busy cluster they are seconds apart.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.simulation.plan import DelayWatch, DropWatch, Mishap, Plan
from tests.simulation.plans.sowing import sow
from tests.simulation.simulation import play

pytestmark = pytest.mark.slow

BATCH = 50


def lagging(seed: int) -> Plan:
    """A seed's plan with such watches."""
    dice, plan = Random(seed), sow(seed)
    troubles: list[Mishap] = [
        DelayWatch(dice.uniform(1.1, 30.0), "pods", dice.choice([10.0, 60.0]), dice.choice([1.0, 5.0, 20.0])),
        DelayWatch(dice.uniform(1.1, 10.0), "jobs", 60.0, dice.choice([0.1, 1.0, 3.0, 20.0])),
    ]
    if dice.random() < 0.5:
        troubles.append(DropWatch(dice.uniform(1.1, 20.0), "pods", compacted=True))
    return replace(plan, name=f"{plan.name} lagging", mishaps=(*plan.mishaps, *troubles))


@pytest.mark.parametrize("first", range(0, 200, BATCH))
def test_every_guarantee_holds_however_far_jobs_and_pods_are_apart(first: int) -> None:
    found = {seed: play(lagging(seed)).violation for seed in range(first, first + BATCH)}
    assert {seed: str(violation) for seed, violation in found.items() if violation} == {}
