"""One run of a workflow in this process: the engine's Session, and what the runners tell it and ask of it.

Both runners drive a Run; they differ only in how they call programs and how they wait.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kubesaga_sdk import json_value
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow import inputs
from kubesaga_sdk.workflow.attempts import Ended
from kubesaga_sdk.workflow.codec import InvalidData
from kubesaga_sdk.workflow.definition import Definition, Program
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.outcomes import Failure, Outcome
from kubesaga_sdk.workflow.steps import RUN_FACTS, own
from kubesaga_sdk.workflow.tasks import Executable
from kubesaga_sdk.workflow.workflows import Workflow

if TYPE_CHECKING:
    from kubesaga.engine.decision import Attempt, Decision
    from kubesaga.engine.records import StepError, StepRecord

T = TypeVar("T")


def definition_of(workflow: Definition[T] | Executable[T]) -> Definition[T]:
    """A workflow, or one made of a single process or task. Raises WorkflowError for anything else."""
    if isinstance(workflow, Definition):
        return workflow
    if not isinstance(workflow, Executable):
        raise WorkflowError(
            f"{workflow!r} is no Workflow, TaskHandler object, Process or Task: write @task() above a function, and () "
            "behind a TaskHandler's class"
        )
    return Workflow(workflow.name, [workflow])


class Run(Generic[T]):
    """A run from its beginning to its end. Raises EngineMissing, WorkflowError and InvalidData before anything runs."""

    def __init__(
        self, definition: Definition[T], context: ExecutionContext[T], execution_id: str | None, now: float
    ) -> None:
        plan = definition.to_plan()
        from kubesaga.engine.session import Session

        if not isinstance(context, ExecutionContext):
            raise WorkflowError(f"a run begins with an ExecutionContext(data), not with {type(context).__name__}")
        if fault := json_value.fault(context.metadata, "metadata"):
            raise InvalidData(f"the context's metadata cannot be written as JSON: {fault}", "InvalidData")
        if definition.input_schema is not None:
            _say_unchecked(definition.name)
        self._definition = definition
        self._steps = {step.name: step for step in definition.steps()}
        self._before = context.trace
        self._metadata = _as_json({key: each for key, each in context.metadata.items() if key not in RUN_FACTS})
        self._history = inputs.History()
        self._raised: dict[tuple[str, bool], BaseException | None] = {}
        self._session = Session(
            plan,
            name=definition.name,
            uid=execution_id or str(uuid.uuid4()),
            context=_as_json(definition.begin(context)),
            created_at=now,
        )

    def decide(self, now: float) -> Decision:
        """What follows now."""
        decision = self._session.decide(now)
        self._history.add(decision.transitions)
        return decision

    @property
    def over(self) -> bool:
        """Whether it has ended, or goes no further without a human."""
        return self._session.ended or self._session.waits_for_human

    def program(self, attempt: Attempt) -> tuple[Program, StepContext, float | None]:
        """What an attempt runs, with what, and for how long (seconds) at most."""
        step = self._steps[attempt.step]
        program = step.undo if _undoes(attempt) else step.program
        assert program is not None
        document = inputs.document(
            self._session, self._history, attempt, config=program.config, metadata=self._metadata
        )
        return program, StepContext(document), step.timeout

    def is_async(self, attempt: Attempt) -> bool:
        """Whether the attempt's program is a coroutine function."""
        step = self._steps[attempt.step]
        program = step.undo if _undoes(attempt) else step.program
        return program is not None and program.is_async

    def started(self, attempt: Attempt, now: float) -> None:
        """An attempt's program runs."""
        self._session.started(attempt, now)

    def ended(self, attempt: Attempt, ended: Ended, now: float) -> None:
        """An attempt came to its end."""
        self._raised[attempt.step, _undoes(attempt)] = ended.raised
        if ended.error is None:
            self._session.succeeded(attempt, now, ended.result, ended.metadata)
        else:
            self._session.failed(attempt, now, ended.error)

    def timed_out(self, attempt: Attempt, now: float) -> None:
        """An attempt took too long, and runs no more."""
        from kubesaga.engine.session import TIMED_OUT

        self.ended(attempt, Ended(error=TIMED_OUT), now)

    def stopped(self, attempt: Attempt, now: float) -> None:
        """An attempt was stopped, as the engine asked."""
        self._session.stopped(attempt, now)

    def never_started(self, attempts: Iterable[Attempt], now: float) -> None:
        """The engine asked to stop attempts that had not begun: nothing of them is to be undone."""
        from kubesaga.engine.records import StepError

        for attempt in attempts:
            self._session.failed(attempt, now, StepError("Terminated", "stopped before it began"))

    def outcome(self) -> Outcome[T]:
        """What it came to."""
        session, status = self._session, self._session.status
        results = {record.name: inputs.result_of(session, record) for record in status.steps}
        data, metadata = self._definition.end(dict(session.context), self._metadata, results)
        facts = inputs.facts(session)
        facts["finishedAt"] = inputs.rfc3339(status.finished_at) if status.finished_at is not None else None
        trace = [*self._before, *self._history.trace()]
        return Outcome(
            state=str(status.state),
            outcome=str(status.outcome) if status.outcome else None,
            message=status.attention.message if status.attention and not session.ended else status.message,
            context=ExecutionContext(data, trace, {**facts, **own(metadata, facts)}),
            result=session.result,
            results=results,
            attempts={record.name: record.attempt for record in status.steps},
            undone=self._undone(),
            errors=tuple(self._failures()),
        )

    def _undone(self) -> tuple[str, ...]:
        from kubesaga.engine.vocabulary import Role, StepState

        moves = self._session.history
        return tuple(m.step for m in moves if m.step and m.role is Role.COMPENSATION and m.target == StepState.COMPLETE)

    def _failures(self) -> Iterable[Failure]:
        from kubesaga.engine.vocabulary import StepState

        for record in self._session.status.steps:
            for undoing, each in ((False, record), (True, record.compensation)):
                if each is not None and each.state is StepState.ERROR and each.error is not None:
                    yield self._failure(each, each.error, undoing)

    def _failure(self, record: StepRecord, error: StepError, undoing: bool) -> Failure:
        raised = self._raised.get((record.name, undoing))
        return Failure(record.name, undoing, record.attempt, error.type, error.code, error.message, raised)


@cache
def _say_unchecked(name: str) -> None:
    logging.getLogger("kubesaga_workflow").warning(
        "the input schema of %s is checked on a cluster and by the local engine (kubesaga run), but not by a runner in "
        "this process",
        name,
    )


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    """As a Task would bring it: a tuple is a list, 28.0 is 28, and nothing is shared with the caller."""
    from kubesaga.engine.reported import parsed

    found = parsed(json.dumps(value))
    assert found is not None
    return found


def _undoes(attempt: Attempt) -> bool:
    from kubesaga.engine.vocabulary import Role

    return attempt.role is Role.COMPENSATION
