"""What the user wants of a Task that runs: to hold, to end, or to be gone.

Semantics 5, Cancel, Suspend and Delete. A cancel and a deletion only decide the end; carrying it out is the business
of ``ending``.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward
from kubesaga.engine.records import Attention
from kubesaga.engine.states import FINAL_STEP_STATES
from kubesaga.engine.vocabulary import DesiredState, EndingTrigger, Role, RunningSteps, TaskOutcome


def suspend(draft: Draft) -> None:
    """Note since when launches are held, and when they were released: time-outs that wait for humans start anew."""
    if draft.ended or not draft.run:
        return
    suspended = draft.snapshot.suspended
    if suspended and draft.suspended_since is None:
        draft.suspended_since = draft.now
        draft.emit("Suspended", "nothing new is started until the Task, or its parent, is resumed")
    elif not suspended and draft.suspended_since is not None:
        draft.suspended_since = None
        draft.resumed_at = draft.now
        draft.emit("Resumed", "goes on")


def cancel(draft: Draft) -> None:
    """Decide the end of a Task that is to be cancelled; afterwards only Drain may turn into Terminate."""
    snapshot = draft.snapshot
    if snapshot.desired is not DesiredState.CANCELLED or draft.ended:
        return
    if draft.ending is None and forward.running(draft):
        compensate = snapshot.cancel_compensates
        ending.decide_end(draft, EndingTrigger.CANCELLED, TaskOutcome.CANCELLED, compensate=compensate)
        draft.emit("Cancelling", f"cancelled by its user ({snapshot.cancel_mode})")
    if snapshot.cancel_mode is RunningSteps.TERMINATE and ending.is_quiescing(draft):
        forward.stop_running(draft, "Cancelled")


def delete(draft: Draft) -> None:
    """A Task whose work is undone before it goes: deleting it while it lives is a cancel with compensation."""
    if not draft.snapshot.deleting or draft.ended:
        return
    if draft.ending is None and forward.running(draft):
        ending.decide_end(draft, EndingTrigger.DELETED, TaskOutcome.CANCELLED, compensate=True)
        draft.emit("Cancelling", "deleted: what it did is undone first")
    if ending.is_quiescing(draft):
        forward.stop_running(draft, "Deleted")


def release(draft: Draft) -> None:
    """Let a Task that is deleted go once it has ended, or once its namespace admits nothing that could undo it."""
    snapshot = draft.snapshot
    if not (snapshot.deleting and snapshot.finalizer):
        return
    if draft.ended:
        draft.release = True
    elif not snapshot.admits_jobs:
        draft.release = True
        left = _not_undone(draft)
        said = f"not undone: {', '.join(left)}" if left else "there was nothing to undo"
        message = f"the namespace is being deleted and admits no new Jobs; {said}"
        draft.attention = Attention("NamespaceTerminating", message)
        if draft.attention != snapshot.status.attention:
            draft.emit("Released", message, warning=bool(left))


def _not_undone(draft: Draft) -> list[str]:
    return [
        record.name
        for i, record in enumerate(draft.steps)
        if record.attempt
        and draft.plan.steps[i].compensation
        and draft.record(i, Role.COMPENSATION).state not in FINAL_STEP_STATES
    ]
