"""Runs seeds on all cores: a process each, which takes the next few seeds whenever it is through with its last.

Called by ``python -m tests.simulation``.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice

from tests.simulation.driving.tally import Tally, run_seeds

_BATCH = 10


def cores() -> int:
    """How many processes this machine runs at once for us."""
    return len(os.sched_getaffinity(0))


def run_all(seeds: Iterable[int], jobs: int) -> Iterator[Tally | None]:
    """A tally for each batch of seeds as it comes in; None now and then, while all are busy."""
    left = iter(seeds)
    pool = ProcessPoolExecutor(jobs, initializer=_prepare)
    try:
        busy = {pool.submit(run_seeds, batch) for batch in _batches(left, 2 * jobs)}
        while busy:
            done, busy = wait(busy, timeout=0.5, return_when=FIRST_COMPLETED)
            busy |= {pool.submit(run_seeds, batch) for batch in _batches(left, len(done))}
            if not done:
                yield None
            yield from _in_order(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    """In a new process: Ctrl-C is the parent's affair, and what is loaded now is never garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()


def _batches(seeds: Iterator[int], most: int) -> Iterator[list[int]]:
    for _ in range(most):
        batch = list(islice(seeds, _BATCH))
        if batch:
            yield batch


def _in_order(done: Iterable[Future[Tally]]) -> list[Tally]:
    return [future.result() for future in done]
