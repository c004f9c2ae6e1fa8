"""The time of a run: the machine's, and ahead of it by what was skipped."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch. ``ahead``: by how many seconds a run that skips its waits is ahead of the machine."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        """The time of the run."""
        return time.time() + self.ahead

    def skip_to(self, at: float) -> None:
        """Have it be this late now; it never goes back."""
        self.ahead += max(0.0, at - self.now())
