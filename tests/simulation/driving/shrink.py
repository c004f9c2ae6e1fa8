"""From a plan that breaks a guarantee to a small one that still breaks it: delta debugging.

Mishaps go first, since those that are left can be named on the command line; then Tasks, steps, script and settings; at
last the numbers are made round. The same plan is always shrunk the same way, in a bounded number of runs. Called by
``python -m tests.simulation`` for every plan that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from tests.simulation.plan import Mishap, Plan
from tests.simulation.plans.simpler import simpler_plans

T = TypeVar("T")

Fails = Callable[[Plan], bool]
"""Whether a plan still breaks the guarantee in question."""


@dataclass(frozen=True)
class Shrunk:
    """``kept``: which of the original plan's mishaps are enough, all else as it was; ``plan``: the smallest found."""

    kept: tuple[int, ...]
    plan: Plan
    runs: int


def shrink(plan: Plan, fails: Fails, most_runs: int = 300) -> Shrunk:
    """The smallest plan that fails among those that are tried; ``plan`` itself is known to fail."""
    tries = _Tries(fails, most_runs)
    kept = _fewest(tuple(range(len(plan.mishaps))), lambda these: tries.fails(only(plan, these)))
    smallest = only(plan, kept)
    while (simpler := _simplified(smallest, tries)) is not smallest:
        smallest = simpler
    return Shrunk(kept, smallest, tries.done)


def only(plan: Plan, kept: Sequence[int]) -> Plan:
    """The plan with these of its mishaps, by their places."""
    mishaps: tuple[Mishap, ...] = tuple(plan.mishaps[i] for i in kept)
    return replace(plan, mishaps=mishaps)


def _simplified(plan: Plan, tries: _Tries) -> Plan:
    """The plan after every simplification has had its turn once; the plan itself if none holds."""
    place = 0
    while (candidate := next(islice(simpler_plans(plan), place, None), None)) is not None:
        if tries.fails(candidate):
            plan = candidate  # what now stands in this place is another one
        else:
            place += 1
    return plan


class _Tries:
    """Runs plans, each once, until there have been enough."""

    def __init__(self, fails: Fails, most: int) -> None:
        self.done = 0
        self._fails = fails
        self._most = most

    def fails(self, plan: Plan) -> bool:
        """Whether it fails; when there have been enough runs, none does."""
        if self.done >= self._most:
            return False
        self.done += 1
        return self._fails(plan)


def _fewest(items: tuple[T, ...], suffice: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """A subset that suffices and of which no part can be left out: Zeller's ddmin."""
    if items and suffice(()):
        return ()
    parts = 2
    while len(items) > 1:
        for rest in _without_a_part(items, min(parts, len(items))):
            if suffice(rest):
                items, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(items):
                break
            parts *= 2
    return items


def _without_a_part(items: tuple[T, ...], parts: int) -> Iterator[tuple[T, ...]]:
    size = -(-len(items) // parts)
    for start in range(0, len(items), size):
        yield items[:start] + items[start + size :]
