"""How long an attempt may take until its program runs.

Asked by the policies, which give it up then, and by the runtime, which makes sure before that it does not run.
"""

from __future__ import annotations

from kubesaga.engine.records import StepRecord
from kubesaga.engine.snapshot import Observation, Phase

_NOT_RUNNING = (Phase.ABSENT, Phase.WAITING)


def waits_since(record: StepRecord, seen: Observation, now: float) -> float | None:
    """Since when an attempt waits that does not run; None where it runs, is over, or is held by a quota system."""
    if seen.phase not in _NOT_RUNNING or (seen.phase is Phase.WAITING and seen.waiting_since is None):
        return None
    return max(record.enqueued_at or now, seen.waiting_since or 0.0)


def is_too_late(record: StepRecord, seen: Observation, start_timeout: float, now: float) -> bool:
    """Whether an attempt that nobody has stopped is seen at ``now`` to have waited for longer than it may."""
    since = waits_since(record, seen, now)
    return record.stop is None and since is not None and now >= since + start_timeout
