"""TaskHandler: a workflow as Tasker's Rails engine has it, a class that defines the templates of its steps.

Its steps are StepHandler classes in any graph; they read each other's results as handlers everywhere do.
"""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kubesaga_sdk import json_value
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.functional import FunctionalHandler
from kubesaga_sdk.workflow.codec import codec_of
from kubesaga_sdk.workflow.definition import (
    LOGICAL_NAME,
    Definition,
    Doc,
    Program,
    StepDefinition,
    check,
    step_name,
)
from kubesaga_sdk.workflow.errors import NoImportPath, WorkflowError
from kubesaga_sdk.workflow.paths import import_path
from kubesaga_sdk.workflow.retry import ONCE, RetryPolicy, check_limit

METHOD_COMPENSATE = "compensate"


@dataclass(frozen=True, slots=True)
class HandlerProgram(Program):
    """One method of a handler class, called on an object made for the attempt."""

    handler: type
    method: str
    config: Mapping[str, Any]

    @property
    def is_async(self) -> bool:
        """Whether the method is a coroutine function."""
        return inspect.iscoroutinefunction(getattr(self.handler, self.method))

    def run(self, context: StepContext) -> Any:
        return getattr(self.handler(), self.method)(context)


class StepTemplates:
    """What `define_step_templates` fills."""

    def __init__(self) -> None:
        self.defined: list[StepDefinition] = []

    def define(
        self,
        *,
        name: str,
        handler: type | FunctionalHandler[..., Any],
        depends_on: str | Sequence[str] = (),
        retryable: bool = True,
        retry_limit: int = 3,
        timeout: float | None = None,
        undo: type | FunctionalHandler[..., Any] | bool | None = None,
        description: str = "",
        config: Mapping[str, Any] | None = None,
        skippable: bool = False,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """Define one step. Raises WorkflowError.

        Arguments:
            name: snake_case.
            handler: a class with `call(context)`, made without arguments for each attempt; or a functional handler.
            depends_on: the names of the steps that must be done before.
            retryable, retry_limit: `retry_limit` attempts in total, one where not retryable.
            timeout: seconds of one attempt.
            undo: True = the handler's own `compensate(context)`; another handler = its `call(context)`.
            config: what the handler reads by `context.get_config`.
            retry_policy: in place of retryable and retry_limit.
        """
        check_limit(timeout, f"the timeout of step {name}")
        policy = retry_policy or (RetryPolicy(max_attempts=retry_limit) if retryable else ONCE)
        settings = dict(config or {})
        if fault := json_value.fault(settings, "config"):
            raise WorkflowError(f"step {name}: {fault}")
        self.defined.append(
            StepDefinition(
                step_name(name),
                HandlerProgram(_with_method(handler, "call", name), "call", settings),
                depends_on=tuple(
                    dict.fromkeys(map(step_name, (depends_on,) if isinstance(depends_on, str) else depends_on))
                ),
                description=description,
                retry=policy,
                timeout=timeout,
                skippable=skippable,
                undo=_undo(handler, undo, name, settings),
            )
        )


class TaskHandler(Definition[dict[str, Any]]):
    """A workflow as a class: `name` and `define_step_templates` at least.

        class ProcessOrder(TaskHandler):
            name = "process_order"
            domain = "shop"
            version = "1.0.0"

            def define_step_templates(self, templates: StepTemplates) -> None:
                templates.define(name="validate_cart", handler=ValidateCart)
                templates.define(name="charge", handler=Charge, depends_on="validate_cart", retry_limit=5, undo=True)

    A run's data are the Task's context at its start, and `{"context", "results"}` at its end.
    """

    @abstractmethod
    def define_step_templates(self, templates: StepTemplates) -> None:
        """Call `templates.define(...)` for each step, in any order."""

    def schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema of a Task's context; None = any. Checked by the operator and by the local engine."""
        return None

    @cached_property
    def _steps(self) -> tuple[StepDefinition, ...]:
        if not LOGICAL_NAME.fullmatch(getattr(self, "name", "")):
            raise WorkflowError(
                f"{type(self).__name__}.name must be a template's name: letters a to z, digits, - and _, a letter first"
            )
        templates = StepTemplates()
        self.define_step_templates(templates)
        check(templates.defined)
        _check_graph(templates.defined)
        return tuple(templates.defined)

    def steps(self) -> Sequence[StepDefinition]:
        return self._steps

    @property
    def input_schema(self) -> Doc | None:
        schema = self.schema()
        return None if schema is None else dict(schema)

    def handler(self, step: StepDefinition) -> Doc:
        return _handler(step.program, f"the handler of step {step.name}")

    def compensation(self, step: StepDefinition) -> Doc:
        assert isinstance(step.undo, HandlerProgram)
        if step.undo.method == METHOD_COMPENSATE:
            return {}
        return {"handler": _handler(step.undo, f"the undo of step {step.name}")}

    def begin(self, context: ExecutionContext[dict[str, Any]]) -> Doc:
        encoded: Doc = codec_of(dict).encode(context.data, "data")
        return encoded

    def end(self, context: Doc, metadata: Doc, results: Mapping[str, Any]) -> tuple[dict[str, Any], Doc]:
        return copy.deepcopy(({"context": context, "results": dict(results)}, metadata))


def _undo(handler: Any, undo: Any, name: str, config: Mapping[str, Any]) -> HandlerProgram | None:
    if undo is None or undo is False:
        return None
    if undo is True:
        return HandlerProgram(_with_method(handler, METHOD_COMPENSATE, name), METHOD_COMPENSATE, config)
    return HandlerProgram(_with_method(undo, "call", name), "call", config)


def _with_method(handler: Any, method: str, step: str) -> type:
    found = _handler_class(handler)
    if isinstance(found, type) and callable(getattr(found, method, None)):
        return found
    raise WorkflowError(f"step {step}: {handler!r} is no class with a method {method}(context)")


def _handler_class(handler: Any) -> Any:
    return getattr(handler, "handler_class", handler)


def _handler(program: Program, purpose: str) -> Doc:
    assert isinstance(program, HandlerProgram)
    path = import_path(program.handler, purpose, _handler_class)
    if "." in path.partition(":")[2]:
        raise NoImportPath(
            f"{purpose} is {path}, a class within a class, which a template has no name for: move it to the top level "
            "of its module"
        )
    found: Doc = {"callable": path}
    return {**found, "config": dict(program.config)} if program.config else found


def _check_graph(steps: Sequence[StepDefinition]) -> None:
    """Refuse dependencies on nothing and in circles. Raises WorkflowError."""
    known = {step.name for step in steps}
    for step in steps:
        if unknown := [name for name in step.depends_on if name not in known]:
            raise WorkflowError(f"step {step.name} depends on {', '.join(unknown)}, which no define(name=…) defines")
    try:
        TopologicalSorter({step.name: step.depends_on for step in steps}).prepare()
    except CycleError as error:
        raise WorkflowError(f"these steps wait for each other: {' → '.join(reversed(error.args[1]))}") from error
