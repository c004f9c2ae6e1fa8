"""Which type of data a workflow's functions work on, by their annotations."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any

from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow.errors import WorkflowError


def common(functions: Iterable[Callable[..., Any]], workflow: str) -> Any:
    """The one dataclass that any of the functions names, else dict. Raises WorkflowError where there are two."""
    named = {found: function for function in functions if (found := _annotated(function)) is not None}
    if len(named) > 1:
        said = ", ".join(f"{getattr(f, '__qualname__', f)}: {kind.__qualname__}" for kind, f in named.items())
        raise WorkflowError(
            f"the tasks of workflow {workflow} work on data of different types ({said}): they share one context, so "
            "that they need one type"
        )
    return next(iter(named), dict)


def _annotated(function: Callable[..., Any]) -> type | None:
    """The dataclass `D` of a first parameter that is annotated `ExecutionContext[D]`."""
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    try:
        parameters = list(inspect.signature(call).parameters)
        hint = typing.get_type_hints(call).get(parameters[0]) if parameters else None
    except (NameError, TypeError, ValueError):
        # Names that exist for type checkers only, or a function written in C: it says nothing then.
        return None
    arguments = typing.get_args(hint) if typing.get_origin(hint) is ExecutionContext else ()
    found = arguments[0] if arguments else None
    return found if isinstance(found, type) and dataclasses.is_dataclass(found) else None
