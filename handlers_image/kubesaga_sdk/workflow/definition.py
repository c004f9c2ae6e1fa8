"""What every workflow written in Python boils down to: named steps, each with a program, and how they hang together.

`Workflow` (tasks in a row) and `TaskHandler` (a graph of handlers) are Definitions; `template` makes a TaskTemplate of
one, `plan` the engine's plan, and the runners run it. All three read the same StepDefinitions, so they agree.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kubesaga_sdk.context import StepContext
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.retry import RetryPolicy

if TYPE_CHECKING:
    from kubesaga.engine.plan import Plan

T = TypeVar("T")
Doc = dict[str, Any]

MAX_STEP_NAME = 40
MAX_STEPS = 500
LOGICAL_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,61}[a-z0-9])?")
_STEP_NAME = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?")


class FailureStrategy(StrEnum):
    """What a step that failed for good does to its workflow."""

    ABORT = "Abort"
    """Nothing new starts."""
    CONTINUE = "Continue"
    """What does not depend on it goes on."""
    COMPENSATE = "Compensate"
    """Nothing new starts, and what was done is undone in reverse order."""


class Program(ABC):
    """What one step runs in one role."""

    config: Mapping[str, Any]
    """What the program reads by `context.get_config`."""

    @property
    @abstractmethod
    def is_async(self) -> bool:
        """Whether it is written with `async def`."""

    @abstractmethod
    def run(self, context: StepContext) -> Any:
        """Do one attempt in this process: the result, or an awaitable of it. Raises what the user's code raises."""


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step. ``timeout`` (seconds) is that of one attempt, forward or undoing; ``undo`` None = nothing to undo."""

    name: str
    program: Program
    depends_on: tuple[str, ...] = ()
    run_after: tuple[str, ...] = ()
    description: str = ""
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - immutable
    timeout: float | None = None
    skippable: bool = False
    undo: Program | None = None
    undo_retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - immutable


class Definition(ABC, Generic[T]):
    """A workflow written in Python; `T` is the type of the data that it is run with."""

    name: str
    domain: str = "default"
    version: str = "0.1.0"
    description: str = ""
    failure_strategy: FailureStrategy = FailureStrategy.ABORT
    timeout: float | None = None

    @abstractmethod
    def steps(self) -> Sequence[StepDefinition]:
        """All steps, in the order in which they are written. Raises WorkflowError."""

    @abstractmethod
    def handler(self, step: StepDefinition) -> Doc:
        """The step's `handler` in a template. Raises NoImportPath."""

    @abstractmethod
    def compensation(self, step: StepDefinition) -> Doc:
        """Whose handler undoes a step, in a template: empty for the step's own. Raises NoImportPath."""

    @abstractmethod
    def begin(self, context: ExecutionContext[T]) -> Doc:
        """The Task's context that a run begins with. Raises InvalidData, WorkflowError."""

    @abstractmethod
    def end(self, context: Doc, metadata: Doc, results: Mapping[str, Any]) -> tuple[T, Doc]:
        """Data and metadata after a run, from what it began with and the steps' results (in order, None = none)."""

    @property
    def output(self) -> str | None:
        """The step whose result is the Task's; None = the results of the last steps, by name."""
        return None

    @property
    def input_schema(self) -> Doc | None:
        """The JSON Schema of the Task's context."""
        return None

    def to_template(self, *, image: str | None = None) -> Doc:
        """The TaskTemplate that runs this workflow on a cluster, as plain JSON values.

        Arguments:
            image: the handlers image that has this code; None = the operator's default.

        Raises NoImportPath where a step cannot be found by its name, WorkflowError for what cannot be a workflow.
        """
        from kubesaga_sdk.workflow.template import template

        return template(self, image)

    def to_json(self, *, image: str | None = None) -> str:
        """The TaskTemplate as JSON, which `kubectl apply -f -` takes. Raises as `to_template`."""
        return json.dumps(self.to_template(image=image), indent=2, ensure_ascii=False)

    def to_plan(self) -> Plan:
        """The engine's plan, the same that the operator makes of `to_template`. Raises EngineMissing, WorkflowError."""
        from kubesaga_sdk.workflow.plan import plan

        return plan(self)


def step_name(*parts: str) -> str:
    """The name of a step from those of the things around it: `Charge Card` in `Payment` is `payment_charge_card`.

    Raises WorkflowError for what makes no name of letters, digits and `_`, or too long a one.
    """
    name = "_".join(_snake(part) for part in parts)
    if not _STEP_NAME.fullmatch(name):
        raise WorkflowError(
            f"{' / '.join(map(repr, parts))} makes no step name ({name!r}): use letters a to z, digits and _, a letter "
            "first"
        )
    if len(name) > MAX_STEP_NAME:
        raise WorkflowError(
            f"step {name} has {len(name)} characters, at most {MAX_STEP_NAME} are allowed: shorten the names of the "
            "processes that it is in, or its own"
        )
    return name


def logical_name(name: str) -> str:
    """A workflow's name as a template's: `Order Fulfilment` is `order-fulfilment`. Raises WorkflowError."""
    found = name if LOGICAL_NAME.fullmatch(name) else _snake(name).replace("_", "-")
    if not LOGICAL_NAME.fullmatch(found):
        raise WorkflowError(
            f"{name!r} is no name for a workflow: use letters a to z, digits, - and _, a letter first, at most 63"
        )
    return found


def check(steps: Sequence[StepDefinition]) -> None:
    """Refuse what is no workflow: nothing in it, too much, or one name for two steps. Raises WorkflowError."""
    if not steps:
        raise WorkflowError("a workflow needs at least one step")
    if len(steps) > MAX_STEPS:
        raise WorkflowError(f"a workflow has at most {MAX_STEPS} steps, not {len(steps)}")
    names = [step.name for step in steps]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorkflowError(
            f"two steps would be called {twice[0]}: names of tasks must differ within a process, and "
            "process_task must be no other task's name"
        )


def _snake(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.strip())
    return re.sub(r"[\s_.-]+", "_", spaced).lower()
