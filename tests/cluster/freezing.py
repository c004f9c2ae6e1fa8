"""Freezing an operator just when it has recorded what it is about to launch, and has not launched it yet.

That is the moment at which a leader that comes back late could do harm: it goes on where it was. Used on the operator's
pods and on operators beside the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tests.cluster.crowd import Crowd

NEWCOMERS = 4
MOMENTS = (0.08, 0.16, 0.3, 0.6) * 6
"""Seconds until it is frozen again: by the time that a pass takes, which a busy machine makes many times as long."""


class Freezable(Protocol):
    """An operator's process. Times in seconds since the epoch."""

    def freeze(self) -> float:
        """Stop it; returns when."""

    def stir(self, seconds: float) -> float:
        """Let it go on for a moment; returns when it was stopped again."""

    def thaw(self) -> object:
        """Let it go on where it was."""


def freeze_at_work(process: Freezable, crowd: Crowd, wait_renewed: Callable[[], None]) -> tuple[float, set[str]]:
    """Freeze it at that moment; returns when, and the names of the Jobs that it was about to create.

    New Tasks are begun while it is frozen, so that it has its hands full as soon as it goes on; a little later it is
    frozen again. Between two attempts it gets the time to renew its Lease, which would run out otherwise.
    """
    for moment in MOMENTS:
        process.freeze()
        crowd.add(NEWCOMERS)
        at = process.stir(moment)
        if late := crowd.unlaunched():
            return at, late
        process.thaw()
        wait_renewed()
    raise AssertionError(f"never frozen between an attempt on record and its Job, in {len(MOMENTS)} attempts")
