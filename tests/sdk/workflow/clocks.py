"""A clock that jumps: backoff takes no time, and tests see what was slept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Seconds since the epoch, moved by sleeping only."""

    now: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        # What runs goes first: time stands still until all of it waits.
        for _ in range(100):
            await asyncio.sleep(0)
        self.sleep(seconds)
