"""One seed is one exact run: again in the same process, in another one, and whatever Python's hashes are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from hack.cluster.paths import CHECKOUT
from tests.simulation.plans.sowing import THEMES, sow
from tests.simulation.simulation import play

_PROGRAM = """
import sys
from tests.simulation.simulation import play
from tests.simulation.plans.sowing import sow
for seed in map(int, sys.argv[1:]):
    print(seed, play(sow(seed)).digest)
"""


def _seeds() -> list[int]:
    """One of each theme, and some that watch by kopf."""
    by_theme = {sow(seed).name.partition(": ")[2]: seed for seed in range(300) if sow(seed).mishaps}
    kopf = [seed for seed in range(100) if sow(seed).feed == "kopf"][:4]
    return [*sorted(by_theme.values()), *kopf]


def _digests(hash_seed: str, seeds: list[int]) -> Mapping[int, str]:
    paths = os.pathsep.join(str(CHECKOUT / path) for path in ("operator", "handlers_image", "."))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths}
    command = [sys.executable, "-c", _PROGRAM, *map(str, seeds)]
    done = subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return {int(seed): digest for seed, digest in map(str.split, done.stdout.splitlines())}


def test_a_seed_runs_twice_alike_and_two_seeds_do_not() -> None:
    digests = [[play(sow(seed)).digest for seed in range(3)] for _ in range(2)]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 3


def test_the_digest_sees_what_differs() -> None:
    plan = sow(3)
    assert play(plan).digest != play(replace(plan, seed=plan.seed + 1)).digest


@pytest.mark.slow
def test_runs_do_not_depend_on_hashes_nor_on_what_ran_before() -> None:
    seeds = _seeds()
    assert len(seeds) >= len(THEMES)
    first = _digests("0", seeds)
    assert first == _digests("1", seeds)
    assert first == _digests("12345", seeds[::-1])
