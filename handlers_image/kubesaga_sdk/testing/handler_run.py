"""Running one handler as the runner would: with its classifier, its limits, and the JSON that its result becomes.

Called by tests.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from kubesaga_sdk import events, loader, outcome
from kubesaga_sdk.attempt import perform
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.contract import EVENT_FIELD, METHOD_CALL
from kubesaga_sdk.outcome import Outcome
from kubesaga_sdk.testing.context import make_context

T = TypeVar("T")


class HandlerError(NamedTuple):
    """Why an attempt failed, as the operator reads it. ``types`` are the error's class and its bases."""

    type: str
    types: tuple[str, ...]
    code: str | None
    message: str
    retryable: bool
    retry_after: float | None
    metadata: Mapping[str, Any]


class HandlerRun(NamedTuple):
    """What one attempt came to: a result, or an error. ``events`` are what it published, ``{name, payload}`` each."""

    result: Any
    metadata: Mapping[str, Any]
    error: HandlerError | None
    exit_code: int
    events: tuple[Mapping[str, Any], ...]

    @property
    def succeeded(self) -> bool:
        """Whether it left a result."""
        return self.error is None


def run_handler(
    handler: type | object | str, context: StepContext | None = None, *, method: str = METHOD_CALL, **fields: Any
) -> HandlerRun:
    """Run one attempt of a handler, asynchronous ones too, to its end.

    Arguments:
        handler: a class, an instance, a function, or the name that a template has for it.
        context: what it gets; by default ``make_context(**fields)``.
        method: ``call``, ``compensate``, or another method of the handler.

    Whatever the handler raises is in the run's ``error``, but for KeyboardInterrupt. Raises TypeError where there is no
    such method, and where both a context and fields are given; CallableNotFound and CallableInvalid for a name that
    means no handler.
    """
    if context is not None and fields:
        raise TypeError(f"give a context or its fields, not both: {', '.join(fields)}")
    return run_method(_method(handler, method), context or make_context(**fields))


def run_method(method: loader.Method, context: StepContext) -> HandlerRun:
    """The same for a method that was found already."""
    with _published() as told:
        end = apart(lambda: attempt(method, context))
    return read(end, tuple(told))


def attempt(method: loader.Method, context: StepContext) -> Outcome:
    """What a method comes to, whatever it raises."""
    try:
        return perform(method, context)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return outcome.of_error(error)


def apart(call: Callable[[], T]) -> T:
    """Call it, in a thread of its own where an event loop runs here: an asynchronous handler needs one for itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


def read(end: Outcome, told: tuple[Mapping[str, Any], ...] = ()) -> HandlerRun:
    """An outcome's document, taken apart."""
    document = json.loads(end.document)
    if "error" not in document:
        return HandlerRun(document["result"], document.get("metadata") or {}, None, end.exit_code, told)
    error = document["error"]
    failure = HandlerError(
        type=error["type"],
        types=tuple(error["types"]),
        code=error.get("code"),
        message=error["message"],
        retryable=error["retryable"],
        retry_after=error.get("retryAfter"),
        metadata=error.get("metadata") or {},
    )
    return HandlerRun(None, {}, failure, end.exit_code, told)


def _method(handler: type | object | str, method: str) -> loader.Method:
    if isinstance(handler, str):
        return loader.load(handler, method)
    handler = getattr(handler, "handler_class", handler)
    target = handler() if isinstance(handler, type) else handler
    found = getattr(target, method, None)
    if not callable(found) and method == METHOD_CALL:
        found = target
    if not callable(found):
        raise TypeError(f"{handler!r} has no method {method!r}")
    return found  # type: ignore[no-any-return]


@contextmanager
def _published() -> Iterator[list[Mapping[str, Any]]]:
    """What is published in the meantime."""
    told: list[Mapping[str, Any]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append({name: each for name, each in vars(record)[EVENT_FIELD].items() if name != "sequence"})

    listener, level = Listener(), events.LOGGER.level
    events.LOGGER.addHandler(listener)
    events.LOGGER.setLevel(logging.INFO)
    try:
        yield told
    finally:
        events.LOGGER.setLevel(level)
        events.LOGGER.removeHandler(listener)
