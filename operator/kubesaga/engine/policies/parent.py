"""A sub-workflow's Task and its parent: obeying what the parent's record of the step says.

Commands go down through that record, which the runtime puts into the snapshot; the Task's own spec is never touched
(semantics 5, Sub-workflow). What goes up is read from the child's status
by ``kinship``.
"""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward, reopen, saga
from kubesaga.engine.records import Ending, Saga, StepRecord
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    RunningSteps,
    StepState,
    TaskEvent,
    TaskOutcome,
    TaskState,
)

# What is done was done by a child that has succeeded, or by a human in place of one that must not run beside what
# follows.
_GONE_ON = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})
_FINISHES = frozenset({EndingTrigger.SUCCEEDED, EndingTrigger.FAILED, EndingTrigger.REQUESTED})


def stop_command(record: StepRecord, end: Ending | None) -> RunningSteps | None:
    """How a child is to be cancelled, by its parent's record of the step and the parent's own ending; None = not.

    A parent that fails lets a running child finish, as it lets a running Job; one that was cancelled or ran out of time
    has its children drained, and a child that its parent no longer waits for, or has gone on without, is stopped.
    """
    live = record.state in LIVE_STEP_STATES
    if (live and record.stop) or record.state in _GONE_ON:
        return RunningSteps.TERMINATE
    if end is None:
        return None
    if not live or end.phase is EndingPhase.DONE:
        return RunningSteps.TERMINATE
    return None if end.trigger in _FINISHES else RunningSteps.DRAIN


def follow(draft: Draft) -> None:
    """Note that the run under way serves a newer attempt of the parent's step; end when the parent says so."""
    parent = draft.snapshot.parent
    if parent is None or draft.parent is None or draft.ended:
        return
    if parent.wanted and parent.attempt > draft.parent.attempt:
        draft.parent = replace(draft.parent, attempt=parent.attempt)
    if parent.stop is None or draft.state is TaskState.COMPENSATING:
        return
    if draft.ending is None:
        ending.decide_end(draft, EndingTrigger.PARENT, TaskOutcome.CANCELLED, compensate=False)
        draft.emit("Cancelling", f"cancelled by its parent Task {draft.parent.name}")
    if parent.stop is RunningSteps.TERMINATE and ending.is_quiescing(draft):
        forward.stop_running(draft, "ParentStopped")


def obey_after_the_end(draft: Draft) -> None:
    """What a parent may still ask of a Task that has ended: to run again, or to undo what it did."""
    parent = draft.snapshot.parent
    if parent is None or draft.parent is None or not draft.ended:
        return
    if parent.undo:
        _undo(draft)
    elif parent.wanted and parent.attempt > draft.parent.attempt and reopen.possible(draft.snapshot.status):
        draft.parent = replace(draft.parent, attempt=parent.attempt)
        reopen.task(draft, f"by attempt {parent.attempt} of step {draft.parent.step} of {draft.parent.name}")
        reopen.failed_steps(draft)


def be_heard_first(draft: Draft) -> None:
    """A Task that is taken up again launches nothing before that is written: its parent may just be going on.

    The parent writes that it stops or ends and then looks at this Task; this one writes that it runs and then looks at
    the parent. So one of them sees the other, whichever is first.
    """
    if draft.reopened and draft.parent is not None:
        draft.launches.clear()
        draft.wake(draft.now)


def _undo(draft: Draft) -> None:
    """Begin the saga on the parent's request; one that has nothing to undo is over at once, and says so."""
    if draft.saga is not None:
        return
    plan = saga.freeze(draft)
    if not plan:
        draft.saga = Saga(EndingTrigger.REQUESTED, ())
        return
    draft.ending = Ending(
        EndingTrigger.REQUESTED, draft.now, EndingPhase.COMPENSATING, TaskOutcome.COMPENSATED, compensate=True
    )
    draft.finished_at = None
    draft.move_task(TaskEvent.COMPENSATE_REQUESTED, TaskState.COMPENSATING)
    saga.begin(draft, plan)
