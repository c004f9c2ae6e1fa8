"""The work loops: keys out of a queue, each given to its reconciler, with backoff for what fails.

One for Tasks and one for templates; started by ``operator`` once this process leads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from kubesaga.kube.client import KubeError
from kubesaga.runtime import metrics
from kubesaga.runtime.queue import LAST_RETRY, Key, QueueClosed, WorkQueue

log = logging.getLogger(__name__)


async def work(kind: str, queue: WorkQueue, reconcile: Callable[[Key], Awaitable[None]]) -> None:
    """Take keys until the queue is closed. An error repeats its key later and never ends the loop."""
    while True:
        try:
            key = await queue.get()
        except QueueClosed:
            return
        try:
            await _one(kind, queue, reconcile, key)
        finally:
            queue.done(key)


async def _one(kind: str, queue: WorkQueue, reconcile: Callable[[Key], Awaitable[None]], key: Key) -> None:
    began = time.perf_counter()
    error: str | None = None
    try:
        await reconcile(key)
    except KubeError as failure:
        error = failure.reason
        log.warning("%s: will be tried again: %s", kind, failure, extra=_about(key))
        _again(queue, key, failure.retry_after)
    except asyncio.CancelledError:
        raise
    except Exception as failure:
        error = type(failure).__name__
        log.exception("%s: a pass failed and will be tried again", kind, extra=_about(key))
        queue.add_rate_limited(key)
    else:
        queue.forget(key)
    metrics.reconciled(kind, time.perf_counter() - began, error)


def _again(queue: WorkQueue, key: Key, retry_after: float | None) -> None:
    if retry_after:  # 0 would mean at once, again and again
        queue.add_after(key, min(retry_after, LAST_RETRY))
    else:
        queue.add_rate_limited(key)


def _about(key: Key) -> dict[str, str]:
    return {"namespace": key[0], "task": key[1]}
