"""Following an attempt while it lives, the same for a step's forward work and for its compensation.

``forward`` and ``saga`` call these for each step; what differs between the two is told by the role and by
``holding``: that nothing new may start, so that whatever has not begun is cancelled. What becomes of an attempt that
is over is settled in ``settling``.
"""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.decision import Attempt
from kubesaga.engine.draft import Draft
from kubesaga.engine.records import Attention, StepError, StepRecord, Stop
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.engine.start_limit import waits_since
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import Role, StepEvent, StepKind, StepOutcome, StepState, StopAction

# A pod that takes longer than this (seconds) to start is told of in the Task's message.
SLOW_START_AFTER = 30.0
# A step that runs this long (seconds) gets its start written down by itself, not only with the next decision.
START_WRITTEN_AFTER = 2.0
# The kubelet tells a container's start in whole seconds, cut off.
START_RESOLUTION = 1.0

# Kubernetes may take away this many pods of one attempt before it counts as failed (semantics 2, Retry).
MOST_DISRUPTIONS = 10
# A pod's grace plus two minutes (seconds): what has not stopped by then is on a node that nobody hears from.
NOT_STOPPED_AFTER = 150.0

_NOTHING_SEEN = (Phase.ABSENT, Phase.LOST)

LOST = StepError(
    "JobLost",
    "the Job and its pods are gone, deleted by someone or something else; whether the work was done is not known",
    outcome_unknown=True,
)
CONFIRMED = StepError(
    "StepNotStopped",
    "the attempt was not seen to stop; a human confirmed that nothing of it runs any more",
    outcome_unknown=True,
)


def observe(draft: Draft, i: int, role: Role, *, holding: bool) -> None:
    """Bring a live attempt's record up to what is seen of it."""
    record = draft.record(i, role)
    if record.state not in LIVE_STEP_STATES:
        return
    seen = draft.observed(i, role)
    if record.confirmed_stopped and not seen.terminal and seen.phase in (Phase.WAITING, Phase.RUNNING):
        seen = replace(seen, phase=Phase.FAILED, terminal=True, error=CONFIRMED)
    match seen.phase:
        case Phase.SUCCEEDED:
            _succeeded(draft, i, role, seen)
        case Phase.FAILED:
            _ended_badly(draft, i, role, seen, seen.error or LOST)
        case Phase.FENCED:
            _fenced(draft, i, role, seen, holding=holding)
        case Phase.LOST:
            _fence(draft, i, role, seen)
        case Phase.ABSENT if record.stop or holding:
            _fence(draft, i, role, seen)
        case Phase.ABSENT | Phase.WAITING:
            _disrupted(draft, i, role, seen)
            _not_running(draft, i, role, draft.record(i, role), seen)
        case Phase.RUNNING:
            _disrupted(draft, i, role, seen)


def _disrupted(draft: Draft, i: int, role: Role, seen: Observation) -> None:
    """Remember each pod that was taken away; the Job has replaced it, and no attempt is counted."""
    record = draft.record(i, role)
    fresh = [name for name in seen.disrupted if name not in record.disrupted]
    if not fresh:
        return
    known = (*record.disrupted, *fresh)
    draft.change_step(i, role, disrupted=known)
    draft.emit("StepDisrupted", f"{label(record, role)}: pod {fresh[-1]} was taken away; its Job replaces it")
    if len(known) > MOST_DISRUPTIONS and record.stop is None:
        error = StepError(
            "DisruptedTooOften",
            f"{len(known)} pods of this attempt were evicted, drained or preempted; run it where it is left in peace",
            outcome_unknown=True,
        )
        _stop_for(draft, i, role, error)


def _start(draft: Draft, i: int, role: Role, seen: Observation) -> None:
    if draft.record(i, role).state is StepState.ENQUEUED:
        draft.move_step(i, role, StepEvent.START, StepState.IN_PROGRESS, started_at=seen.started_at or draft.now)


def _succeeded(draft: Draft, i: int, role: Role, seen: Observation) -> None:
    _start(draft, i, role, seen)
    draft.move_step(
        i,
        role,
        StepEvent.SUCCEEDED,
        StepState.ENQUEUED_FOR_ORCHESTRATION,
        result=seen.result,
        metadata=seen.metadata,
        finished_at=seen.finished_at or draft.now,
        error=None,
        stop=None,
    )
    draft.finished_any = True


def _ended_badly(draft: Draft, i: int, role: Role, seen: Observation, error: StepError) -> None:
    """An attempt that is over: a stop that was asked for explains an end without words of its own."""
    record = draft.record(i, role)
    if record.stop and error.outcome_unknown:
        may_have_run = _may_have_run(record, seen)
        if record.stop.action is StopAction.CANCEL:
            cancel(draft, i, role, seen, outcome_unknown=may_have_run)
            return
        why = record.error if record.stop.action is StopAction.FAIL else None
        error = replace(why or error, outcome_unknown=may_have_run)
    if seen.started_at is not None:
        _start(draft, i, role, seen)
    _failed(draft, i, role, error, seen.finished_at)


def _may_have_run(record: StepRecord, seen: Observation) -> bool:
    """Whether an attempt that is over may have done something, by what is on record and by what is seen of it."""
    return seen.may_have_run or seen.started_at is not None or record.state is StepState.IN_PROGRESS


def _failed(draft: Draft, i: int, role: Role, error: StepError, finished_at: float | None) -> None:
    draft.move_step(
        i,
        role,
        StepEvent.FAILED,
        StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
        error=error,
        finished_at=finished_at or draft.now,
        stop=None,
        outcome_unknown=draft.record(i, role).outcome_unknown or error.outcome_unknown,
    )
    draft.finished_any = True


def _fence(draft: Draft, i: int, role: Role, seen: Observation) -> None:
    """Take the name of an attempt that is not to start; where the API server refuses even that, a human must help."""
    draft.fences.append(draft.attempt(i, role))
    if seen.problem:
        what = label(draft.record(i, role), role)
        draft.attention = Attention(
            "FenceRefused",
            f"{what} is given up, but the API server refuses the empty Job that makes sure that it cannot start any "
            f"more: {seen.problem.message}; the Task goes on once that Job is admitted",
        )


def _fenced(draft: Draft, i: int, role: Role, seen: Observation, *, holding: bool) -> None:
    """Nothing can start under this attempt's name any more, so its fate is settled without it."""
    record = draft.record(i, role)
    may_have_run = _may_have_run(record, seen)
    if record.stop and record.stop.action is not StopAction.CANCEL:
        why = (record.error if record.stop.action is StopAction.FAIL else None) or seen.error or LOST
        _failed(draft, i, role, replace(why, outcome_unknown=why.outcome_unknown or may_have_run), None)
    elif record.stop or (holding and record.state is StepState.ENQUEUED):
        cancel(draft, i, role, None, outcome_unknown=may_have_run)
    else:
        _failed(draft, i, role, seen.error or LOST, None)


def cancel(draft: Draft, i: int, role: Role, seen: Observation | None, *, outcome_unknown: bool) -> None:
    """Give an attempt up, or a step that waits for one; its last error is kept."""
    record = draft.record(i, role)
    draft.move_step(
        i,
        role,
        StepEvent.CANCEL,
        StepState.CANCELLED,
        outcome=StepOutcome.CANCELLED,
        finished_at=(seen.finished_at if seen else None) or draft.now,
        next_retry_at=None,
        outcome_unknown=record.outcome_unknown or outcome_unknown,
    )
    draft.finished_any = True


def _not_running(draft: Draft, i: int, role: Role, record: StepRecord, seen: Observation) -> None:
    if record.stop:
        return
    if seen.phase is not Phase.WAITING:
        draft.launches.append(draft.attempt(i, role))
    if seen.problem and seen.hopeless:
        _stop_for(draft, i, role, seen.problem)
        return
    since = waits_since(record, seen, draft.now)
    if since is None:
        return
    limit = since + draft.start_timeout(i, role)
    if (draft.now if seen.seen_at is None else seen.seen_at) < limit:  # it may have begun since it was looked at
        draft.wake(limit)
        if draft.now < since + SLOW_START_AFTER:
            draft.wake(since + SLOW_START_AFTER)
        return
    _stop_for(draft, i, role, _start_timeout(draft, i, role, seen))


def _start_timeout(draft: Draft, i: int, role: Role, seen: Observation) -> StepError:
    waited = f"did not run within its startTimeout of {draft.start_timeout(i, role):g} s"
    if seen.problem:
        return replace(seen.problem, message=f"{waited}: {seen.problem.message}")
    record = draft.record(i, role)
    if draft.kind(i, role) is StepKind.TASK:
        return StepError("StartTimeout", f"the child Task {waited}: kubectl describe ktask {record.child_name}")
    return StepError(
        "StartTimeout",
        f"the attempt {waited}; a quota, a LimitRange, pod security, an admission webhook or a lack of room may be "
        f"the cause: kubectl describe job {record.job_name}",
    )


def _stop_for(draft: Draft, i: int, role: Role, error: StepError) -> None:
    """Have an attempt that does not start stopped; it fails with this error once that is done."""
    stop = Stop(reason=error.type, at=draft.now, action=StopAction.FAIL)
    draft.change_step(i, role, stop=stop, error=error)
    _fence_instead(draft, draft.attempt(i, role))


def _fence_instead(draft: Draft, attempt: Attempt) -> None:
    if attempt in draft.launches:
        draft.launches.remove(attempt)
        draft.fences.append(attempt)


def stop(draft: Draft, i: int, role: Role, intent: Stop) -> None:
    """Record that an attempt is to be stopped; what was to be launched with this decision is not.

    A child Task is looked at once that is written, and not before: until then it may take itself up again, and
    afterwards it reads here that it must not. One that is over, or gone, brings no further news.
    """
    draft.change_step(i, role, stop=intent)
    _fence_instead(draft, draft.attempt(i, role))
    if draft.kind(i, role) is StepKind.TASK:
        draft.wake(draft.now)


def stop_if_told(draft: Draft, i: int, role: Role) -> None:
    """Have a live attempt's Job stopped whose stop is recorded and that has not been told yet."""
    if draft.record(i, role).stop is None or draft.kind(i, role) is not StepKind.PROGRAM:
        return  # a child reads its stop from this record
    seen = draft.observed(i, role)
    if seen.phase in (Phase.WAITING, Phase.RUNNING) and not seen.stopping:
        draft.stops.append(draft.attempt(i, role))


def name_if_it_does_not_stop(draft: Draft, i: int, role: Role) -> None:
    """Have a human look at what was told to stop, or whose pod somebody deletes, and has not been seen to end."""
    seen = draft.observed(i, role)
    if draft.kind(i, role) is not StepKind.PROGRAM or (seen.problem and seen.phase in _NOTHING_SEEN):
        return  # where a fence is refused there is no pod whose end anybody could confirm
    stop = draft.record(i, role).stop
    since = stop.at if stop else seen.gone_by
    if since is not None:
        not_stopped(draft, i, role, since)


def name_child_in_need(draft: Draft, i: int, role: Role) -> None:
    """Have a human look at the child Task that a step waits for: it cannot go on without one, or was deleted."""
    if draft.kind(i, role) is not StepKind.TASK or draft.attention is not None:
        return
    record, seen, child = draft.record(i, role), draft.observed(i, role), draft.snapshot.children.get(i)
    if seen.phase is Phase.RUNNING and seen.hopeless and seen.problem:
        draft.attention = Attention(seen.problem.type, f"step {record.name}: {seen.problem.message}")
    elif child is not None and child.attention:
        name = draft.steps[i].child_name
        draft.attention = Attention(
            "ChildNeedsAttention",
            f"{label(record, role)} waits for child Task {name}, which needs it: {child.attention}",
        )


def not_stopped(draft: Draft, i: int, role: Role, since: float) -> None:
    """Say which pod has not ended that should have by ``since`` and its grace, and what a human can do."""
    if draft.now < since + NOT_STOPPED_AFTER:
        draft.wake(since + NOT_STOPPED_AFTER)
        return
    record = draft.record(i, role)
    where = draft.observed(i, role).location or "its pod"
    draft.attention = Attention(
        "StepNotStopped",
        f"{label(record, role)} should have ended but {where} has not been seen to; make sure that nothing of it runs "
        f"any more, then apply a TaskAction ConfirmStopped for step {record.name}",
    )


def write_start_if_overdue(draft: Draft, i: int, role: Role, *, writing: bool, holding: bool) -> bool:
    """Record Start of what runs: with any other write, or alone once it has run for a while. True if there is one.

    That of what is to stop, or has lost its Job while nothing may start in its place (``holding``), is recorded at
    once: nobody may be left to say that it ran.
    """
    record, seen = draft.record(i, role), draft.observed(i, role)
    if record.state is not StepState.ENQUEUED or seen.phase is not Phase.RUNNING:
        return writing
    began = seen.started_at
    if began is None or began > draft.now:  # by the clock of its node, which is ahead of ours
        began = record.enqueued_at or draft.now
    overdue = began + START_RESOLUTION + START_WRITTEN_AFTER
    ends_early = draft.kind(i, role) is StepKind.PROGRAM and (record.stop or (holding and seen.stopping))
    if writing or ends_early or draft.now >= overdue:
        _start(draft, i, role, seen)
        return True
    draft.wake(overdue)
    return False


def label(record: StepRecord, role: Role) -> str:
    """How messages name a step or its compensation."""
    return record.name if role is Role.FORWARD else f"compensation of {record.name}"
