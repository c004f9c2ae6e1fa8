"""One attempt in this process, from the input document to what the engine is told of it.

Called by the runners. What a program returns or raises becomes the very document that a step's pod would leave, and is
read as the operator reads it: the same limits, the same verdict on whether to try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubesaga_sdk import outcome
from kubesaga_sdk.attempt import aperform, perform
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.errors import ConfigurationError
from kubesaga_sdk.outcome import Outcome
from kubesaga_sdk.workflow.definition import Program

if TYPE_CHECKING:
    from kubesaga.engine.records import StepError


@dataclass(frozen=True, slots=True)
class Ended:
    """What an attempt came to: a result with metadata, or an error and what was raised, if anything was."""

    result: Any = None
    metadata: dict[str, Any] | None = None
    error: StepError | None = None
    raised: BaseException | None = None


class AsyncFunctionFound(ConfigurationError):
    """A plain function returned something to await, and nobody here can."""


def run(program: Program, context: StepContext) -> Ended:
    """Run an attempt of a plain program to its end, and close the services that it used."""

    def plain(context: StepContext) -> Any:
        returned = program.run(context)
        if hasattr(returned, "__await__"):
            getattr(returned, "close", lambda: None)()
            raise AsyncFunctionFound(
                f"{context.step_name} returned something to await, although its function is not written with "
                "async def, and SyncRunner awaits nothing: use AsyncRunner",
                "AsyncFunctionFound",
            )
        return returned

    try:
        return _read(perform(plain, context))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _failed(error)


async def arun(program: Program, context: StepContext, *, in_thread: bool) -> Ended:
    """The same for any program; ``in_thread``: a plain function runs in a thread of its own."""
    import asyncio

    try:
        if in_thread and not program.is_async:
            return _read(await asyncio.to_thread(perform, program.run, context))
        return _read(await aperform(program.run, context))
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        return _failed(error)  # Nobody cancelled the attempt: something in it was cancelled, which is its own error.
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return _failed(error)


def _read(end: Outcome, raised: BaseException | None = None) -> Ended:
    from kubesaga.engine import reported

    document = reported.parsed(end.document.decode())
    assert document is not None
    if "error" in document:
        return Ended(error=reported.error(document["error"], end.exit_code), raised=raised)
    return Ended(document["result"], document.get("metadata"))


def _failed(error: BaseException) -> Ended:
    return _read(outcome.of_error(error), error)
