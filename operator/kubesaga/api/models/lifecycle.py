"""How long a Task may wait before somebody should look at it."""

from __future__ import annotations

from kubesaga.api.models.base import Model, Timeout
from kubesaga.engine.vocabulary import StaleAction


class LifecycleSpec(Model):
    """Limits on how long a Task may stay in a state. One that is absent is not watched."""

    waiting_for_dependencies: Timeout | None = None
    """In WaitingForDependencies: for a child Task, an approval, a free slot, or suspended."""
    waiting_for_retry: Timeout | None = None
    """In WaitingForRetry."""
    steps_in_process: Timeout | None = None
    """In StepsInProcess without any step finishing."""
    blocked_by_failures: Timeout | None = None
    """In BlockedByFailures."""
    compensating: Timeout | None = None
    """In Compensating."""
    total: Timeout | None = None
    """From its start, or its latest reopening, to its end."""
    action: StaleAction = StaleAction.MARK
    """Mark: the condition Stale and the label kubesaga.dev/dead-letter. Fail: the Task fails as well, as by its
    timeout."""
