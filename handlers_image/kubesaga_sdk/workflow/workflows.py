"""Workflow: tasks and processes in a row, as steps that run after each other.

Its top-level children run in order, and its failure strategy says what the failure of one means for those after it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from kubesaga_sdk.context import StepContext
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow import data_types
from kubesaga_sdk.workflow.codec import Codec, codec_of
from kubesaga_sdk.workflow.definition import (
    Definition,
    FailureStrategy,
    Program,
    StepDefinition,
    check,
    logical_name,
    step_name,
)
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.paths import import_path
from kubesaga_sdk.workflow.retry import check_limit
from kubesaga_sdk.workflow.steps import run_task, run_undo
from kubesaga_sdk.workflow.tasks import Executable, Function, Task, checked, tasks_of

T = TypeVar("T")
Doc = dict[str, Any]

RUN_TASK = "kubesaga_sdk.workflow.steps:RunTask"


class Workflow(Definition[T]):
    """Tasks and processes in a row.

    Arguments:
        name: any text; the template's name in kebab-case.
        steps: its top-level children, run in order.
        strategy: what a failure does: ABORT, CONTINUE with the next top-level child, or COMPENSATE.
        data_type: the dataclass of the data; None = what the functions' annotations `ExecutionContext[Order]` say, else
            dict.
        domain, version, description: of the template.
        timeout: seconds for all forward work.
        input_schema: JSON Schema of the data that a Task brings; checked by the operator and the local engine.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Executable[T]],
        strategy: FailureStrategy = FailureStrategy.ABORT,
        *,
        data_type: type[T] | None = None,
        domain: str = "default",
        version: str = "0.1.0",
        description: str = "",
        timeout: float | None = None,
        input_schema: Mapping[str, Any] | None = None,
    ) -> None:
        check_limit(timeout, f"the timeout of workflow {name}")
        self.name = logical_name(name)
        self.children = checked(steps, f"workflow {name}")
        self.failure_strategy = FailureStrategy(strategy)
        self.domain, self.version, self.description, self.timeout = domain, version, description, timeout
        self._declared_type = data_type
        self._input_schema = input_schema

    @cached_property
    def data_type(self) -> type[T]:
        """The dataclass that its tasks work on, or dict. Raises WorkflowError where their annotations disagree."""
        functions = (function for _, task in tasks_of(self.children) for function in (task.func, task.undo) if function)
        found: type[T] = self._declared_type or data_types.common(functions, self.name)
        return found

    @cached_property
    def _codec(self) -> Codec:
        return codec_of(self.data_type)

    @cached_property
    def _steps(self) -> tuple[StepDefinition, ...]:
        steps: list[StepDefinition] = []
        goes_on = self.failure_strategy is FailureStrategy.CONTINUE
        for child in self.children:
            for position, (path, task) in enumerate(tasks_of([child])):
                before = (steps[-1].name,) if steps else ()
                after_any_end = goes_on and position == 0
                steps.append(
                    StepDefinition(
                        step_name(*path),
                        TaskProgram(task.func, self._codec),
                        depends_on=() if after_any_end else before,
                        run_after=before if after_any_end else (),
                        description=task.description,
                        retry=task.retry_policy,
                        timeout=task.timeout,
                        undo=TaskProgram(task.undo, self._codec, undoes=True) if task.undo else None,
                        undo_retry=task.undo_retry_policy,
                    )
                )
        check(steps)
        return tuple(steps)

    def steps(self) -> Sequence[StepDefinition]:
        return self._steps

    @property
    def output(self) -> str:
        return self._steps[-1].name

    @property
    def input_schema(self) -> Doc | None:
        return None if self._input_schema is None else dict(self._input_schema)

    def handler(self, step: StepDefinition) -> Doc:
        config = {"function": _path_of(step.program, f"the function of task {step.name}")}
        if step.undo:
            config["undo"] = _path_of(step.undo, f"the undo of task {step.name}")
        if self.data_type is not dict:
            config["data"] = import_path(self.data_type, f"the data type of workflow {self.name}")
        return {"callable": RUN_TASK, "config": config}

    def compensation(self, step: StepDefinition) -> Doc:  # noqa: ARG002 - that of any task is in its handler's config
        return {}

    def begin(self, context: ExecutionContext[T]) -> Doc:
        if type(context.data) is not self.data_type:
            raise WorkflowError(
                f"workflow {self.name} works on {self.data_type.__qualname__}, the context's data is "
                f"{type(context.data).__qualname__}: annotate its functions (context: ExecutionContext[TheType]), or "
                "pass data_type= to Workflow"
            )
        encoded: Doc = self._codec.encode_for_good(context.data, "data")
        return encoded

    def end(self, context: Doc, metadata: Doc, results: Mapping[str, Any]) -> tuple[T, Doc]:
        committed = [result for result in results.values() if result is not None]
        state = committed[-1] if committed else {"data": context, "metadata": metadata}
        return self._codec.decode(state["data"], "data"), dict(state["metadata"])

    def __repr__(self) -> str:
        return f"Workflow({self.name!r}, {list(self.children)!r}, {self.failure_strategy})"


@dataclass(frozen=True, slots=True)
class TaskProgram(Program):
    """A task's function, or its undo."""

    function: Function[Any]
    codec: Codec
    undoes: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_async(self) -> bool:
        """Whether it is a coroutine function, or an object whose call is one."""
        call = getattr(self.function, "__call__", None)  # noqa: B004 - not whether it can be called, but how
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)

    def run(self, context: StepContext) -> Any:
        run = run_undo if self.undoes else run_task
        return run(self.function, self.codec, context)


def _path_of(program: Program, purpose: str) -> str:
    assert isinstance(program, TaskProgram)
    return import_path(program.function, purpose, lambda found: found.func if isinstance(found, Task) else found)
