"""What a human may do to a Task as a whole: try again what failed, give it up, or say that it is settled."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import ending, forward, reopen, results, step_actions
from kubesaga.engine.policies.refusal import Refused
from kubesaga.engine.records import Ending
from kubesaga.engine.snapshot import Action
from kubesaga.engine.vocabulary import (
    ActionType,
    EndingPhase,
    EndingTrigger,
    RunningSteps,
    TaskEvent,
    TaskOutcome,
    TaskState,
)


def apply(draft: Draft, action: Action) -> str:
    """What was done. Raises Refused."""
    match action.type:
        case ActionType.RETRY:
            return _retry(draft, action)
        case ActionType.RESOLVE:
            return _resolve(draft, action)
        case ActionType.GIVE_UP:
            return _give_up(draft)
        case _:
            raise Refused(f"{action.type} is for one step: name it in spec.step")


def _retry(draft: Draft, action: Action) -> str:
    output_failed = draft.error is not None
    if draft.ended:
        step_actions.task_reopens(draft)
        reopen.task(draft, f"by TaskAction {action.name}")
    elif forward.failed_steps(draft) or output_failed:
        reopen.cancelled_steps(draft)
    else:
        raise Refused("no step has failed, so that there is nothing to retry")
    draft.error = None
    names = reopen.failed_steps(draft)
    if names:
        return f"may start again: {', '.join(names)}"
    return "the Task's output is made again" if output_failed else "goes on where it stood"


def _resolve(draft: Draft, action: Action) -> str:
    if draft.ended and draft.state is not TaskState.ERROR:
        raise Refused(f"the Task is {draft.state}")
    if draft.state is TaskState.COMPENSATING:
        raise Refused("the Task is Compensating: use Abandon to leave the rest as it is")
    if action.has_result:
        draft.result = results.stored_task_result(draft, action.result)
    if draft.ended:
        before = draft.ending or Ending(
            EndingTrigger.RESOLVED, draft.now, EndingPhase.DONE, TaskOutcome.RESOLVED_MANUALLY
        )
        draft.ending = replace(before, trigger=EndingTrigger.RESOLVED, outcome=TaskOutcome.RESOLVED_MANUALLY)
        draft.outcome = TaskOutcome.RESOLVED_MANUALLY
        draft.finished_at = draft.now
        draft.stale = False
        draft.move_task(TaskEvent.RESOLVE, TaskState.RESOLVED_MANUALLY, action.reason)
        return "the Task is ResolvedManually"
    ending.decide_end(draft, EndingTrigger.RESOLVED, TaskOutcome.RESOLVED_MANUALLY, compensate=False)
    if draft.plan.running_steps is RunningSteps.TERMINATE:
        forward.stop_running(draft, "Resolved")
    return "the Task ends ResolvedManually once nothing of it runs"


def _give_up(draft: Draft) -> str:
    if draft.state is not TaskState.BLOCKED_BY_FAILURES:
        raise Refused(f"the Task is {draft.state}, and only one that is BlockedByFailures can be given up: cancel it")
    if draft.error is None and not forward.failed_steps(draft):
        raise Refused("an action before this one has repaired what had failed, and the Task goes on")
    ending.give_up(draft, now=True)
    return "the Task is given up"
