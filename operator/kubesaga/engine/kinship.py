"""What a parent's decision has to know of a child Task, and the other way round: read from the two statuses.

Called by the runtime for Tasks on a cluster, and by ``family`` for Tasks of one process, so that both see the same.
"""

from __future__ import annotations

from kubesaga.engine.policies import reopen
from kubesaga.engine.policies.parent import stop_command
from kubesaga.engine.records import ParentLink, StepRecord, TaskStatus
from kubesaga.engine.snapshot import Child, Parent
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import StepKind


def seen_child(status: TaskStatus, *, fence: bool = False) -> Child:
    """A child by its status. ``result`` may be a ResultRef, for which the caller puts the value."""
    return Child(
        fence=fence,
        state=status.state,
        outcome=status.outcome,
        message=status.message,
        result=status.result,
        started_at=status.started_at,
        finished_at=status.finished_at,
        obeyed=status.parent.attempt if status.parent else 1,
        undone=status.saga is not None and status.state in TERMINAL_TASK_STATES,
        reopenable=reopen.possible(status),
        attention=status.attention.message if status.attention else "",
    )


def seen_parent(
    link: ParentLink, status: TaskStatus, record: StepRecord, undone_by: StepKind | None, *, suspended: bool
) -> Parent:
    """A parent by its status and its record of the child's step.

    ``undone_by`` is the kind of the step's compensation, None if it has none. ``suspended``: it or one above it is.
    """
    compensation = record.compensation
    undoing = compensation is not None and compensation.state in LIVE_STEP_STATES
    ended = status.state in TERMINAL_TASK_STATES
    return Parent(
        link,
        attempt=record.attempt,
        wanted=record.state in LIVE_STEP_STATES and record.stop is None,
        stop=stop_command(record, status.ending),
        undo=undoing and undone_by is StepKind.TASK,
        ending=ended or status.ending is not None,
        ended=ended,
        suspended=suspended,
    )


def link_below(
    name: str, uid: str, key: str | None, template: str, above: ParentLink | None, record: StepRecord
) -> ParentLink:
    """The place of a step's child below the Task of this name and UID.

    ``key`` is that Task's idempotencyKey, ``template`` the ``domain/name`` that it runs, ``above`` its own place.
    """
    return ParentLink(
        name=name,
        uid=uid,
        step=record.name,
        root_key=above.root_key if above else key or uid,
        path=(*(above.path if above else ()), record.name),
        templates=(*(above.templates if above else ()), template),
        attempt=record.attempt,
    )
