"""What a human may do to one step: try it again, say what became of it, answer it, or confirm that it has stopped.

A step that is under way is stopped first (``Stop`` with action Act); the action is applied in the pass that sees it
stopped, from the state in which the stop left it. On a Task that has failed each of them reopens it first.
"""

from __future__ import annotations

from collections.abc import Callable

from kubesaga.engine import acceptance
from kubesaga.engine.draft import Draft
from kubesaga.engine.policies import approvals, attempts, conditions, forward, reopen, results, settling
from kubesaga.engine.policies.refusal import Refused
from kubesaga.engine.records import StepError, StepRecord, Stop
from kubesaga.engine.snapshot import Action, Phase
from kubesaga.engine.states import LIVE_STEP_STATES, STEP_TRANSITIONS
from kubesaga.engine.vocabulary import (
    ActionType,
    Role,
    StepEvent,
    StepKind,
    StepOutcome,
    StepState,
    StopAction,
    TaskState,
)

_FORWARD = Role.FORWARD
_UNSETTLED = StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION
_STOPPABLE = frozenset({ActionType.COMPLETE, ActionType.RESOLVE, ActionType.SKIP, ActionType.FAIL})


def apply(draft: Draft, action: Action) -> str | None:
    """What was done; None while the step has to stop first. Raises Refused."""
    assert action.step is not None
    i = draft.plan.graph.index[action.step]
    if action.type not in _EFFECTS and action.type is not ActionType.CONFIRM_STOPPED:
        raise Refused(f"{action.type} is for the whole Task: leave spec.step out")
    record = draft.steps[i]
    if action.expected_attempt is not None and action.expected_attempt != record.attempt:
        raise Refused(f"it expects attempt {action.expected_attempt} of {record.name}, which is at {record.attempt}")
    if action.type is ActionType.CONFIRM_STOPPED:
        return _confirm_stopped(draft, i, action)
    if draft.plan.steps[i].final:
        raise Refused("a step of finally runs to its own end")
    _check_fit(draft, i, action)
    if record.state in LIVE_STEP_STATES and action.type in _STOPPABLE:
        return _after_stop(draft, i, action)
    _take_up(draft, action)
    return _EFFECTS[action.type](draft, i, action)


def _check_fit(draft: Draft, i: int, action: Action) -> None:
    """Refuse what cannot be done, while nothing has changed yet."""
    if draft.ended:
        task_reopens(draft)
    state = draft.steps[i].state
    if state is StepState.CANCELLED:
        state = StepState.PENDING  # a repair takes cancelled steps up again
    _CHECKS[action.type](draft, i, action, state)


def _check_complete(draft: Draft, i: int, action: Action, state: StepState) -> None:
    if state not in STEP_TRANSITIONS[StepEvent.COMPLETE_MANUALLY]:
        raise Refused(f"{draft.steps[i].name} is {state}: what is over keeps its result")
    _check_result(draft, i, action.result)


def _check_resolve(draft: Draft, i: int, _: Action, state: StepState) -> None:
    if state not in STEP_TRANSITIONS[StepEvent.RESOLVE_MANUALLY]:
        raise Refused(f"{draft.steps[i].name} is {state}: what is over keeps its result")


def _check_skip(draft: Draft, i: int, _: Action, state: StepState) -> None:
    name = draft.steps[i].name
    if not draft.plan.steps[i].skippable:
        raise Refused(f"{name} is not skippable in its template: use Complete or Resolve")
    if state not in STEP_TRANSITIONS[StepEvent.SKIP] and state not in LIVE_STEP_STATES and state is not _UNSETTLED:
        raise Refused(f"{name} is {state}")


def _check_fail(draft: Draft, i: int, _: Action, state: StepState) -> None:
    if state not in STEP_TRANSITIONS[StepEvent.FAIL] and state not in LIVE_STEP_STATES:
        raise Refused(f"{draft.steps[i].name} is {state}")


def _check_approve(draft: Draft, i: int, action: Action, state: StepState) -> None:
    is_approval = draft.plan.steps[i].kind is StepKind.APPROVAL
    if is_approval and state is StepState.ERROR:
        _check_nobody_answered(draft, i)
        _check_nobody_went_on(draft, i)
    else:
        _check_reject(draft, i, action, state)
    _check_result(draft, i, _answer(action))


def _check_reject(draft: Draft, i: int, _: Action, __: StepState) -> None:
    record = draft.steps[i]
    if draft.plan.steps[i].kind is not StepKind.APPROVAL:
        raise Refused(f"{record.name} is no approval")
    if not approvals.is_open(draft, i):
        raise Refused(f"{record.name} is {record.state}: it does not wait for an answer")


def _check_nobody_answered(draft: Draft, i: int) -> None:
    """A yes that comes late is taken; it does not overrule a human's no, which only a Retry opens again."""
    record = draft.steps[i]
    if record.error is None or record.error.type != approvals.TIMEOUT:
        raise Refused(f"{record.name} has failed ({record.error}): a TaskAction Retry asks for an answer again")


def _check_result(draft: Draft, i: int, result: object) -> None:
    problem = acceptance.refusal(draft.plan.steps[i], result, None)
    if problem:
        raise Refused(problem.message)


def _check_retry(draft: Draft, i: int, _: Action, state: StepState) -> None:
    record = draft.steps[i]
    if record.state is StepState.CANCELLED and not forward.failed_steps(draft):
        return  # by a deadline, or with its Task: there is no failure that would hold it back
    if state is not StepState.ERROR:
        hint = "; it will be tried again by itself" if state is StepState.WAITING_FOR_RETRY else ""
        raise Refused(f"{record.name} is {record.state}, and only a step in Error can be retried{hint}")
    _check_nobody_went_on(draft, i)


def _check_nobody_went_on(draft: Draft, i: int) -> None:
    """What was tolerated may not be done after all once somebody has counted on its failure."""
    if draft.plan.steps[i].continue_on_error:
        started = [draft.steps[j].name for j in _dependents(draft, i) if draft.steps[j].state is not StepState.PENDING]
        if started:
            raise Refused(f"what depends on {draft.steps[i].name} has gone on without it: {', '.join(started)}")


def _dependents(draft: Draft, i: int) -> list[int]:
    return [j for j in draft.plan.forward if i in draft.plan.graph.failure_parents[j]]


def task_reopens(draft: Draft) -> None:
    """Refuse unless a Task that has ended can be taken up again by hand."""
    if draft.snapshot.deleting:
        raise Refused("the Task is being deleted, with everything that was made for it: create another one")
    parent = draft.snapshot.parent
    if parent is not None and parent.ending:
        raise Refused("its parent Task is ending or has ended: act on that one")
    if parent is not None and parent.stop:
        raise Refused("its parent Task goes on without it: act on that one")
    if draft.state is TaskState.CANCELLED or not reopen.possible(draft.snapshot.status):
        raise Refused(f"the Task is {draft.state}, outcome {draft.outcome}: it cannot be taken up again")


def _take_up(draft: Draft, action: Action) -> None:
    """Reopen a Task that has ended, and give the steps that its failure cancelled their turn again."""
    if draft.ended:
        reopen.task(draft, f"by TaskAction {action.name}")
    else:
        reopen.cancelled_steps(draft)
    draft.error = None


def _after_stop(draft: Draft, i: int, action: Action) -> str | None:
    """Have the step stopped; the action applies once that is seen. An approval has nothing to stop."""
    record = draft.steps[i]
    if approvals.is_open(draft, i):
        approvals.close(draft, i, StepError("ClosedByAction", f"closed by TaskAction {action.name}", retryable=False))
    elif record.stop is None or record.stop.action is not StopAction.ACT:
        attempts.stop(draft, i, _FORWARD, Stop(f"Action{action.type}", draft.now, StopAction.ACT))
    if draft.steps[i].state in LIVE_STEP_STATES:
        return None
    _take_up(draft, action)
    return _EFFECTS[action.type](draft, i, action)


def _confirm_stopped(draft: Draft, i: int, action: Action) -> str:
    """A human's word that nothing of an attempt runs any more, of the step's work or of its undoing."""
    for role in (Role.FORWARD, Role.COMPENSATION):
        record = draft.steps[i] if role is Role.FORWARD else draft.steps[i].compensation
        if record is not None and _should_have_stopped(draft, i, role, record):
            draft.change_step(i, role, confirmed_stopped=True)
            attempts.observe(draft, i, role, holding=forward.holding(draft))
            return f"attempt {record.attempt} of {record.name} counts as stopped"
    raise Refused(f"{action.step} is not being stopped: there is nothing to confirm")


def _should_have_stopped(draft: Draft, i: int, role: Role, record: StepRecord) -> bool:
    if not record.attempt or record.confirmed_stopped:
        return False
    if record.state in LIVE_STEP_STATES:
        return record.stop is not None or draft.observed(i, role).gone_by is not None
    if draft.ending is None or draft.ended or record.finished_at is None:
        return False
    seen = draft.observed(i, role)
    return not seen.terminal and seen.phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.WAITING, Phase.RUNNING)


def _retry(draft: Draft, i: int, _: Action) -> str:
    if draft.steps[i].state is StepState.ERROR:  # one that was cancelled is ready again already
        reopen.reset(draft, i, _FORWARD)
    return f"attempt {draft.steps[i].attempt + 1} of {draft.steps[i].name} may start"


def _complete(draft: Draft, i: int, action: Action) -> str:
    _end_by_hand(draft, i, action, StepEvent.COMPLETE_MANUALLY, StepState.COMPLETE, StepOutcome.SUCCEEDED)
    return f"{draft.steps[i].name} is Complete with the given result"


def _resolve(draft: Draft, i: int, action: Action) -> str:
    state, outcome = StepState.RESOLVED_MANUALLY, StepOutcome.RESOLVED_MANUALLY
    _end_by_hand(draft, i, action, StepEvent.RESOLVE_MANUALLY, state, outcome)
    return f"{draft.steps[i].name} is ResolvedManually"


def _end_by_hand(
    draft: Draft, i: int, action: Action, event: StepEvent, state: StepState, outcome: StepOutcome
) -> None:
    """The step is over, with the action's result."""
    stored = results.stored(draft, i, action.result)
    draft.move_step(
        i,
        _FORWARD,
        event,
        state,
        outcome=outcome,
        result=stored,
        finished_at=draft.now,
        next_retry_at=None,
        stop=None,
        error=None,
    )


def _skip(draft: Draft, i: int, action: Action) -> str:
    if draft.steps[i].state is _UNSETTLED:
        draft.move_step(i, _FORWARD, StepEvent.FAIL, StepState.ERROR, outcome=StepOutcome.FAILED)
    conditions.skip(draft, i, f"skipped by TaskAction {action.name}")
    return f"{draft.steps[i].name} is skipped"


def _fail(draft: Draft, i: int, action: Action) -> str:
    why = action.reason or f"failed by TaskAction {action.name}"
    conditions.fail(draft, i, StepError("FailedManually", why, retryable=False))
    return f"{draft.steps[i].name} is in Error"


def _approve(draft: Draft, i: int, action: Action) -> str:
    if draft.steps[i].state is StepState.ERROR:  # the answer came late
        reopen.reset(draft, i, _FORWARD)
        settling.enqueue(draft, i, _FORWARD)
    approvals.approve(draft, i, _answer(action))
    return f"{draft.steps[i].name} is approved"


def _reject(draft: Draft, i: int, action: Action) -> str:
    said = f"rejected{_by(action)}" + (f": {action.reason}" if action.reason else "")
    approvals.refuse(draft, i, StepError("Rejected", said, retryable=False))
    draft.emit("StepFailed", f"{draft.steps[i].name} was {said}", warning=True)
    return f"{draft.steps[i].name} is rejected"


def _answer(action: Action) -> object:
    if action.has_result:
        return action.result
    return {"approved": True, "by": action.requested_by, "reason": action.reason}


def _by(action: Action) -> str:
    return f" by {action.requested_by}" if action.requested_by else ""


_CHECKS: dict[ActionType, Callable[[Draft, int, Action, StepState], None]] = {
    ActionType.RETRY: _check_retry,
    ActionType.COMPLETE: _check_complete,
    ActionType.RESOLVE: _check_resolve,
    ActionType.SKIP: _check_skip,
    ActionType.FAIL: _check_fail,
    ActionType.APPROVE: _check_approve,
    ActionType.REJECT: _check_reject,
}
_EFFECTS: dict[ActionType, Callable[[Draft, int, Action], str]] = {
    ActionType.RETRY: _retry,
    ActionType.COMPLETE: _complete,
    ActionType.RESOLVE: _resolve,
    ActionType.SKIP: _skip,
    ActionType.FAIL: _fail,
    ActionType.APPROVE: _approve,
    ActionType.REJECT: _reject,
}
