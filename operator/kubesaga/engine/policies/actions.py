"""TaskActions: what a human may do to a Task and its steps, each applied once.

Semantics 5, TaskAction. The record of an action is written together with its effect; the answer to the TaskAction
itself follows, and is given again after a crash between the two. What an action does to a step is in ``step_actions``,
to a compensation in ``compensation_actions``, to the Task in ``task_actions``.
"""

from __future__ import annotations

import math

from kubesaga.engine.decision import Verdict
from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import compensation_actions, step_actions, task_actions
from kubesaga.engine.policies.refusal import Refused
from kubesaga.engine.records import ActionRecord
from kubesaga.engine.snapshot import Action, Snapshot
from kubesaga.engine.vocabulary import ActionPhase, ActionType

_COMPENSATION = frozenset({ActionType.RETRY_COMPENSATION, ActionType.MARK_COMPENSATED, ActionType.ABANDON})
_WHILE_ENDING = _COMPENSATION | {ActionType.CONFIRM_STOPPED}

NOT_STARTED = "the Task has not started"
NEVER_STARTED = "the Task ended before it started"

# The newest are kept; one that is not answered yet is never forgotten.
MOST_RECORDS = 64
# So many are applied by one decision, the others by the next: a status has room for a bounded number of records that
# wait for their answer, and of moves of one step.
MOST_AT_ONCE = 16


def act(draft: Draft) -> None:
    """Apply or reject what was asked for, in order; an action that first has to stop a step waits for that."""
    done = {record.uid: record for record in draft.actions}
    answered = {verdict.uid for verdict in draft.verdicts}
    asked = [action for action in draft.snapshot.actions if action.uid not in answered]
    recorded = [action for action in asked if action.uid in done]
    for action in recorded:
        _answer(draft, action, ActionPhase.APPLIED, done[action.uid].message)
    applied = len(recorded)
    waiting = [action for action in asked if action.uid not in done]
    while waiting:
        left = []
        for action in waiting:
            if applied >= MOST_AT_ONCE:
                draft.unheard = True
                return
            phase = _answered(draft, action)
            applied += phase is ActionPhase.APPLIED
            if phase is None:
                left.append(action)
        if len(left) == len(waiting):
            return
        waiting = left  # a later one (ConfirmStopped) may have ended what an earlier one waits for


def _answered(draft: Draft, action: Action) -> ActionPhase | None:
    """What became of the action; None while a step has to stop first."""
    try:
        message = _apply(draft, action)
    except Refused as refusal:
        _answer(draft, action, ActionPhase.REJECTED, str(refusal))
        return ActionPhase.REJECTED
    if message is None:
        return None
    _record(draft, action, message)
    _answer(draft, action, ActionPhase.APPLIED, message)
    return ActionPhase.APPLIED


def reject_new(snapshot: Snapshot, why: str) -> tuple[Verdict, ...]:
    """The answers where there is nothing that an action could act on; what was applied before stays so."""
    done = {record.uid: record for record in snapshot.status.actions}
    return tuple(
        Verdict(action.uid, action.name, ActionPhase.APPLIED, done[action.uid].message)
        if action.uid in done
        else Verdict(action.uid, action.name, ActionPhase.REJECTED, "; ".join(action.problems) or why)
        for action in snapshot.actions
    )


def _apply(draft: Draft, action: Action) -> str | None:
    """What was done, or None while a step has to stop first. Raises Refused before anything has changed."""
    if action.problems:
        raise Refused("; ".join(action.problems))
    _check_target(draft, action)
    if draft.ending is not None and not draft.ended and action.type not in _WHILE_ENDING:
        raise Refused(
            f"the Task is ending ({draft.ending.trigger}): only ConfirmStopped and the actions on compensations apply"
        )
    if action.type in _COMPENSATION:
        return compensation_actions.apply(draft, action)
    if action.step is not None:
        return step_actions.apply(draft, action)
    return task_actions.apply(draft, action)


def _check_target(draft: Draft, action: Action) -> None:
    if action.task_uid is not None and action.task_uid != draft.snapshot.task_uid:
        raise Refused(f"it is for the Task of UID {action.task_uid}; this one has {draft.snapshot.task_uid}")
    if action.created_at < math.floor(draft.snapshot.created_at):
        raise Refused("it is older than the Task: it was meant for an earlier one of this name")
    if not draft.run:
        raise Refused(NEVER_STARTED)
    if action.step is not None and action.step not in draft.plan.graph.index:
        there = ", ".join(draft.plan.graph.names[:20])
        raise Refused(f"the Task has no step {action.step!r}; it has: {there}")


def _record(draft: Draft, action: Action, message: str) -> None:
    draft.actions.append(
        ActionRecord(
            uid=action.uid,
            name=action.name,
            type=action.type,
            at=draft.now,
            step=action.step,
            requested_by=action.requested_by,
            reason=action.reason,
            message=message,
        )
    )
    unanswered = {pending.uid for pending in draft.snapshot.actions}
    spare = len(draft.actions) - MOST_RECORDS
    if spare > 0:
        old, kept = draft.actions[:spare], draft.actions[spare:]
        draft.actions = [record for record in old if record.uid in unanswered] + kept


def _answer(draft: Draft, action: Action, phase: ActionPhase, message: str) -> None:
    draft.verdicts.append(Verdict(action.uid, action.name, phase, message))
