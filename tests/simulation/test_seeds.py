"""The seeds: plans with everything that can go wrong, and every guarantee holds in each of them.

``make check`` plays the first few, ``make test`` all. ``make fuzz SEEDS=100000`` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from kubesaga.engine.vocabulary import ActionType, EndingTrigger, StepEvent, TaskEvent, TaskOutcome
from tests.simulation.driving.tally import run_seeds
from tests.simulation.driving.telling import failure_text
from tests.simulation.plans.sowing import sow

SEEDS = 2000
QUICK = 25
BATCH = 25
COVERING = 400
"""So many of the seeds in which people act see everything."""


def _batches() -> Iterator[object]:
    for first in range(0, SEEDS, BATCH):
        marks = [] if first < QUICK else [pytest.mark.slow]
        yield pytest.param(range(first, first + BATCH), marks=marks, id=f"from {first}")


@pytest.mark.parametrize("seeds", list(_batches()))
def test_every_guarantee_holds_whatever_goes_wrong(seeds: range) -> None:
    tally = run_seeds(seeds)
    assert tally.runs == len(seeds)
    assert not tally.failures, "\n".join(map(failure_text, tally.failures))


@pytest.mark.slow
def test_everything_that_is_reachable_is_seen() -> None:
    eventful = (seed for seed in range(SEEDS) if sow(seed).name.partition(": ")[2] in _EVENTFUL)
    seen = run_seeds(islice(eventful, COVERING)).seen
    assert {what for what in _REACHABLE if what not in seen} == set()


_FORWARD_ONLY = frozenset(
    {StepEvent.REFUSE, StepEvent.SKIP, StepEvent.REOPEN, StepEvent.REARM, StepEvent.COMPLETE_MANUALLY}
)
_EVENTFUL = frozenset({"life", "life and crashes", "everything", "nodes"})
_REACHABLE = {
    *(f"Task event {event}" for event in TaskEvent),
    *(f"Task outcome {outcome}" for outcome in TaskOutcome),
    *(f"Task ending {trigger}" for trigger in EndingTrigger),
    *(f"step event {event}" for event in StepEvent),
    *(f"undoing event {event}" for event in StepEvent if event not in _FORWARD_ONLY),
    *(f"action {type_} {phase}" for type_ in ActionType for phase in ("Applied", "Rejected")),
    *(f"NeedsAttention {reason}" for reason in ("CompensationFailed", "StepNotStopped", "ChildMissing", "Suspended")),
}
