"""A Task whose template is not there: one that has not started waits, one that has needs a human."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.decision import Decision, Event
from kubesaga.engine.draft import Draft
from kubesaga.engine.plan import Plan
from kubesaga.engine.policies import actions
from kubesaga.engine.policies.start import cancel_before_start
from kubesaga.engine.records import Attention, TaskStatus
from kubesaga.engine.snapshot import Snapshot
from kubesaga.engine.vocabulary import DesiredState, RunningSteps, TaskState

LOOK_AGAIN_AFTER = 60.0


def wait_for_template(snapshot: Snapshot, now: float) -> Decision:
    """Say what the Task waits for. A template that appears later wakes it."""
    status, problem = snapshot.status, snapshot.template_problem
    if status.state is not TaskState.PENDING:
        assert problem is not None
        after = replace(
            status,
            attention=Attention(problem.reason, problem.message),
            message=f"needs attention: {problem.message}",
        )
        # Whoever restores it wakes nobody.
        return replace(_said(snapshot, after), wake_at=now + LOOK_AGAIN_AFTER)
    if _is_cancelled(snapshot):
        draft = Draft(Plan(()), snapshot, now)
        cancel_before_start(draft)
        draft.message = "cancelled before it started"
        return draft.decision()
    verdicts = actions.reject_new(snapshot, actions.NOT_STARTED)
    after = replace(status, reason=problem.reason, message=problem.message) if problem else status
    wake_at = now + problem.look_again if problem and problem.look_again is not None else None
    return replace(_said(snapshot, after), verdicts=verdicts, wake_at=wake_at)


def ended_without_plan(snapshot: Snapshot) -> Decision:
    """What can be said about a Task that has ended and whose template is not, or no longer, there."""
    problem = snapshot.template_problem
    why = problem.message if problem and snapshot.status.run else actions.NEVER_STARTED
    return Decision(snapshot.status, verdicts=actions.reject_new(snapshot, why))


def _is_cancelled(snapshot: Snapshot) -> bool:
    by_parent = snapshot.parent is not None and snapshot.parent.stop is RunningSteps.TERMINATE
    return snapshot.desired is DesiredState.CANCELLED or by_parent


def _said(snapshot: Snapshot, after: TaskStatus) -> Decision:
    problem = snapshot.template_problem
    if after == snapshot.status or problem is None:
        return Decision(snapshot.status)
    return Decision(after, events=(Event(problem.reason, problem.message, warning=True),))
