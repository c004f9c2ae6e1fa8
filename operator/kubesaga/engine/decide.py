"""``decide``: everything that Kubesaga decides about a Task, as one pure function.

Called by the runtime's reconcile loop with facts that it gathered; the Decision that comes back is carried out by
``kubesaga.runtime.apply``. The same snapshot and time always give the same decision.
"""

from __future__ import annotations

from kubesaga.engine.decision import Decision
from kubesaga.engine.draft import Draft
from kubesaga.engine.plan import Plan
from kubesaga.engine.policies import ending, forward
from kubesaga.engine.policies.advance import advance
from kubesaga.engine.policies.attempts import stop_what_should, write_overdue_starts
from kubesaga.engine.policies.explain import explain
from kubesaga.engine.policies.start import start
from kubesaga.engine.policies.template import wait_for_template
from kubesaga.engine.snapshot import Snapshot
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role

# In the order in which they apply; each sees what those before it wrote.
POLICIES = (
    start,
    forward.follow,
    forward.settle,
    ending.deadline,
    forward.hold_back,
    forward.launch,
    advance,
    ending.give_up,
    ending.end,
)


def decide(plan: Plan | None, snapshot: Snapshot, now: float) -> Decision:
    """What follows from the snapshot at ``now`` (seconds since the epoch).

    ``plan`` is None while the Task has no template; the snapshot then says why. Raises nothing but IllegalTransition,
    which is a bug.
    """
    status = snapshot.status
    if snapshot.deleting or status.state in TERMINAL_TASK_STATES:
        return Decision(status)
    if plan is None:
        return wait_for_template(snapshot)
    draft = Draft(plan, snapshot, now)
    for policy in POLICIES:
        policy(draft)
    for role in Role:
        stop_what_should(draft, role)
        write_overdue_starts(draft, role, writing=bool(draft.transitions))
    explain(draft)
    return draft.decision()
