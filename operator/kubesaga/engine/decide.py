"""``decide``: everything that Kubesaga decides about a Task, as one pure function.

Called by the runtime's reconcile loop with facts that it gathered (``kubesaga.runtime.apply`` then carries the Decision
out) and by ``session`` for a Task that lives in one process. The same snapshot and time always give the same decision.
"""

from __future__ import annotations

from kubesaga.engine.decision import Decision
from kubesaga.engine.draft import Draft
from kubesaga.engine.plan import Plan
from kubesaga.engine.policies import actions, control, ending, forward, lifecycle, parent, saga
from kubesaga.engine.policies.advance import advance
from kubesaga.engine.policies.attempts import (
    name_child_in_need,
    name_if_it_does_not_stop,
    stop_if_told,
    write_start_if_overdue,
)
from kubesaga.engine.policies.explain import explain
from kubesaga.engine.policies.guard import request_is_unchanged
from kubesaga.engine.policies.start import start
from kubesaga.engine.policies.template import ended_without_plan, wait_for_template
from kubesaga.engine.snapshot import Snapshot
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, TaskState

# What may still move a Task that has ended.
AFTER_THE_END = (
    parent.obey_after_the_end,
    actions.act,
)

# For a Task that has started, in the order in which they apply; each sees what those before it wrote.
POLICIES = (
    control.suspend,
    forward.follow,
    saga.follow,
    actions.act,
    forward.time_out,
    forward.settle,
    parent.follow,
    control.cancel,
    control.delete,
    ending.deadline,
    forward.hold_back,
    forward.launch,
    advance,
    lifecycle.fail_if_asked,
    ending.give_up,
    ending.end,
    parent.be_heard_first,
    lifecycle.mark,
)


def decide(plan: Plan | None, snapshot: Snapshot, now: float) -> Decision:
    """What follows from the snapshot at ``now`` (seconds since the epoch).

    ``plan`` is None while the Task has no template; the snapshot then says why. Raises MissingValues when it needs
    values that the status only refers to, and IllegalTransition, which is a bug.
    """
    if snapshot.deleting and not snapshot.finalizer:
        return Decision(snapshot.status)
    if snapshot.deleting and _can_go(plan, snapshot):
        return Decision(snapshot.status, release=True)
    if plan is None:
        return ended_without_plan(snapshot) if _ended(snapshot) else wait_for_template(snapshot, now)
    draft = Draft(plan, snapshot, now)
    if draft.ended:
        for policy in AFTER_THE_END:
            policy(draft)
    if not draft.ended and request_is_unchanged(draft):
        start(draft)
        if draft.run:  # else it was cancelled first, or has to claim its identity
            for policy in POLICIES:
                policy(draft)
            _look_after_attempts(draft)
    control.release(draft)
    claiming = not draft.run and not draft.ended
    if not claiming and not (draft.ended and _ended(snapshot) and draft.state is snapshot.status.state):
        explain(draft)
    return draft.decision()


def _can_go(plan: Plan | None, snapshot: Snapshot) -> bool:
    """Whether a deleted Task has nothing to undo, or nothing to undo it by that will ever come back."""
    if snapshot.status.state is TaskState.PENDING:
        return True
    return plan is None and (_ended(snapshot) or not snapshot.admits_jobs)


def _ended(snapshot: Snapshot) -> bool:
    return snapshot.status.state in TERMINAL_TASK_STATES


def _look_after_attempts(draft: Draft) -> None:
    """What follows from the records as they stand now, whichever policy wrote them."""
    live = draft.live()
    for i, role in live:
        stop_if_told(draft, i, role)
        name_if_it_does_not_stop(draft, i, role)
        name_child_in_need(draft, i, role)
    writing, holding = bool(draft.transitions), forward.holding(draft)
    for i, role in live:
        held = holding and role is Role.FORWARD and not draft.plan.steps[i].final
        writing = write_start_if_overdue(draft, i, role, writing=writing, holding=held)
