"""How a Task comes to its end: the decision that it ends, the wait until nothing runs, and the last word.

Semantics 3 and 4. The end is decided once and written to ``status.ending``; from then on only the saga and this file
move the Task, whatever a clock or a restart says.
"""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import forward, saga
from kubesaga.engine.records import Attention, Ending
from kubesaga.engine.snapshot import Phase
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    FailureStrategy,
    Role,
    StepState,
    TaskEvent,
    TaskOutcome,
    TaskState,
)

# A pod's grace plus two minutes (seconds): what has not stopped by then is on a node that nobody hears from.
NOT_STOPPED_AFTER = 150.0
_NOTHING_RUNS = frozenset({Phase.ABSENT, Phase.LOST, Phase.FENCED})


def deadline(draft: Draft) -> None:
    """End the forward work once the Task's timeout is over; whatever runs is stopped."""
    timeout, started = draft.plan.timeout, draft.started_at
    if timeout is None or started is None or draft.ending or not forward.running(draft):
        return
    if draft.now < started + timeout:
        draft.wake(started + timeout)
        return
    _decide_end(draft, EndingTrigger.DEADLINE, TaskOutcome.FAILED)
    draft.emit("DeadlineExceeded", f"did not finish within its timeout of {timeout:g} s", warning=True)
    forward.stop_running(draft, "DeadlineExceeded")


def give_up(draft: Draft) -> None:
    """End a Task that is blocked by failures once the time in which it could be repaired is over."""
    if draft.state is not TaskState.BLOCKED_BY_FAILURES or draft.ending or draft.blocked_since is None:
        return
    until = draft.blocked_since + draft.plan.blocked_timeout
    if draft.now < until:
        draft.wake(until)
        return
    continuing = draft.plan.failure_strategy is FailureStrategy.CONTINUE
    _decide_end(draft, EndingTrigger.FAILED, TaskOutcome.FAILED if continuing else TaskOutcome.ABORTED)


def succeed(draft: Draft) -> None:
    """End a Task all of whose steps are done; its result is its sinks' results by name."""
    tolerated = any(record.state is StepState.ERROR for record in draft.steps)
    outcome = TaskOutcome.PARTIALLY_SUCCEEDED if tolerated else TaskOutcome.SUCCEEDED
    draft.ending = Ending(EndingTrigger.SUCCEEDED, draft.now, EndingPhase.DONE, outcome)
    draft.result = {draft.steps[i].name: draft.steps[i].result for i in draft.plan.graph.sinks}
    _finish(draft, TaskEvent.ALL_STEPS_DONE, TaskState.COMPLETE)


def end(draft: Draft) -> None:
    """Carry a decided end on: quiesce, compensate if due, and finish."""
    if draft.ending is None or draft.ended:
        return
    if draft.ending.phase is EndingPhase.QUIESCING:
        _quiesce(draft)
    if draft.ending.phase is EndingPhase.COMPENSATING:
        saga.run(draft)
        if saga.is_done(draft):
            draft.ending = replace(draft.ending, outcome=TaskOutcome.COMPENSATED)
            _finish(draft, TaskEvent.COMPENSATION_DONE, TaskState.ERROR)


def _quiesce(draft: Draft) -> None:
    """Wait until no forward attempt runs or can run; then freeze the saga's plan, or end."""
    restless = [i for i in range(len(draft.steps)) if not _is_quiet(draft, i)]
    if restless:
        _name_what_does_not_stop(draft, restless)
        return
    assert draft.ending is not None
    compensating = draft.plan.failure_strategy is FailureStrategy.COMPENSATE
    plan = saga.freeze(draft) if compensating else ()
    event = TaskEvent.DEADLINE_EXCEEDED
    if draft.ending.trigger is EndingTrigger.FAILED:
        event = TaskEvent.GIVE_UP
    if plan:
        saga.begin(draft, plan)
        draft.ending = replace(draft.ending, phase=EndingPhase.COMPENSATING)
        draft.move_task(event, TaskState.COMPENSATING)
    else:
        _finish(draft, event, TaskState.ERROR)


def _is_quiet(draft: Draft, i: int) -> bool:
    record = draft.steps[i]
    if record.state in LIVE_STEP_STATES:
        return False
    seen = draft.observed(i, Role.FORWARD)
    return record.attempt == 0 or seen.terminal or seen.phase in _NOTHING_RUNS


def _name_what_does_not_stop(draft: Draft, restless: list[int]) -> None:
    for i in restless:
        record = draft.steps[i]
        since = record.stop.at if record.stop else record.finished_at
        if since is None:
            continue
        if draft.now < since + NOT_STOPPED_AFTER:
            draft.wake(since + NOT_STOPPED_AFTER)
            continue
        where = draft.observed(i, Role.FORWARD).location or "its pod"
        draft.attention = Attention(
            "StepNotStopped",
            f"step {record.name} should have ended but {where} has not been seen to; make sure that nothing of it "
            "runs any more, then delete the pod with --force --grace-period=0",
        )


def _decide_end(draft: Draft, trigger: EndingTrigger, outcome: TaskOutcome) -> None:
    draft.ending = Ending(trigger, draft.now, EndingPhase.QUIESCING, outcome)


def _finish(draft: Draft, event: TaskEvent, state: TaskState) -> None:
    assert draft.ending is not None
    draft.ending = replace(draft.ending, phase=EndingPhase.DONE)
    draft.outcome = draft.ending.outcome
    draft.finished_at = draft.now
    draft.move_task(event, state)
    succeeded = state is TaskState.COMPLETE
    draft.emit(
        "TaskSucceeded" if succeeded else "TaskFailed",
        f"ended {state}, outcome {draft.outcome}",
        warning=not succeeded,
    )
