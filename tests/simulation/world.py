"""Time as the simulated world has it, for everything that is no operator: API server, controllers, kubelets, people."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

EPOCH = 1_800_000_000.0
"""When every simulation begins, in seconds since 1970."""

_NOBODY = contextvars.Context()


def later(seconds: float, callback: Callable[..., Any], *arguments: Any) -> asyncio.TimerHandle:
    """Call back in so many virtual seconds, as the world and not as the process whose code asks for it."""
    return asyncio.get_running_loop().call_later(seconds, callback, *arguments, context=_NOBODY)


def elapsed() -> float:
    """Virtual seconds since the beginning."""
    return asyncio.get_running_loop().time()
