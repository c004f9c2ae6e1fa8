"""Task and Process: what a workflow is put together of, in TaskChain's words.

A Process groups tasks that belong together; `Workflow` flattens them to steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import NoneType
from typing import Any, Generic, Protocol, TypeVar

from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.retry import ONCE, RetryPolicy, check_limit

T = TypeVar("T")
Function = Callable[[ExecutionContext[T]], Any]


class Executable(Generic[T]):
    """What a workflow is put together of: a Task or a Process."""

    name: str


class Task(Executable[T]):
    """One function of a workflow. `reserve(context)` still calls it, as in its own test.

    Arguments:
        name: any text; as a step's name in snake_case.
        func: gets the context and changes its `data` and `metadata`, as a plain function or a coroutine function.
            What it returns is ignored.
        retry_policy: None = one attempt.
        undo: undoes what a done task did, with the context as the task left it; its own changes go nowhere.
        timeout: seconds of one attempt, of the undoing too. A plain function in a process cannot be stopped: its
            attempt has failed once it comes back too late.
        undo_retry_policy: None = three attempts.
    """

    def __init__(
        self,
        name: str,
        func: Function[T],
        retry_policy: RetryPolicy | None = None,
        undo: Function[T] | None = None,
        timeout: float | None = None,
        *,
        undo_retry_policy: RetryPolicy | None = None,
        description: str = "",
    ) -> None:
        check_limit(timeout, f"the timeout of task {name}")
        for policy in (retry_policy, undo_retry_policy):
            if not isinstance(policy, (RetryPolicy, NoneType)):
                raise WorkflowError(f"task {name}: {policy!r} is no RetryPolicy; write RetryPolicy(max_attempts=3)")
        self.name = name
        self.func: Function[T] = _function(func, f"task {name}")
        self.retry_policy = retry_policy or ONCE
        self.undo = None if undo is None else _function(undo, f"the undo of task {name}")
        self.timeout = timeout
        self.undo_retry_policy = undo_retry_policy or RetryPolicy()
        self.description = description

    def __call__(self, context: ExecutionContext[T]) -> Any:
        """Call the function itself: no copy, no retry."""
        return self.func(context)

    def __repr__(self) -> str:
        return f"Task({self.name!r})"


class Process(Executable[T]):
    """Tasks and processes in a row that belong together: if one fails, those after it in the process are not run."""

    def __init__(self, name: str, steps: Sequence[Executable[T]]) -> None:
        if not steps:
            raise WorkflowError(f"process {name} needs at least one task")
        self.name = name
        self.steps = checked(steps, f"process {name}")

    def __repr__(self) -> str:
        return f"Process({self.name!r}, {list(self.steps)!r})"


class Decorator(Protocol):
    """What `task(...)` returns."""

    def __call__(self, func: Function[T], /) -> Task[T]:
        """Make a Task of the function."""


def task(
    name: str | None = None,
    retry_policy: RetryPolicy | None = None,
    undo: Function[Any] | None = None,
    timeout: float | None = None,
    *,
    undo_retry_policy: RetryPolicy | None = None,
) -> Decorator:
    """Make a Task of a function: `@task(undo=release)`. Its name is the function's unless said; see `Task`."""

    def made(func: Function[T], /) -> Task[T]:
        description = (inspect.getdoc(func) or "").split("\n", 1)[0]
        return Task(
            name or func.__name__, func, retry_policy, undo, timeout,
            undo_retry_policy=undo_retry_policy, description=description,
        )  # fmt: skip

    return made


def _function(given: Any, purpose: str) -> Any:
    """The function itself. Raises WorkflowError for what is none, or would do nothing when it is called."""
    function = given.func if isinstance(given, Task) else given
    if not callable(function):
        raise WorkflowError(f"{purpose} is {function!r}, which is no function")
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    if any(
        is_one(each)
        for each in (function, call)
        for is_one in (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    ):
        raise WorkflowError(f"{purpose} has a yield, so that calling it runs nothing of it: write it without")
    return function


def checked(steps: Sequence[Any], place: str) -> tuple[Any, ...]:
    """The children of a workflow or a process. Raises WorkflowError for what can be none."""
    for each in steps:
        if not isinstance(each, (Task, Process)):
            raise WorkflowError(
                f"{place} holds {each!r}, which is neither a Task nor a Process: write @task() above a function, or "
                "Task(name, function); another workflow is a Process here, or a Task of its own on the cluster"
            )
    return tuple(steps)


def tasks_of(children: Sequence[Executable[T]], *around: str) -> Iterator[tuple[tuple[str, ...], Task[T]]]:
    """Every task in order, with the names of the processes around it and its own."""
    for child in children:
        path = (*around, child.name)
        if isinstance(child, Task):
            yield path, child
        elif isinstance(child, Process):
            yield from tasks_of(child.steps, *path)
