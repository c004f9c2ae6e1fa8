"""What a run in this process came to. Made by `run.Run`, returned by the runners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kubesaga_sdk.execution_context import ExecutionContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """A step, or the undoing of one, that failed for good.

    ``raised`` is the exception of its last attempt; None where none was raised (a timeout, a reported failure).
    """

    step: str
    undoing: bool
    attempt: int
    type: str
    code: str | None
    message: str
    raised: BaseException | None

    def __str__(self) -> str:
        doing = f"undoing {self.step}" if self.undoing else self.step
        return f"{doing} (attempt {self.attempt}): {self.type}: {self.message}"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The end of a run.

    ``state`` and ``outcome`` are those of a Task: Complete with Succeeded; Error with Aborted, Failed or Compensated.
    Where something cannot be undone, it is Compensating without an outcome, since on a cluster a human would have to
    decide; ``message`` says what. ``context`` is what the last task that succeeded committed. ``result`` is the Task's,
    ``results`` the steps' (None where a step is not done), ``attempts`` how many each step has had. ``undone`` names
    the steps that were undone, the first undone first. ``errors`` are of those that failed for good.
    """

    state: str
    outcome: str | None
    message: str
    context: ExecutionContext[T]
    result: Any
    results: Mapping[str, Any]
    attempts: Mapping[str, int]
    undone: tuple[str, ...]
    errors: tuple[Failure, ...]

    @property
    def data(self) -> T:
        """The data of ``context``."""
        return self.context.data

    @property
    def trace(self) -> list[dict[str, Any]]:
        """The trace of ``context``: the whole run's."""
        return self.context.trace

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of ``context``."""
        return self.context.metadata

    @property
    def succeeded(self) -> bool:
        """Whether every step is done."""
        return self.outcome == "Succeeded"

    @property
    def status(self) -> str:
        """In TaskChain's words: SUCCESS, ABORTED or FAILED."""
        return {"Succeeded": "SUCCESS", "Aborted": "ABORTED"}.get(self.outcome or "", "FAILED")
