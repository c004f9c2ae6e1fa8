"""The two clocks of the operator.

``wall`` dates what others read, ``monotonic`` measures how long something takes. The second is the event loop's own,
so that the simulation, whose loop leaps through virtual time, drives every wait and every limit of the real code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the epoch."""

wall: Clock = time.time


def monotonic() -> float:
    """Seconds that only grow, by the running event loop's clock."""
    return asyncio.get_running_loop().time()
