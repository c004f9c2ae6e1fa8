"""What a person sees while something slow happens: which step, which of how many, and how long it has taken.

Everything goes to standard error, so that commands which print an answer (a path, a status) can be captured.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 20.0


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str, number: int = 1, total: int = 1) -> Iterator[None]:
    """Announce a slow step, say now and then that it still runs, and say how long it took."""
    prefix = f"[{number}/{total}] " if total > 1 else ""
    started = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            say(f"{prefix}{what} … {time.monotonic() - started:.0f} s so far")

    say(f"{prefix}{what} …")
    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()
    say(f"{prefix}{what}: done in {time.monotonic() - started:.1f} s")
