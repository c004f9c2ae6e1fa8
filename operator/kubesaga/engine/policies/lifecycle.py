"""Staleness: a Task that stays in one state longer than its template allows is marked, or failed if that is asked for.

Semantics 1 (DeadlineExceeded) and design 2 (``lifecycle``). Without limits nothing is ever stale: a long wait is
legitimate until somebody says otherwise.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward
from kubesaga.engine.vocabulary import EndingTrigger, FailureStrategy, StaleAction, TaskOutcome


def fail_if_asked(draft: Draft) -> None:
    """End a Task that is stale, if its template says so."""
    if not _is_watched(draft) or draft.plan.lifecycle.action is not StaleAction.FAIL:
        return
    if draft.ending is None and forward.running(draft) and _is_overdue(draft):
        compensate = draft.plan.failure_strategy is FailureStrategy.COMPENSATE
        ending.decide_end(draft, EndingTrigger.STALE, TaskOutcome.FAILED, compensate=compensate)
        forward.stop_running(draft, "Stale")
        forward.hold_back(draft)
        _mark(draft, stale=True)


def mark(draft: Draft) -> None:
    """Mark a Task stale, or take the mark away once it moves on; a suspended one waits by its user's wish."""
    if not _is_watched(draft):
        return
    due = _due(draft)
    if due is not None and draft.now < due:
        draft.wake(due)
    failed = draft.ending is not None and draft.ending.trigger is EndingTrigger.STALE
    _mark(draft, stale=failed or _is_overdue(draft))


def _mark(draft: Draft, *, stale: bool) -> None:
    if stale and not draft.stale:
        draft.emit("TaskStale", f"has been {draft.state} for longer than its template's lifecycle allows", warning=True)
    draft.stale = stale


def _is_watched(draft: Draft) -> bool:
    lifecycle = draft.plan.lifecycle
    return not draft.ended and bool(lifecycle.limits or lifecycle.total)


def _is_overdue(draft: Draft) -> bool:
    due = _due(draft)
    return due is not None and draft.now >= due and not draft.snapshot.suspended


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
