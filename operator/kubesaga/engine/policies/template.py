"""A Task whose template is not there: one that has not started waits, one that has needs a human."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.engine.decision import Decision, Event
from kubesaga.engine.records import Attention
from kubesaga.engine.snapshot import Snapshot
from kubesaga.engine.vocabulary import TaskState


def wait_for_template(snapshot: Snapshot) -> Decision:
    """Say what the Task waits for. A template that appears later wakes it."""
    status, problem = snapshot.status, snapshot.template_problem
    assert problem is not None
    if status.state is TaskState.PENDING:
        after = replace(status, reason=problem.reason, message=problem.message)
    else:
        after = replace(
            status,
            attention=Attention(problem.reason, problem.message),
            message=f"needs attention: {problem.message}",
        )
    if after == status:
        return Decision(status)
    return Decision(after, events=(Event(problem.reason, problem.message, warning=True),))
