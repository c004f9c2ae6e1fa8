"""The crash sweep: the operator dies at each call of a run, before it takes effect or before its answer.

A plan is played once to count its calls, then once for each of them. However the operator dies, the guarantees hold,
the Tasks end as they did, and the programs that ran are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from random import Random

from tests.simulation.plan import Crash, Plan
from tests.simulation.simulation import Report, play

WHENS = ("before", "after")

Runs = Counter[tuple[str, str, str, int]]
"""How often each program ran: by Task, step, role and attempt."""


@dataclass(frozen=True)
class Undisturbed:
    """What a plan comes to when nothing goes wrong."""

    plan: Plan
    calls: int
    ends: dict[str, tuple[str, str]]
    runs: Runs


def undisturbed(plan: Plan) -> Undisturbed:
    """Play it. Raises the violation, if there is one."""
    report = play(plan)
    if report.violation is not None:
        raise report.violation
    return Undisturbed(plan, report.calls, report.ends, _runs(report))


def single_crashes(calls: int) -> Iterator[tuple[Crash, ...]]:
    """One at each call, before and after."""
    for nth, when in product(range(1, calls + 1), WHENS):
        yield (Crash(nth, "before" if when == "before" else "after"),)


def pairs_of_crashes(calls: int, count: int, seed: str) -> Iterator[tuple[Crash, ...]]:
    """Two at a time; the second may hit what the first has left to do."""
    random = Random(seed)
    for _ in range(count):
        first, second = sorted(random.sample(range(1, calls + 10), 2))
        yield (
            Crash(first, random.choice(("before", "after")), random.choice((0.0, 1.0, 20.0))),
            Crash(second, random.choice(("before", "after"))),
        )


def differences(good: Undisturbed, crashes: Iterable[tuple[Crash, ...]]) -> list[str]:
    """What came out otherwise, each with the crashes that brought it about."""
    return [f"{crash}: {what}" for crash in crashes for what in _difference(good, crash)]


def _difference(good: Undisturbed, crashes: tuple[Crash, ...]) -> Iterator[str]:
    report = play(replace(good.plan, mishaps=(*good.plan.mishaps, *crashes)))
    if report.violation is not None:
        yield f"{report.violation.guarantee}: {report.violation}"
        return
    if report.ends != good.ends:
        yield f"the Tasks ended {report.ends} instead of {good.ends}"
    more, fewer = _runs(report) - good.runs, good.runs - _runs(report)
    if more or fewer:
        yield f"ran more often: {dict(more)}; less often: {dict(fewer)}"


def _runs(report: Report) -> Runs:
    return Counter((each.task, each.step, each.role, each.attempt) for each in report.executions)
