"""A workflow as the engine sees it: immutable, compiled once per template revision.

Made by ``kubesaga.api.compile`` from a TaskTemplate, read by every policy of ``decide``. It holds no image, no
environment and nothing else of Kubernetes: what an attempt runs is the business of the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kubesaga.engine.graph import Graph
from kubesaga.engine.records import StepRecord
from kubesaga.engine.vocabulary import (
    Backoff,
    CompensationWhen,
    FailureStrategy,
    IdentityStrategy,
    Jitter,
    OnTimeout,
    Role,
    RuleAction,
    RunningSteps,
    StaleAction,
    StepKind,
    TaskState,
)

Scope = Mapping[str, Any]
"""What an expression sees: ``context``, ``steps`` (name → result, state, outcome, error) and ``task``."""


class ExpressionError(Exception):
    """An expression cannot be evaluated; the message shows the expression and says why."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """What to do with a failed attempt that matches: any of the four lists that are not empty has to name it.

    ``types`` matches the error's class or any of its bases, ``*`` any error.
    """

    action: RuleAction
    exit_codes: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    pod_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed attempt is tried again. Intervals are in seconds.

    ``max_attempts`` counts every attempt since the last reset, the first included, but for those that a rule ignores.
    ``max_duration`` runs from the first of them; None = no limit. The first matching rule decides.
    """

    max_attempts: int = 3
    backoff: Backoff = Backoff.EXPONENTIAL
    initial_interval: float = 1.0
    factor: float = 2.0
    max_interval: float = 30.0
    jitter: Jitter = Jitter.NONE
    max_duration: float | None = None
    rules: tuple[RetryRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a request breaks the input schema: a JSON pointer and what is wrong there."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Compensation:
    """How a step's work is undone; ``start_timeout`` in seconds, from enqueue to running.

    Of kind Task: by asking the step's child Task to compensate.
    """

    when: CompensationWhen = CompensationWhen.STARTED
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    start_timeout: float = 600.0
    kind: StepKind = StepKind.PROGRAM


@dataclass(frozen=True, slots=True)
class Approval:
    """A human's word; ``timeout`` in seconds, None = for ever."""

    timeout: float | None = None
    on_timeout: OnTimeout = OnTimeout.FAIL


@dataclass(frozen=True, slots=True)
class ChildTask:
    """A sub-workflow: which template the child Task runs, and how its context is made.

    ``version`` is exact, a range, or None for the highest release. ``make_context`` raises ExpressionError.
    """

    domain: str
    name: str
    version: str | None
    make_context: Callable[[Scope], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the workflow. ``start_timeout`` in seconds, from enqueue to running.

    ``when`` raises ExpressionError; False = the step is skipped. ``reads`` names the steps that the expressions of this
    one mention, so that no other's large result has to be loaded; None = they may mean any. ``check_result`` is the
    resultSchema. ``final`` marks the steps of ``finally``: they run when everything else is over, whatever the outcome.
    """

    name: str
    depends_on: tuple[str, ...] = ()
    run_after: tuple[str, ...] = ()
    kind: StepKind = StepKind.PROGRAM
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    start_timeout: float = 600.0
    continue_on_error: bool = False
    skippable: bool = False
    priority: int = 0
    when: Callable[[Scope], bool] | None = None
    reads: frozenset[str] | None = None
    check_result: Callable[[Any], list[Violation]] | None = None
    approval: Approval | None = None
    child: ChildTask | None = None
    compensation: Compensation | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How long (seconds) a Task may stay in a state, or in total, before it counts as stale."""

    limits: Mapping[TaskState, float] = field(default_factory=dict)
    total: float | None = None
    action: StaleAction = StaleAction.MARK


def accept_any_input(_context: Mapping[str, Any]) -> list[Violation]:
    """The input check of a template without an inputSchema."""
    return []


@dataclass(frozen=True)
class Plan:
    """All that ``decide`` needs to know of a template. Durations in seconds; ``parallelism`` None = unlimited.

    ``steps`` holds the forward steps and, after them, those of ``finally``. ``output`` raises ExpressionError; None =
    the sinks' results by name; ``output_reads`` as a step's ``reads``. ``domain`` and ``name`` are the template's.
    """

    steps: tuple[Step, ...]
    failure_strategy: FailureStrategy = FailureStrategy.ABORT
    running_steps: RunningSteps = RunningSteps.DRAIN
    blocked_timeout: float = 0.0
    timeout: float | None = None
    parallelism: int | None = None
    domain: str = "default"
    name: str = ""
    output: Callable[[Scope], Any] | None = None
    output_reads: frozenset[str] | None = None
    check_output: Callable[[Any], list[Violation]] | None = None
    identity: IdentityStrategy = IdentityStrategy.ALWAYS_UNIQUE
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    check_input: Callable[[Mapping[str, Any]], list[Violation]] = accept_any_input

    @cached_property
    def graph(self) -> Graph:
        """The steps' dependencies by index into ``steps``. Raises GraphError on a cycle or an unknown name."""
        return Graph.of([(step.name, step.depends_on, step.run_after) for step in self.steps])

    @cached_property
    def forward(self) -> range:
        """The indices of the forward steps."""
        return range(sum(not step.final for step in self.steps))

    @cached_property
    def finals(self) -> range:
        """The indices of the steps of ``finally``."""
        return range(len(self.forward), len(self.steps))

    @cached_property
    def approvals(self) -> tuple[int, ...]:
        """The forward steps that wait for a human's word."""
        return tuple(i for i in self.forward if self.steps[i].kind is StepKind.APPROVAL)

    @cached_property
    def untouched(self) -> tuple[StepRecord, ...]:
        """The records of a Task that starts. They never change, so that all Tasks share them."""
        return tuple(StepRecord(step.name) for step in self.steps)

    @cached_property
    def sinks(self) -> tuple[int, ...]:
        """The forward steps for which no other waits: their results are the Task's."""
        return tuple(i for i in self.graph.sinks if i in self.forward)

    def kind(self, step: int, role: Role) -> StepKind:
        """Whether the step, or its compensation, is a program, a child Task or an approval."""
        planned = self.steps[step]
        if role is Role.COMPENSATION:
            return planned.compensation.kind if planned.compensation else StepKind.PROGRAM
        return planned.kind

    def start_timeout(self, step: int, role: Role) -> float:
        """Seconds that an attempt may take from enqueue to running."""
        planned = self.steps[step]
        if role is Role.COMPENSATION and planned.compensation:
            return planned.compensation.start_timeout
        return planned.start_timeout

    def programs(self) -> Iterator[tuple[str, Role]]:
        """What runs a program: steps, and compensations, by the step's name."""
        for i, step in enumerate(self.steps):
            for role in Role:
                exists = role is Role.FORWARD or step.compensation is not None
                if exists and self.kind(i, role) is StepKind.PROGRAM:
                    yield step.name, role

    def ancestors(self, step: int) -> list[int]:
        """The steps whose results this one sees, in topological order; those of ``finally`` see every forward step."""
        before = self.graph.ancestors(step)
        if not self.steps[step].final:
            return before
        return [i for i in self.graph.order if i in self.forward] + before
