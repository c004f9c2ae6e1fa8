"""What stands for a step's program in ``run_template``: a value, an error, a function, or one of these per attempt.

Called by tests (``attempts``, ``takes``) and by ``template_run``, which performs them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kubesaga_sdk import outcome, step_input
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.contract import METHOD_CALL
from kubesaga_sdk.outcome import Outcome
from kubesaga_sdk.testing.handler_run import apart, attempt

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Attempts(NamedTuple):
    """See ``attempts``."""

    stubs: tuple[Any, ...]


class Takes(NamedTuple):
    """See ``takes``."""

    seconds: float
    stub: Any


def attempts(*stubs: Any) -> Attempts:
    """A stub for each attempt in turn; the last one stands for all that follow."""
    if not stubs:
        raise ValueError("attempts() needs at least one stub")
    return Attempts(stubs)


def takes(duration: float | str, stub: Any = None) -> Takes:
    """A stub that takes this long of virtual time: seconds, or as in a template (``90s``, ``5m``, ``1h``)."""
    return Takes(_seconds(duration), stub)


def perform(stub: Any, document: Mapping[str, Any]) -> tuple[float, Outcome]:
    """The seconds that a stub takes, and what it comes to.

    An exception, or a class of exceptions, is raised; a handler's class, or a function, is called with the StepContext;
    anything else is the result.
    """
    seconds = 0.0
    while isinstance(stub, (Attempts, Takes)):
        if isinstance(stub, Takes):
            seconds, stub = seconds + stub.seconds, stub.stub
        else:
            stub = stub.stubs[min(int(document["attempt"]), len(stub.stubs)) - 1]
    if isinstance(stub, type) and issubclass(stub, BaseException):
        stub = _raised(stub, str(document["step"]["name"]))
    if isinstance(stub, BaseException):
        return seconds, outcome.of_error(stub)
    stub = getattr(stub, "handler_class", stub)
    if isinstance(stub, type):
        stub = getattr(stub(), document["step"]["method"] or METHOD_CALL)
    if not callable(stub):
        return seconds, outcome.of_return(stub)
    context = StepContext(step_input.complete(dict(document), "the step's input"))
    return seconds, apart(lambda: attempt(stub, context))


def _raised(kind: type[BaseException], step: str) -> BaseException:
    try:
        return kind(f"the stub of step {step}")
    except TypeError as error:
        raise ValueError(
            f"the stub of step {step}: a {kind.__name__} is not made of a message alone ({error}); give an exception "
            "in place of its class"
        ) from error


def _seconds(duration: float | str) -> float:
    text = duration if isinstance(duration, str) else f"{duration}s"
    unit = next((unit for unit in ("ms", "s", "m", "h", "d") if text.endswith(unit)), "")
    try:
        seconds = float(text.removesuffix(unit)) * _UNITS[unit]
    except (KeyError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{duration!r} is no duration: write seconds, or such as 500ms, 90s, 5m, 1h, 2d")
    return seconds
