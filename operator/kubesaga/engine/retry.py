"""How long to wait before the next attempt, and whether there is one.

Called when an attempt has failed. The five backoffs are those of TaskChain and Tasker.
"""

from __future__ import annotations

import math

from kubesaga.engine.plan import RetryPolicy
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.vocabulary import Backoff, Jitter


def has_attempts_left(policy: RetryPolicy, record: StepRecord) -> bool:
    """Whether another attempt is allowed since the last reset."""
    return record.attempt - record.retry_base < policy.max_attempts


def backoff(policy: RetryPolicy, failures: int) -> float:
    """Seconds before the attempt that follows ``failures`` ≥ 1 failed ones, without jitter, capped."""
    match policy.backoff:
        case Backoff.NONE:
            return 0.0
        case Backoff.FIXED:
            multiple = 1.0
        case Backoff.LINEAR:
            multiple = float(failures)
        case Backoff.EXPONENTIAL:
            multiple = _power(policy.factor, failures - 1)
        case Backoff.FIBONACCI:
            multiple = _fibonacci(failures)
    return min(policy.initial_interval * multiple, policy.max_interval)


def delay(policy: RetryPolicy, failures: int, draw: float, error: StepError) -> float:
    """Seconds until the next attempt; ``draw`` in [0, 1) is the jitter's random number.

    What the program asked for (``retry_after``) goes before the policy and is not cut by its cap.
    """
    if error.retry_after is not None:
        return max(0.0, error.retry_after)
    full = backoff(policy, failures)
    match policy.jitter:
        case Jitter.NONE:
            return full
        case Jitter.FULL:
            return full * draw
        case Jitter.EQUAL:
            return full / 2 + full / 2 * draw


def due(now: float, seconds: float) -> float:
    """The due time, rounded up to the millisecond, so that no timer fires before it."""
    return math.ceil((now + seconds) * 1000) / 1000


def _power(factor: float, exponent: int) -> float:
    try:
        return float(factor**exponent)
    except OverflowError:
        return math.inf


def _fibonacci(n: int) -> float:
    a, b = 1.0, 1.0
    for _ in range(min(n, 1000) - 1):
        a, b = b, a + b
    return a
