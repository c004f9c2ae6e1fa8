"""Retry policies of a workflow written in Python: the engine's, with exception classes in place of rules.

Read by `template`, which writes them as `retry`, and by `plan`, which makes the engine's policy of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubesaga_sdk.workflow.errors import WorkflowError

MAX_ATTEMPTS = 100
MAX_SECONDS = 3 * 365 * 24 * 3600.0
"""Three years: what a template's duration holds."""
ANY_ERROR = "*"


def check_limit(seconds: float | None, name: str) -> None:
    """Refuse a limit of time that is none. Raises WorkflowError."""
    if seconds is None:
        return
    if not isinstance(seconds, (int, float)):
        raise WorkflowError(f"{name} is a number of seconds, not {seconds!r}; None = no limit")
    if not seconds >= 0.001:  # So that not a number is none.
        raise WorkflowError(f"{name} is at least a millisecond, not {seconds} seconds; None = no limit")
    if seconds > MAX_SECONDS:
        raise WorkflowError(f"{name} is at most three years, not {seconds} seconds; None = no limit")


def check_classes(given: Any, name: str) -> tuple[type[BaseException], ...]:
    """Exception classes as a tuple. Raises WorkflowError for anything else."""
    listed = tuple(given) if isinstance(given, Iterable) else (None,)
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in listed):
        raise WorkflowError(f"{name} is a list of exception classes, such as [ConnectionError], not {given!r}")
    return listed


class BackoffStrategy(StrEnum):
    """How the delay grows from one retry to the next."""

    NONE = "None"
    FIXED = "Fixed"
    LINEAR = "Linear"
    EXPONENTIAL = "Exponential"
    FIBONACCI = "Fibonacci"


class Jitter(StrEnum):
    """How much of a delay is drawn at random: nothing, all of it, or its second half.

    Drawn from the execution's id, the task and the attempt, so that a run with the same id has the same delays.
    """

    NONE = "None"
    FULL = "Full"
    EQUAL = "Equal"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed attempt is followed by another. Times in seconds, to the millisecond.

    Arguments:
        max_attempts: attempts in total, the first included.
        delay: before the second attempt.
        backoff: how `delay` grows; `factor` is that of EXPONENTIAL.
        max_delay: at least `delay`; no delay is longer, but for one that the error itself asks for (`retry_after`).
        jitter: how much of each delay is drawn.
        max_duration: no attempt starts later than this after the first; None = no limit.
        retry_on: only these errors, by class or base class, are tried again, whatever they say themselves. Empty:
            the error decides (`retryable`, see `kubesaga_sdk.errors`), or the SDK's classifier does.
        give_up_on: these errors are never tried again; asked before `retry_on`.
    """

    max_attempts: int = 3
    delay: float = 1.0
    backoff: BackoffStrategy = BackoffStrategy.EXPONENTIAL
    max_delay: float = 30.0
    factor: float = 2.0
    jitter: Jitter = Jitter.NONE
    max_duration: float | None = None
    retry_on: Sequence[type[BaseException]] = ()
    give_up_on: Sequence[type[BaseException]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.jitter, Jitter):
            raise WorkflowError(f"jitter is a Jitter, not {self.jitter!r}: write Jitter.FULL or Jitter.EQUAL")
        if not isinstance(self.backoff, BackoffStrategy):
            raise WorkflowError(f"backoff is a BackoffStrategy, not {self.backoff!r}: write BackoffStrategy.FIXED, …")
        if not isinstance(self.max_attempts, int) or not 1 <= self.max_attempts <= MAX_ATTEMPTS:
            raise WorkflowError(f"max_attempts must be 1 to {MAX_ATTEMPTS} (1: no retry), not {self.max_attempts}")
        if not 1 <= self.factor <= 100:
            raise WorkflowError(f"factor must be 1 to 100, not {self.factor}")
        for delay in (self.delay, self.max_delay):
            if not isinstance(delay, (int, float)) or not 0 <= delay <= MAX_SECONDS:
                raise WorkflowError(f"delay and max_delay are numbers, 0 seconds to three years, not {delay!r}")
        if self.delay > self.max_delay:
            raise WorkflowError(
                f"delay, {self.delay:g} seconds, is above max_delay, {self.max_delay:g}: raise max_delay or lower delay"
            )
        check_limit(self.max_duration, "max_duration")
        object.__setattr__(self, "retry_on", check_classes(self.retry_on, "retry_on"))
        object.__setattr__(self, "give_up_on", check_classes(self.give_up_on, "give_up_on"))

    def rules(self) -> list[tuple[tuple[str, ...], bool]]:
        """The names of error classes, and whether such errors are tried again; the first that matches decides."""
        found = [(_names(self.give_up_on), False)] if self.give_up_on else []
        if self.retry_on:
            found.append((_names(self.retry_on), True))
            if ANY_ERROR not in found[-1][0]:
                found.append(((ANY_ERROR,), False))
        return found


ONCE = RetryPolicy(max_attempts=1)


def _names(classes: Sequence[type[BaseException]]) -> tuple[str, ...]:
    """As rules know them: a report names an error's class and its bases, up to but without Exception."""
    names = (ANY_ERROR if each in (Exception, BaseException) else each.__name__ for each in classes)
    # An attempt that was stopped at its timeout has no exception; Timeout is what its failure is called.
    return tuple(each for name in names for each in ((name, "Timeout") if name == "TimeoutError" else (name,)))
