"""One attempt of a step in this process: call the handler, await it, close its services, say what came of it.

Called by the runner in a step's pod, and by whoever runs handlers without one: the local engine, the test kit, the
runners of workflows written in Python. Signals, logging and the result file are the runner's.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from kubesaga_sdk import loader, outcome
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.outcome import Outcome
from kubesaga_sdk.step_input import Document
from kubesaga_sdk.termination import Termination

if TYPE_CHECKING:
    from kubesaga_sdk.services import Services


def run_attempt(document: Document, services: Services | None = None) -> Outcome:
    """Run what a complete input document (see `step_input.complete`) asks for.

    Arguments:
        services: shared by several attempts, and closed by the caller; None for the attempt's own. Asynchronous
            services are closed at the attempt's end in any case, as its event loop ends.

    Whatever the handler raises is in the outcome, but for KeyboardInterrupt. Not to be called in a running event loop,
    where an asynchronous handler has no loop of its own: use `asyncio.to_thread`.
    """
    try:
        method = loader.load(document["step"]["callable"], document["step"]["method"])
        return perform(method, StepContext(document, services), close=services is None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return outcome.of_error(error)


def perform(
    method: loader.Method, context: StepContext, *, close: bool = True, termination: Termination | None = None
) -> Outcome:
    """Call a handler's method with its context to the end, and then, with `close`, close the context's services.

    A service that fails to close fails the attempt: what it should have left behind may be missing. Raises what the
    handler raises, and InvalidResult, ResultTooLarge.
    """
    try:
        returned: Any = method(context)
        if hasattr(returned, "__await__"):
            import asyncio

            end = asyncio.run(_awaited(returned, context, termination))
        else:
            if termination:
                termination.disarm()
            end = outcome.of_return(returned)
    except BaseException as error:
        if termination:
            termination.disarm()
        if close and context.has_services():
            context.services.close(error)
        raise
    if close and context.has_services():
        context.services.close()
    return end


async def aperform(method: loader.Method, context: StepContext) -> Outcome:
    """The same as `perform` in a running event loop: a plain method holds it up, a coroutine does not."""
    try:
        returned: Any = method(context)
        later = hasattr(returned, "__await__")
        end = await _awaited(returned, context, None) if later else outcome.of_return(returned)
    except BaseException as error:
        if context.has_services():
            context.services.close(error)
        raise
    if context.has_services():
        context.services.close()
    return end


async def _awaited(returned: Awaitable[Any], context: StepContext, termination: Termination | None) -> Outcome:
    try:
        end = outcome.of_return(await (termination.supervise(returned) if termination else returned))
    except BaseException as error:
        if context.has_services():
            await context.services.aclose(error)
        raise
    if context.has_services():
        await context.services.aclose()
    return end
