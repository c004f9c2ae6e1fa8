"""The work itself: what attempts did, what a failure means for the others, what is ready and starts.

Semantics 2 and 3. Nothing starts once the Task is failing under Abort or Compensate, or ending: then the steps
under way drain or are stopped, and whatever waits is cancelled.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import approvals, attempts, conditions, reopen, settling
from kubesaga.engine.records import StepRecord, Stop
from kubesaga.engine.states import FINAL_STEP_STATES, LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    FailureStrategy,
    Role,
    RunningSteps,
    StepKind,
    StepState,
    StopAction,
    TaskState,
)

_FORWARD = Role.FORWARD
_DONE = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})


def failed_steps(draft: Draft) -> list[StepRecord]:
    """The steps that failed for good and thereby fail the Task."""
    error = StepState.ERROR  # told by the record first: of a thousand steps few have failed
    return [
        record
        for record, step in zip(draft.steps, draft.plan.steps, strict=True)
        if record.state is error and not (step.continue_on_error or step.final)
    ]


def holding(draft: Draft) -> bool:
    """Whether nothing new may start: the Task is ending, or failing under another strategy than Continue."""
    if draft.ending or draft.ended:
        return True
    return draft.plan.failure_strategy is not FailureStrategy.CONTINUE and bool(failed_steps(draft))


def follow(draft: Draft) -> None:
    """Bring every live step up to what is seen of it."""
    held = holding(draft)
    for i in draft.plan.forward:
        if draft.steps[i].state in LIVE_STEP_STATES:
            attempts.observe(draft, i, _FORWARD, holding=held)
    approvals.check(draft, holding=held)


def time_out(draft: Draft) -> None:
    """Give up waiting for answers that have not come in time."""
    if not holding(draft):
        approvals.time_out(draft)


def settle(draft: Draft) -> None:
    """Decide what became of each finished attempt: done, failed for good, or to be tried again.

    Failures for good come first, since they decide whether the others are tried again.
    """
    undecided = []
    for i in draft.plan.forward:
        if draft.steps[i].state is StepState.ENQUEUED_FOR_ORCHESTRATION:
            settling.accept(draft, i, _FORWARD)
        if draft.steps[i].state is StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION:
            if settling.may_retry(draft, i, _FORWARD):
                undecided.append(i)
            else:
                settling.fail_for_good(draft, i, _FORWARD)
    for i in undecided:
        if holding(draft):
            settling.cancel_waiting(draft, i, _FORWARD)
        else:
            settling.schedule_retry(draft, i, _FORWARD)


def hold_back(draft: Draft) -> None:
    """Once nothing new may start: cancel what waits for a retry, stop what runs if the template says so."""
    if not holding(draft):
        return
    for i in draft.plan.forward:
        if draft.steps[i].state is StepState.WAITING_FOR_RETRY:
            settling.cancel_waiting(draft, i, _FORWARD)
    approvals.check(draft, holding=True)
    if draft.ending is None and draft.plan.running_steps is RunningSteps.TERMINATE:
        stop_running(draft, "SiblingFailed")


def stop_running(draft: Draft, reason: str) -> None:
    """Record for every live step that it is to be stopped and then cancelled.

    One that is being stopped for a TaskAction is left to it, unless an end is decided that no action fits any more.
    """
    told = {StopAction.CANCEL} if draft.ending else {StopAction.CANCEL, StopAction.ACT}
    for i in draft.plan.forward:
        record = draft.steps[i]
        stopping = record.stop and record.stop.action in told
        if record.state in LIVE_STEP_STATES and not stopping:
            attempts.stop(draft, i, _FORWARD, Stop(reason, draft.now, StopAction.CANCEL))


def launch(draft: Draft) -> None:
    """Enqueue every ready step, the higher priority first where parallelism limits."""
    if holding(draft) or not running(draft):
        return
    reopen.cancelled_steps(draft)  # those whose stop was seen only after what failed had been repaired
    if not draft.snapshot.suspended:
        for i in draft.plan.forward:
            if draft.steps[i].state is StepState.WAITING_FOR_RETRY:
                settling.retry_if_due(draft, i, _FORWARD)
    ready = _weighed(draft)
    if holding(draft):  # an expression failed
        hold_back(draft)
        return
    if draft.snapshot.suspended or not draft.snapshot.slot:
        return
    for i in _within_parallelism(draft, ready):
        settling.enqueue(draft, i, _FORWARD)


def _weighed(draft: Draft) -> list[int]:
    """The steps that are ready and to run; a skip may make others ready, so the question is asked again after one."""
    runs: set[int] = set()
    while True:
        ready = ready_steps(draft)
        fates = {i: conditions.weigh(draft, i) for i in ready if i not in runs}
        runs |= {i for i, fate in fates.items() if fate is conditions.Fate.RUNS}
        if all(fate is conditions.Fate.RUNS for fate in fates.values()):
            return ready


def _within_parallelism(draft: Draft, ready: list[int]) -> list[int]:
    """Those that may start now. Approvals run nothing, so they take no place."""
    limit, steps = draft.plan.parallelism, draft.plan.steps
    if limit is None:
        return ready
    free = limit - sum(
        draft.steps[i].state in LIVE_STEP_STATES and steps[i].kind is not StepKind.APPROVAL for i in draft.plan.forward
    )
    chosen = []
    for i in sorted(ready, key=lambda i: -steps[i].priority):
        if steps[i].kind is StepKind.APPROVAL:
            chosen.append(i)
        elif free > 0:
            chosen.append(i)
            free -= 1
    return chosen


def ready_steps(draft: Draft) -> list[int]:
    """The pending steps whose turn it is, in topological order.

    All of dependsOn are done (or failed with continueOnError); all of runAfter are final, or will never be reached
    because a step that they depend on failed.
    """
    graph, steps, forward = draft.plan.graph, draft.steps, draft.plan.forward
    pending = StepState.PENDING
    ready = []
    unreachable: set[int] | None = None
    for i in graph.order:
        if steps[i].state is not pending or i not in forward:
            continue
        if not all(_satisfied(draft, parent) for parent in graph.failure_parents[i]):
            continue
        if graph.order_parents[i]:
            if unreachable is None:
                unreachable = _unreachable(draft)
            if not all(p in unreachable or steps[p].state in FINAL_STEP_STATES for p in graph.order_parents[i]):
                continue
        ready.append(i)
    return ready


def _satisfied(draft: Draft, parent: int) -> bool:
    state = draft.steps[parent].state
    return state in _DONE or (state is StepState.ERROR and draft.plan.steps[parent].continue_on_error)


def _unreachable(draft: Draft) -> set[int]:
    """The steps downstream, by dependsOn, of one that failed or was cancelled."""
    graph, steps = draft.plan.graph, draft.steps
    found: set[int] = set()
    for i in graph.order:
        for parent in graph.failure_parents[i]:
            stuck = steps[parent].state in FINAL_STEP_STATES and not _satisfied(draft, parent)
            if stuck or parent in found:
                found.add(i)
                break
    return found


def running(draft: Draft) -> bool:
    """Whether the Task is in its forward part, with steps to follow."""
    return not draft.ended and draft.state not in (TaskState.PENDING, TaskState.COMPENSATING)
