"""Rehearsed failures: attempts that fail without having run, because the user says so or a seed does.

They show what a workflow does when things go wrong: which attempts follow, and in which order what was done is undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import Role
from kubesaga.local.errors import LocalError

# Of the attempts that a seed decides about, so many fail; and of those of forward work, so many for good.
_FAILING = 0.2
_FOR_GOOD = 0.25

_WRITTEN = re.compile(r"(?P<path>[a-z0-9_./-]+)(:(?P<attempt>[1-9][0-9]*))?(=(?P<kind>\w+))?")


class Kind(StrEnum):
    """How an attempt fails."""

    PERMANENT = "Permanent"
    RETRYABLE = "Retryable"
    TIMEOUT = "Timeout"


ERRORS = {
    Kind.PERMANENT: StepError("RehearsedFailure", "fails for good, as asked", retryable=False),
    Kind.RETRYABLE: StepError("RehearsedFailure", "fails, as asked"),
    Kind.TIMEOUT: StepError("Timeout", "takes too long, as asked", outcome_unknown=True),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """That a step fails: in one attempt, or (None) in all. ``path`` are the steps from the root down to it."""

    path: tuple[str, ...]
    attempt: int | None = None
    kind: Kind = Kind.PERMANENT

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``step[:attempt][=Permanent|Retryable|Timeout]``. Raises LocalError."""
        found = _WRITTEN.fullmatch(text)
        kinds = {kind.value.lower(): kind for kind in Kind}
        kind = (found["kind"] or "permanent").lower() if found else ""
        if found is None or kind not in kinds:
            hint = "write STEP[:ATTEMPT][=Permanent|Retryable|Timeout]; of a sub-workflow STEP/STEP"
            raise LocalError(f"--fail {text}: is no failure", hint)
        return cls(tuple(found["path"].split("/")), int(found["attempt"]) if found["attempt"] else None, kinds[kind])


class Faults:
    """What fails by intent. ``seed``: some attempts at random besides, the same ones every time."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int | None = None) -> None:
        self.faults = tuple(faults)
        self._seed = seed

    @classmethod
    def of_words(cls, fail: Iterable[str], seed: int | None) -> Faults:
        """As the command line writes them. Raises LocalError."""
        return cls([Fault.parse(text) for text in fail], seed)

    def of(self, path: tuple[str, ...], attempt: Attempt) -> StepError | None:
        """The error of this attempt, if it is to fail; ``path`` is its Task's."""
        if attempt.role is Role.FORWARD:
            for fault in self.faults:
                if fault.path == (*path, attempt.step) and fault.attempt in (None, attempt.number):
                    return ERRORS[fault.kind]
        return None if self._seed is None else self._drawn(path, attempt)

    def _drawn(self, path: tuple[str, ...], attempt: Attempt) -> StepError | None:
        random = Random(f"{self._seed}/{'/'.join(path)}/{attempt.step}/{attempt.role}/{attempt.number}")
        if random.random() >= _FAILING:
            return None
        kinds = list(Kind)
        if attempt.role is Role.COMPENSATION or random.random() >= _FOR_GOOD:
            kinds.remove(Kind.PERMANENT)  # a compensation that fails for good would need a human
            return ERRORS[random.choice(kinds)]
        return ERRORS[Kind.PERMANENT]
