"""Runs of seeds, one after the other, and the tally of what came of them.

``python -m tests.simulation`` and the tests of the seeds count by it. All of it is plain data,
which crosses the borders of processes.
"""

from __future__ import annotations

import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from tests.simulation.plan import Plan
from tests.simulation.plans.sowing import sow
from tests.simulation.simulation import play

BROKEN = "simulation"
"""The name of what is violated when a run cannot be played to its end."""
_MOST_SECONDS = 60
"""Of the processor's time."""


@dataclass(frozen=True)
class Failure:
    """A run that broke a guarantee, or could not be played."""

    seed: int
    guarantee: str
    message: str
    at: float


@dataclass
class Tally:
    """What came of some runs."""

    runs: int = 0
    calls: int = 0
    seconds: float = 0.0
    mishaps: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count these runs, too."""
        self.runs += other.runs
        self.calls += other.calls
        self.seconds += other.seconds
        for name in ("mishaps", "seen", "ends"):
            getattr(self, name).update(getattr(other, name))
        self.failures += other.failures


def run_seeds(seeds: Iterable[int], change: Callable[[Plan], Plan] = lambda plan: plan) -> Tally:
    """Play these seeds' plans, each after a change."""
    tally = Tally()
    for seed in seeds:
        tally.add(run(change(sow(seed))))
    return tally


def run(plan: Plan, bugs: Sequence[str] = ()) -> Tally:
    """Play one plan, with deliberate bugs if any. A run that never ends, or fails by itself, is a failure as well."""
    try:
        with _bounded():
            report = play(plan, bugs=bugs)
    except (Exception, EndlessRun) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} (in {last.filename.rsplit('/', 1)[-1]}:{last.lineno})"
        return Tally(1, failures=[Failure(plan.seed, BROKEN, message, 0.0)])
    tally = Tally(1, report.calls, report.seconds, Counter(report.mishaps), Counter(report.seen))
    tally.ends.update(f"{state} {outcome}".strip() for state, outcome in report.ends.values())
    if report.violation is not None:
        broken = report.violation
        tally.failures.append(Failure(plan.seed, broken.guarantee, broken.message, broken.at))
    return tally


class EndlessRun(KeyboardInterrupt):
    """A run goes on and on, and no virtual time passes. (What derives from Exception the event loop would swallow.)"""


@contextmanager
def _bounded() -> Iterator[None]:
    def give_up(_: int, __: FrameType | None) -> None:
        raise EndlessRun(f"no end after {_MOST_SECONDS} s of work")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, _MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
