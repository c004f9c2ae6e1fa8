"""Whether a failed attempt is followed by another, and how long to wait before it.

Called when an attempt has failed. The five backoffs are those of TaskChain and Tasker; the first rule that matches
decides before anything else.
"""

from __future__ import annotations

import math

from kubesaga.engine.plan import RetryPolicy, RetryRule
from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.vocabulary import Backoff, Jitter, RuleAction

ANY_TYPE = "*"


def matches(rule: RetryRule, error: StepError) -> bool:
    """Whether the rule speaks of this error: by exit code, by class or base class, by code, or by the pod's reason."""
    return (
        error.exit_code in rule.exit_codes
        or ANY_TYPE in rule.types
        or any(name in rule.types for name in (error.type, *error.types))
        or error.code in rule.codes
        or error.pod_reason in rule.pod_reasons
    )


def choose(policy: RetryPolicy, error: StepError) -> RuleAction:
    """What the policy says to this error, whatever attempts are left."""
    for rule in policy.rules:
        if matches(rule, error):
            return rule.action
    return RuleAction.RETRY if error.retryable else RuleAction.FAIL


def counted(record: StepRecord) -> int:
    """Attempts since the last reset, but for those that a rule ignored."""
    return record.attempt - record.retry_base - record.ignored


def is_allowed(policy: RetryPolicy, record: StepRecord, error: StepError, due_at: float) -> bool:
    """Whether there is another attempt after this error, if it began at ``due_at``."""
    action = choose(policy, error)
    if action is RuleAction.FAIL or is_too_late(policy, record, due_at):
        return False
    return action is RuleAction.IGNORE or counted(record) < policy.max_attempts


def is_too_late(policy: RetryPolicy, record: StepRecord, due_at: float) -> bool:
    """Whether an attempt that began at ``due_at`` would be past the policy's maxDuration."""
    if policy.max_duration is None or record.first_enqueued_at is None:
        return False
    return due_at > record.first_enqueued_at + policy.max_duration


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
