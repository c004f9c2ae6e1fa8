"""What happens when: a plan drawn from a seed, so that the same one can be had again.

Which pod a fault strikes depends on what runs at that moment; the plan has a number that chooses among them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.examples import ORDERS, Example

IN_FIVE_MINUTES: Mapping[str, int] = {
    "step-killed": 9,
    "step-deleted": 6,
    "step-evicted": 4,
    "operator-killed": 4,
    "operator-deleted": 3,
    "kubelet-killed": 3,
    "containerd-killed": 3,
    "api-server-killed": 3,
    "api-server-restarted": 1,
    "etcd-killed": 2,
    "controllers-killed": 2,
    "scheduler-killed": 2,
    "warehouse-killed": 2,
}
"""How often each kind of fault strikes in five minutes; in a shorter time less often, but at least once."""

MINUTES = 5
LONGEST_AWAY = 6.0
"""Seconds for which a part of the cluster stays away at most, before it is started again."""
ORDERS_SHARE = 3
"""How many times as many copies an order gets as any other Task: their effects are the richest."""
SHARE = 0.9
"""Of the time, in which the Tasks are submitted, so that the last ones meet some chaos too."""
CANCELLED = 0.1
"""The share of orders that their customers cancel while they are under way, perhaps."""


@dataclass(frozen=True)
class Fault:
    """One mishap. `at` is in seconds; `away` for how long what was struck stays away; `choice` is in [0, 1)."""

    at: float
    kind: str
    away: float
    choice: float


@dataclass(frozen=True)
class Submission:
    """One Task; `cancelled_after` is in seconds after its submission, None for never."""

    at: float
    number: int
    example: Example
    cancelled_after: float | None


@dataclass(frozen=True)
class Plan:
    """Everything that the run does by itself; `seconds` is how long chaos lasts."""

    seed: int
    seconds: float
    faults: tuple[Fault, ...]
    submissions: tuple[Submission, ...]


def draw(seed: int, minutes: float, tasks: int, examples: Sequence[Example]) -> Plan:
    """The plan of that seed."""
    seconds = minutes * 60
    faults = _faults(Random(f"{seed}/faults"), seconds)
    return Plan(seed, seconds, faults, _submissions(Random(f"{seed}/tasks"), seconds, tasks, examples))


def _faults(random: Random, seconds: float) -> tuple[Fault, ...]:
    """All of them shuffled, one in each of as many equal parts of the time; the first seconds are left in peace."""
    kinds = [kind for kind, count in IN_FIVE_MINUTES.items() for _ in range(_scaled(count, seconds))]
    random.shuffle(kinds)
    quiet = min(5.0, seconds / 10)
    width = (seconds - quiet) / len(kinds)
    return tuple(
        Fault(quiet + (i + random.random()) * width, kind, random.uniform(0, LONGEST_AWAY), random.random())
        for i, kind in enumerate(kinds)
    )


def _scaled(count: int, seconds: float) -> int:
    return max(1, round(count * seconds / (MINUTES * 60)))


def _submissions(random: Random, seconds: float, tasks: int, examples: Sequence[Example]) -> tuple[Submission, ...]:
    """At even distances, in an order in which every kind comes about as often among the first as among the last."""
    deck = [example for example in examples for _ in range(ORDERS_SHARE if example.folder == ORDERS else 1)]
    drawn: list[Example] = []
    for _ in range(math.ceil(tasks / len(deck))):
        random.shuffle(deck)
        drawn += deck
    return tuple(
        Submission(seconds * SHARE * i / tasks, i, example, _cancelled_after(random, example))
        for i, example in enumerate(drawn[:tasks])
    )


def _cancelled_after(random: Random, example: Example) -> float | None:
    chance, after = random.random(), random.uniform(2, 30)
    return after if example.folder == ORDERS and chance < CANCELLED else None
