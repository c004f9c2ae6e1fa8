"""How a Task comes to its end: the decision that it ends, the wait until nothing runs, and the last word.

Semantics 3 and 4. The end is decided once and written to ``status.ending``; from then on only the saga, ``finally`` and
this file move the Task, whatever a clock or a restart says. The Task keeps its state meanwhile, but for Compensating;
the terminal event comes last.
"""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine import acceptance
from kubesaga.engine.draft import Draft
from kubesaga.engine.encoding import size_of
from kubesaga.engine.plan import ExpressionError
from kubesaga.engine.policies import attempts, finally_steps, forward, results, saga
from kubesaga.engine.records import Ending, ResultRef, StepError
from kubesaga.engine.snapshot import Phase
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    FailureStrategy,
    Role,
    StepEvent,
    StepKind,
    StepOutcome,
    StepState,
    TaskEvent,
    TaskOutcome,
    TaskState,
)

_NOTHING_RUNS = frozenset({Phase.ABSENT, Phase.LOST, Phase.FENCED})
_CANCELS = frozenset({EndingTrigger.CANCELLED, EndingTrigger.PARENT, EndingTrigger.DELETED})
_LAST_EVENTS = {
    EndingTrigger.SUCCEEDED: TaskEvent.ALL_STEPS_DONE,
    EndingTrigger.FAILED: TaskEvent.GIVE_UP,
    EndingTrigger.DEADLINE: TaskEvent.DEADLINE_EXCEEDED,
    EndingTrigger.STALE: TaskEvent.DEADLINE_EXCEEDED,
    EndingTrigger.CANCELLED: TaskEvent.CANCEL,
    EndingTrigger.PARENT: TaskEvent.CANCEL,
    EndingTrigger.DELETED: TaskEvent.CANCEL,
    EndingTrigger.RESOLVED: TaskEvent.RESOLVE,
}


def decide_end(draft: Draft, trigger: EndingTrigger, outcome: TaskOutcome, *, compensate: bool) -> None:
    """Write down that and how the Task ends; it is never weighed again."""
    draft.ending = Ending(trigger, draft.now, EndingPhase.QUIESCING, outcome, compensate)


def is_quiescing(draft: Draft) -> bool:
    """Whether the end is decided and forward work may still run."""
    return draft.ending is not None and draft.ending.phase is EndingPhase.QUIESCING and not draft.ended


def deadline(draft: Draft) -> None:
    """End the forward work once the Task's timeout is over; whatever runs, or drains, is stopped."""
    timeout, started = draft.plan.timeout, draft.run_started_at
    if timeout is None or started is None or draft.ended or not forward.running(draft):
        return
    if draft.ending is not None and not is_quiescing(draft):
        return
    if draft.now < started + timeout:
        draft.wake(started + timeout)
        return
    if draft.ending is None:
        compensate = draft.plan.failure_strategy is FailureStrategy.COMPENSATE
        decide_end(draft, EndingTrigger.DEADLINE, TaskOutcome.FAILED, compensate=compensate)
        draft.emit("DeadlineExceeded", f"did not finish within its timeout of {timeout:g} s", warning=True)
    forward.stop_running(draft, "DeadlineExceeded")


def give_up(draft: Draft, *, now: bool = False) -> None:
    """End a Task that is blocked by failures once the time in which it could be repaired is over, or a human says."""
    if draft.state is not TaskState.BLOCKED_BY_FAILURES or draft.ending or draft.blocked_since is None:
        return
    if not now:
        if draft.snapshot.suspended:
            return
        until = max(draft.blocked_since, draft.resumed_at or 0.0) + draft.plan.blocked_timeout
        if draft.now < until:
            draft.wake(until)
            return
    strategy = draft.plan.failure_strategy
    outcome = TaskOutcome.FAILED if strategy is FailureStrategy.CONTINUE else TaskOutcome.ABORTED
    decide_end(draft, EndingTrigger.FAILED, outcome, compensate=strategy is FailureStrategy.COMPENSATE)


def succeed(draft: Draft) -> None:
    """End a Task all of whose steps are done."""
    tolerated = any(draft.steps[i].state is StepState.ERROR for i in draft.plan.forward)
    outcome = TaskOutcome.PARTIALLY_SUCCEEDED if tolerated else TaskOutcome.SUCCEEDED
    draft.ending = Ending(EndingTrigger.SUCCEEDED, draft.now, EndingPhase.FINALLY, outcome)


def make_result(draft: Draft) -> StepError | None:
    """Set the Task's result: its ``output``, or its sinks' results by name. Says why if that cannot be."""
    try:
        result = draft.plan.output(draft.scope(None)) if draft.plan.output else _sinks(draft)
    except ExpressionError as error:
        return StepError("OutputFailed", str(error), retryable=False)
    check = draft.plan.check_output
    violations = check(result) if check else []
    if violations:
        said = acceptance.listed(violations)
        return StepError("OutputInvalid", f"the Task's result breaks outputSchema: {said}", retryable=False)
    size = size_of(result)
    if size > acceptance.RESULT_LIMIT:
        return StepError(
            "OutputTooLarge",
            f"the Task's result has {size} bytes, of which {acceptance.RESULT_LIMIT} are allowed; return references",
            retryable=False,
        )
    draft.result = results.stored_task_result(draft, result)
    return None


def _sinks(draft: Draft) -> dict[str, object]:
    """The sinks' results by name; where they are too large together, references in place of the large ones."""
    records = [draft.steps[i] for i in draft.plan.sinks]
    large = sum(r.result.size for r in records if isinstance(r.result, ResultRef))
    if large <= acceptance.RESULT_LIMIT // 2:
        values = draft.values([record.result for record in records])
    else:
        values = [_reference(r.result) if isinstance(r.result, ResultRef) else r.result for r in records]
    return {record.name: value for record, value in zip(records, values, strict=True)}


def _reference(ref: ResultRef) -> dict[str, object]:
    return {"resultRef": {"name": ref.name, "sha256": ref.sha256, "size": ref.size}}


def end(draft: Draft) -> None:
    """Carry a decided end on: quiesce, compensate if due, run ``finally``, and finish."""
    if draft.ending is None or draft.ended:
        return
    if draft.ending.phase is EndingPhase.QUIESCING:
        _quiesce(draft)
    if draft.ending.phase is EndingPhase.COMPENSATING and _may_undo(draft):
        saga.run(draft)
        if saga.is_over(draft):
            outcome = (
                TaskOutcome.COMPENSATION_FAILED if draft.saga and draft.saga.abandoned else TaskOutcome.COMPENSATED
            )
            _enter(draft, EndingPhase.FINALLY, outcome)
    if draft.ending.phase is EndingPhase.FINALLY and finally_steps.run(draft) and _is_still(draft):
        _finish(draft)


def _quiesce(draft: Draft) -> None:
    """Wait until no forward attempt runs or can run; then freeze the saga's plan, or go on to the end."""
    assert draft.ending is not None
    if _may_be_taken_up(draft):
        draft.wake(draft.now)
        return
    if not _are_quiet(draft, draft.plan.forward):
        return
    plan = saga.freeze(draft) if draft.ending.compensate else ()
    if not plan:
        _enter(draft, EndingPhase.FINALLY, draft.ending.outcome)
        return
    _enter(draft, EndingPhase.COMPENSATING, draft.ending.outcome)
    draft.move_task(_LAST_EVENTS[draft.ending.trigger], TaskState.COMPENSATING)
    saga.begin(draft, plan)


def _may_be_taken_up(draft: Draft) -> bool:
    """Whether a child Task may just be running again: until this end is written, it does not know better."""
    known = draft.snapshot.status.ending
    if known is not None and known.phase is EndingPhase.QUIESCING:
        return False
    steps = draft.plan.steps
    return any(steps[i].kind is StepKind.TASK and draft.steps[i].attempt > 0 for i in draft.plan.forward)


def _is_quiet(draft: Draft, i: int, role: Role) -> bool:
    record = draft.record(i, role)
    if record.state in LIVE_STEP_STATES:
        return False
    seen = draft.observed(i, role)
    return record.attempt == 0 or record.confirmed_stopped or seen.terminal or seen.phase in _NOTHING_RUNS


def _may_undo(draft: Draft) -> bool:
    """A Task that succeeded did not wait for its last pods: before it is undone on its parent's request, it does."""
    assert draft.ending is not None
    return draft.ending.trigger is not EndingTrigger.REQUESTED or _are_quiet(draft, draft.plan.forward)


def _is_still(draft: Draft) -> bool:
    """Whether no pod of a compensation or of ``finally`` runs any more, where the last word promises that none does."""
    assert draft.ending is not None
    if draft.ending.trigger is EndingTrigger.SUCCEEDED:
        return True
    undone = draft.plan.forward if draft.saga else range(0)
    return _are_quiet(draft, undone, Role.COMPENSATION) and _are_quiet(draft, draft.plan.finals)


def _are_quiet(draft: Draft, steps: range, role: Role = Role.FORWARD) -> bool:
    """Whether nothing of these steps runs or can run; what should have ended and has not is named."""
    restless = [i for i in steps if not _is_quiet(draft, i, role)]
    for i in restless:
        record = draft.record(i, role)
        if record.state not in LIVE_STEP_STATES and record.finished_at is not None:
            attempts.not_stopped(draft, i, role, record.finished_at)
    return not restless


def _enter(draft: Draft, phase: EndingPhase, outcome: TaskOutcome) -> None:
    assert draft.ending is not None
    draft.ending = replace(draft.ending, phase=phase, outcome=outcome)


def _finish(draft: Draft) -> None:
    assert draft.ending is not None
    event, state = _last_move(draft)
    _enter(draft, EndingPhase.DONE, draft.ending.outcome)
    draft.outcome = draft.ending.outcome
    draft.finished_at = draft.now
    draft.stale = draft.stale and state is TaskState.ERROR
    draft.move_task(event, state)
    if state in (TaskState.COMPLETE, TaskState.CANCELLED):
        _cancel_what_never_ran(draft)
    good = state in (TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY)
    names = {TaskState.COMPLETE: "TaskSucceeded", TaskState.CANCELLED: "TaskCancelled", TaskState.ERROR: "TaskFailed"}
    draft.emit(names.get(state, "TaskResolved"), f"ended {state}, outcome {draft.outcome}", warning=not good)


def _last_move(draft: Draft) -> tuple[TaskEvent, TaskState]:
    assert draft.ending is not None
    trigger = draft.ending.trigger
    if draft.state is TaskState.COMPENSATING:
        abandoned = draft.saga is not None and bool(draft.saga.abandoned)
        # A child that is undone on its parent's request keeps what it was: its outcome of before stands until here.
        was_cancelled = trigger is EndingTrigger.REQUESTED and draft.outcome is TaskOutcome.CANCELLED
        cancelled = trigger in _CANCELS or was_cancelled
        event = TaskEvent.ABANDONED if abandoned else TaskEvent.COMPENSATION_DONE
        return event, TaskState.CANCELLED if cancelled else TaskState.ERROR
    if trigger is EndingTrigger.SUCCEEDED:
        return _LAST_EVENTS[trigger], TaskState.COMPLETE
    if trigger is EndingTrigger.RESOLVED:
        return _LAST_EVENTS[trigger], TaskState.RESOLVED_MANUALLY
    return _LAST_EVENTS[trigger], TaskState.CANCELLED if trigger in _CANCELS else TaskState.ERROR


def _cancel_what_never_ran(draft: Draft) -> None:
    """A Task that is done or cancelled has no steps to come; a failed one keeps them for when it is reopened."""
    for i in draft.plan.forward:
        if draft.steps[i].state is StepState.PENDING:
            draft.move_step(i, Role.FORWARD, StepEvent.CANCEL, StepState.CANCELLED, outcome=StepOutcome.CANCELLED)
