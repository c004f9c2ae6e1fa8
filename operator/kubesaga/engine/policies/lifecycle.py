"""Staleness: a Task that stays in one state longer than its template allows is marked, or failed if that is asked for.

Semantics 1 (DeadlineExceeded) and design 2 (``lifecycle``). Without limits nothing is ever stale: a long wait is
legitimate until somebody says otherwise.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward
from kubesaga.engine.vocabulary import EndingTrigger, FailureStrategy, StaleAction, TaskOutcome


def check(draft: Draft) -> None:
    """Mark a Task stale, or take the mark away once it moves on; a suspended one waits by its user's wish."""
    lifecycle = draft.plan.lifecycle
    if draft.ended or not draft.run or not (lifecycle.limits or lifecycle.total):
        return
    due = _due(draft)
    overdue = due is not None and draft.now >= due and not draft.snapshot.suspended
    if due is not None and draft.now < due:
        draft.wake(due)
    if overdue and not draft.stale:
        draft.emit("TaskStale", f"has been {draft.state} for longer than its template's lifecycle allows", warning=True)
    draft.stale = overdue
    if overdue and lifecycle.action is StaleAction.FAIL and draft.ending is None and forward.running(draft):
        compensate = draft.plan.failure_strategy is FailureStrategy.COMPENSATE
        ending.decide_end(draft, EndingTrigger.STALE, TaskOutcome.FAILED, compensate=compensate)
        forward.stop_running(draft, "Stale")


def _due(draft: Draft) -> float | None:
    """When the Task becomes stale, if it stays as it is."""
    lifecycle = draft.plan.lifecycle
    limit = lifecycle.limits.get(draft.state)
    dues = []
    if limit is not None and draft.state_since is not None:
        dues.append(max(draft.state_since, draft.resumed_at or 0.0) + limit)
    if lifecycle.total is not None and draft.run_started_at is not None:
        dues.append(draft.run_started_at + lifecycle.total)
    return min(dues, default=None)
