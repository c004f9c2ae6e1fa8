"""A workflow as the engine sees it: immutable, compiled once per template revision.

Made by ``kubesaga.api.compile`` from a TaskTemplate, read by every policy of ``decide``. It holds no image, no
environment and nothing else of Kubernetes: what an attempt runs is the business of the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kubesaga.engine.graph import Graph
from kubesaga.engine.vocabulary import Backoff, CompensationWhen, FailureStrategy, Jitter, RunningSteps


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed attempt is tried again. Intervals are in seconds.

    ``max_attempts`` counts every attempt since the last reset, the first included.
    """

    max_attempts: int = 3
    backoff: Backoff = Backoff.EXPONENTIAL
    initial_interval: float = 1.0
    factor: float = 2.0
    max_interval: float = 30.0
    jitter: Jitter = Jitter.NONE


@dataclass(frozen=True, slots=True)
class Compensation:
    """How a step's work is undone; ``start_timeout`` in seconds, from enqueue to running."""

    when: CompensationWhen = CompensationWhen.STARTED
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    start_timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the workflow. ``start_timeout`` in seconds, from enqueue to running."""

    name: str
    depends_on: tuple[str, ...] = ()
    run_after: tuple[str, ...] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    start_timeout: float = 600.0
    continue_on_error: bool = False
    priority: int = 0
    compensation: Compensation | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a request breaks the input schema: a JSON pointer and what is wrong there."""

    pointer: str
    message: str


def accept_any_input(_context: Mapping[str, Any]) -> list[Violation]:
    """The input check of a template without an inputSchema."""
    return []


@dataclass(frozen=True)
class Plan:
    """All that ``decide`` needs to know of a template. Durations in seconds; ``parallelism`` None = unlimited."""

    steps: tuple[Step, ...]
    failure_strategy: FailureStrategy = FailureStrategy.ABORT
    running_steps: RunningSteps = RunningSteps.DRAIN
    blocked_timeout: float = 0.0
    timeout: float | None = None
    parallelism: int | None = None
    check_input: Callable[[Mapping[str, Any]], list[Violation]] = accept_any_input

    @cached_property
    def graph(self) -> Graph:
        """The steps' dependencies by index into ``steps``. Raises GraphError on a cycle or an unknown name."""
        return Graph.of([(step.name, step.depends_on, step.run_after) for step in self.steps])
