"""Workflows drawn from a seed, whose tasks fail as their data say: to be run in every way and compared."""

from __future__ import annotations

import random
from typing import Any

from kubesaga_sdk import NetworkError, PermanentError, RateLimitError, RetryableError
from kubesaga_sdk.workflow import (
    BackoffStrategy,
    Executable,
    ExecutionContext,
    FailureStrategy,
    Process,
    RetryPolicy,
    Task,
    Workflow,
)

Data = dict[str, Any]

ERRORS: dict[str, BaseException] = {
    "permanent": PermanentError("no", "NO"),
    "retryable": RetryableError("not now"),
    "later": RateLimitError("slow down", retry_after=45),
    "value": ValueError("bad"),
    "network": NetworkError("gone"),
    "exit": SystemExit(3),
    "exit for good": SystemExit(70),
    "group": ExceptionGroup("both", [ConnectionError("a"), KeyError("b")]),
    "unforeseen": BaseException("odd"),
}
UNDONE: list[tuple[str, int, Any]] = []
"""Each undoing that was tried: the task, the attempt, and the data that it saw."""


def work(context: ExecutionContext[Data]) -> None:
    """Leaves a trace in data and metadata, and fails where the data say so: ``{"fails": {task: [error, ...]}}``."""
    name, attempt = context.metadata["step"], context.metadata["attempt"]
    context.data.setdefault("done", []).append(f"{name}#{attempt}")
    context.data["half"] = context.data.get("half", 256.0) / 2
    context.metadata[name] = attempt
    kind = _kind(context.data["fails"].get(name, []), attempt)
    if kind == "no JSON":
        context.data["odd"] = {1, 2}
    elif kind == "too large":
        context.data["odd"] = "x" * 300_000
    elif kind:
        raise ERRORS[kind]


def undo(context: ExecutionContext[Data]) -> None:
    """Fails where the data say so: ``{"stuck": {task: [error, ...]}}``."""
    name, attempt = context.metadata["step"], context.metadata["attempt"]
    UNDONE.append((name, attempt, [context.data.get("done"), repr(context.data.get("half"))]))
    kind = _kind(context.data["stuck"].get(name, []), attempt)
    if kind:
        raise ERRORS[kind]


def _kind(kinds: list[str | None], attempt: int) -> str | None:
    return kinds[attempt - 1] if attempt <= len(kinds) else None


def workflow(seed: int) -> tuple[Workflow[Data], Data]:
    """A workflow, and the data that it begins with."""
    draw = random.Random(seed)
    flow = Workflow[Data](
        "Drawn", [_child(draw, f"c{i}") for i in range(draw.randint(1, 4))], draw.choice(list(FailureStrategy)),
        timeout=draw.choice([None, None, 60]),
    )  # fmt: skip
    names = [step.name for step in flow.steps()]
    fails = {name: _kinds(draw, ["no JSON", "too large"]) for name in names if draw.random() < 0.6}
    stuck = {name: _kinds(draw, []) for name in names if draw.random() < 0.6}
    return flow, {"fails": fails, "stuck": stuck}


def _kinds(draw: random.Random, more: list[str]) -> list[str | None]:
    return [draw.choice([*ERRORS, *more, None, None, None]) for _ in range(draw.randint(0, 3))]


def _child(draw: random.Random, name: str, depth: int = 0) -> Executable[Data]:
    if depth < 2 and draw.random() < 0.3:
        return Process(name, [_child(draw, f"c{i}", depth + 1) for i in range(draw.randint(1, 3))])
    undone = undo if draw.random() < 0.6 else None
    return Task(name, work, _policy(draw), undone, undo_retry_policy=_policy(draw))


def _policy(draw: random.Random) -> RetryPolicy | None:
    if draw.random() < 0.3:
        return None
    return RetryPolicy(
        draw.randint(1, 4),
        delay=draw.choice([0, 1, 4.5]),
        backoff=draw.choice(list(BackoffStrategy)),
        max_delay=draw.choice([5, 30]),
        factor=draw.choice([1, 2, 3.5]),
        max_duration=draw.choice([None, None, 3, 100]),
        retry_on=draw.choice([(), (), (ConnectionError,), (Exception,), (RetryableError, ValueError)]),
        give_up_on=draw.choice([(), (), (NetworkError,)]),
    )
