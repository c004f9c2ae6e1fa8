"""``finally``: the steps that run last, whatever the outcome, after everything else is over.

Semantics 3. They run by the machine of every step, but nothing holds them back and their failure changes no outcome: it
is told by a condition of its own. Called by ``ending``, whose last phase but one this is.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import attempts, conditions, settling
from kubesaga.engine.records import Attention
from kubesaga.engine.states import FINAL_STEP_STATES, LIVE_STEP_STATES
from kubesaga.engine.vocabulary import EndingTrigger, Role, StepState

_FORWARD = Role.FORWARD


def run(draft: Draft) -> bool:
    """Move the steps of ``finally`` on; True once there is nothing left to wait for."""
    if not _are_due(draft):
        return True
    finals = draft.plan.finals
    for i in finals:
        if draft.steps[i].state in LIVE_STEP_STATES:
            attempts.observe(draft, i, _FORWARD, holding=False)
        _settle(draft, i)
    if not draft.snapshot.suspended:
        _launch(draft)
    over = all(_is_over(draft, i) for i in finals)
    if draft.snapshot.suspended and not over:
        draft.attention = Attention("Suspended", "the steps of finally are held back: resume the Task to let it end")
    failed = [draft.steps[i].name for i in finals if draft.steps[i].state is StepState.ERROR]
    if over and failed and not draft.finally_failed:
        draft.finally_failed = True
        draft.emit("FinallyFailed", f"failed in finally: {', '.join(failed)}", warning=True)
    return over


def _are_due(draft: Draft) -> bool:
    """They run if any step was ever enqueued, and once: not again when a parent has a finished child undone."""
    if not draft.plan.finals or (draft.ending and draft.ending.trigger is EndingTrigger.REQUESTED):
        return False
    return any(draft.steps[i].attempt for i in draft.plan.forward)


def _settle(draft: Draft, i: int) -> None:
    settling.accept(draft, i, _FORWARD)
    if draft.steps[i].state is not StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION:
        return
    if settling.may_retry(draft, i, _FORWARD):
        settling.schedule_retry(draft, i, _FORWARD)
    else:
        settling.fail_for_good(draft, i, _FORWARD)


def _launch(draft: Draft) -> None:
    """Start those whose turn it is; what is over in any way holds up none of the others."""
    graph = draft.plan.graph
    for i in draft.plan.finals:
        settling.retry_if_due(draft, i, _FORWARD)
    for i in (i for i in graph.order if i in draft.plan.finals):
        ready = all(draft.steps[parent].state in FINAL_STEP_STATES for parent in graph.parents[i])
        if draft.steps[i].state is StepState.PENDING and ready and conditions.weigh(draft, i) is conditions.Fate.RUNS:
            settling.enqueue(draft, i, _FORWARD)


def _is_over(draft: Draft, i: int) -> bool:
    return draft.steps[i].state in FINAL_STEP_STATES
