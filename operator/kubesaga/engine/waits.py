"""Steps without a Job, seen as attempts: child Tasks and approvals run by the same machine as programs.

``Draft.observed`` asks here, so that the policies that follow an attempt need not know what kind of step it is.
"""

from __future__ import annotations

from kubesaga.engine.records import StepError, StepRecord
from kubesaga.engine.snapshot import ABSENT, Child, Observation, Phase, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, StepKind, TaskOutcome, TaskState

_GOOD = frozenset({TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY})
_FENCED = Observation(Phase.FENCED, terminal=True)


def observed(snapshot: Snapshot, record: StepRecord, i: int, role: Role, kind: StepKind) -> Observation:
    """What is seen of the step's child Task or approval, as of an attempt's Job."""
    if kind is StepKind.APPROVAL:
        live = record.state in LIVE_STEP_STATES
        return Observation(Phase.RUNNING if live else Phase.ABSENT, terminal=not live, started_at=record.started_at)
    child = snapshot.children.get(i)
    name = record.child_name or (snapshot.status.steps[i].child_name if i < len(snapshot.status.steps) else None)
    if role is Role.COMPENSATION:
        return _undoing(child, name)
    if child is None:
        return snapshot.forward.get(i, ABSENT)  # which says why it cannot be created, if it cannot
    return _forward(child, record, name)


def _forward(child: Child, record: StepRecord, name: str | None) -> Observation:
    if child.foreign:
        taken = StepError(
            "NameTaken",
            f"the name of the child Task, {name}, is taken by another Task; delete or rename that one, then retry",
            retryable=False,
        )
        return Observation(Phase.FENCED, terminal=True, error=taken)
    if child.fence:
        return _FENCED
    if child.gone:
        return _gone(record, name)
    ended = child.state in TERMINAL_TASK_STATES
    obeyed = child.obeyed >= record.attempt
    if child.state in _GOOD:
        return Observation(
            Phase.SUCCEEDED,
            terminal=True,
            result=child.result,
            started_at=child.started_at,
            finished_at=child.finished_at,
        )
    if not ended:
        started = child.started_at is not None
        waits = None if started or not child.message else StepError("ChildNotStarted", f"{name}: {child.message}")
        return Observation(
            Phase.RUNNING if started and obeyed else Phase.WAITING,
            problem=waits,
            started_at=child.started_at,
            waiting_since=record.enqueued_at,
            stopping=bool(record.stop),
            location=f"child Task {name}",
        )
    if not obeyed and child.reopenable and record.state in LIVE_STEP_STATES and not record.stop:
        return Observation(Phase.WAITING, waiting_since=record.enqueued_at, location=f"child Task {name}")
    return Observation(
        Phase.FAILED,
        terminal=True,
        started_at=child.started_at,
        finished_at=child.finished_at,
        error=_failure(child, name),
    )


def _failure(child: Child, name: str | None) -> StepError:
    """Why a child that ended did not do its step's work; one that can be reopened may be tried again."""
    return StepError(
        "ChildCancelled" if child.state is TaskState.CANCELLED else "ChildFailed",
        f"child Task {name} ended {child.state}, outcome {child.outcome}: {child.message}",
        code=str(child.outcome) if child.outcome else None,
        retryable=child.reopenable,
        outcome_unknown=not child.undone or child.outcome is TaskOutcome.COMPENSATION_FAILED,
    )


def _gone(record: StepRecord, name: str | None) -> Observation:
    """A child deleted by hand: a human has to say what became of its work, unless the step is given up anyway."""
    lost = StepError(
        "ChildMissing",
        f"child Task {name} was deleted; what it did is not known: look for its effects, then use a TaskAction "
        "Complete, Resolve or Fail on this step",
        retryable=False,
        outcome_unknown=True,
    )
    if record.stop or record.confirmed_stopped:
        return Observation(Phase.FAILED, terminal=True, error=lost, started_at=record.started_at)
    return Observation(Phase.RUNNING, terminal=True, started_at=record.started_at, problem=lost, hopeless=True)


def _undoing(child: Child | None, name: str | None) -> Observation:
    """A child that is asked to undo what it did."""
    if child is None or child.fence or child.foreign:
        return Observation(Phase.SUCCEEDED, terminal=True)  # it never existed
    if child.state in TERMINAL_TASK_STATES and child.started_at is None:
        return Observation(Phase.SUCCEEDED, terminal=True)  # cancelled before it did anything
    if child.gone:
        lost = StepError(
            "ChildMissing",
            f"child Task {name} was deleted, so that it cannot undo what it did; undo it by hand",
            retryable=False,
            outcome_unknown=True,
        )
        return Observation(Phase.FAILED, terminal=True, error=lost)
    if child.state in TERMINAL_TASK_STATES and child.undone:
        if child.outcome is TaskOutcome.COMPENSATION_FAILED:
            kept = StepError(
                "ChildNotUndone",
                f"the compensation of child Task {name} was abandoned: {child.message}",
                retryable=False,
            )
            return Observation(Phase.FAILED, terminal=True, error=kept)
        return Observation(Phase.SUCCEEDED, terminal=True, finished_at=child.finished_at)
    if child.state is TaskState.COMPENSATING:
        return Observation(Phase.RUNNING, started_at=child.started_at)
    return Observation(Phase.WAITING)
