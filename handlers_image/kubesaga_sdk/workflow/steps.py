"""RunTask: the handler that runs one task of a workflow, in a step's pod as in a process.

Each attempt works on a copy: the data and metadata that the last task before it committed. What it leaves there is
the step's result, `{"data", "metadata"}`, if it succeeds; the copy of one that fails is thrown away.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from typing import Any

from kubesaga_sdk.context import StepContext
from kubesaga_sdk.errors import ConfigurationError, InvalidResult
from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.handler import StepHandler
from kubesaga_sdk.workflow.codec import Codec, InvalidData, codec_of
from kubesaga_sdk.workflow.codec_kinds import named
from kubesaga_sdk.workflow.paths import load
from kubesaga_sdk.workflow.tasks import Task

Function = Callable[[ExecutionContext[Any]], Any]
Doc = dict[str, Any]

RUN_FACTS = frozenset({
    "executionId", "name", "namespace", "initiator", "sourceSystem", "reason", "tags", "createdAt", "startedAt",
    "finishedAt", "correlationId", "parentCorrelationId",
})  # fmt: skip
"""What a context's metadata tell of every run. A task may overwrite them, and those of its attempt, for those after
it."""


class RunTask(StepHandler):
    """Runs the function that the step's `config` names: `function`, `undo`, and `data` for a dataclass."""

    def call(self, context: StepContext) -> Any:
        """Run the task; its step's result is what it committed."""
        return run_task(_function(context, "function"), _codec(context), context)

    def compensate(self, context: StepContext) -> Any:
        """Run the task's `undo` on the data as the task left them."""
        return run_undo(_function(context, "undo"), _codec(context), context)


def run_task(function: Function, codec: Codec, context: StepContext) -> Any:
    """One attempt of a task: what it commits, or an awaitable of that. Raises what the function raises.

    Raises InvalidData where the data are not what the workflow works on, InvalidResult where the task left some that
    cannot be passed on.
    """
    facts, state = _facts(context), _committed_before(context)
    working = _working_copy(state, facts, codec, context)
    returned = function(working)
    if hasattr(returned, "__await__"):
        return Later(returned, lambda: _commit(working, facts, codec))
    return _commit(working, facts, codec)


def run_undo(function: Function, codec: Codec, context: StepContext) -> Any:
    """One attempt at undoing a task: None, or an awaitable of it. What it changes goes nowhere."""
    done = context.forward_result
    state = _committed_before(context) if done is None else _state(done, context.step_name)
    returned = function(_working_copy(state, _facts(context), codec, context))
    return Later(returned, lambda: None) if hasattr(returned, "__await__") else None


class Later:
    """An attempt that is still to be awaited, and what is to be done then; `close` where nobody will."""

    def __init__(self, awaitable: Any, finish: Callable[[], Any]) -> None:
        self._awaitable = awaitable
        self._finish = finish

    def __await__(self) -> Generator[Any, None, Any]:
        yield from self._awaitable.__await__()
        return self._finish()

    def close(self) -> None:
        """Give up what was not begun."""
        getattr(self._awaitable, "close", lambda: None)()


def _working_copy(state: Doc, facts: Doc, codec: Codec, context: StepContext) -> ExecutionContext[Any]:
    metadata, trace = copy.deepcopy(({**facts, **state["metadata"]}, context.trace))
    return ExecutionContext(codec.decode(state["data"], "data"), trace, metadata)


def _commit(working: ExecutionContext[Any], facts: Doc, codec: Codec) -> Doc:
    try:
        if not isinstance(working.metadata, dict):
            raise InvalidData(f"metadata: a dict is needed, not {named(working.metadata)}", "InvalidData")
        data = codec.encode_for_good(working.data, "data")
    except InvalidData as error:
        # As the work is done, this is a result that cannot be taken: with `undo`, it is undone.
        raise InvalidResult(f"the task left data that cannot be passed on: {error}", "InvalidResult") from error
    return {"data": data, "metadata": own(working.metadata, facts)}


def _committed_before(context: StepContext) -> Doc:
    """What the nearest task before this one committed, else what the run began with."""
    for name, result in reversed(context.dependency_results.items()):
        if result is not None:
            return _state(result, name)
        if context.left_out_results:
            # One of them may be what was committed last.
            raise ConfigurationError(
                f"the task before {context.step_name} committed nothing, and what was committed before that is too "
                f"large to be given to it ({', '.join(context.left_out_results)}): keep large data elsewhere, and a "
                "reference in the context",
                "ResultNotGiven",
            )
    return {"data": context.input_data, "metadata": own(context.metadata, _facts(context))}


def own(metadata: Doc, facts: Doc) -> Doc:
    """Metadata without what is told of every run."""
    return {key: value for key, value in metadata.items() if key not in facts or facts[key] != value}


def _facts(context: StepContext) -> Doc:
    told = {key: value for key, value in context.metadata.items() if key in RUN_FACTS}
    return {
        **told,
        "step": context.step_name,
        "attempt": context.attempt,
        "idempotencyKey": context.idempotency_key,
    }


def _state(result: Any, name: str) -> Doc:
    if isinstance(result, dict) and isinstance(result.get("metadata"), dict) and "data" in result:
        return result
    raise InvalidData(
        f'the result of {name} is none of a workflow\'s task: a TaskAction Complete gives {{"data": …, "metadata": …}}',
        "InvalidData",
    )


def _codec(context: StepContext) -> Codec:
    path = context.get_config("data")
    return codec_of(load(path) if path else dict)


def _function(context: StepContext, key: str) -> Function:
    path = context.get_config(key)
    if not path:
        raise ConfigurationError(
            f"the step's config has no {key}: make the template with to_template() of the workflow",
            "ConfigurationError",
        )
    found = load(path)
    function: Function = found.func if isinstance(found, Task) else found
    return function
