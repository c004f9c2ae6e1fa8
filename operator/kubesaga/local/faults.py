"""Rehearsed failures: attempts that fail without having run, because the user says so or a seed does.

They show what a workflow does when things go wrong: which attempts follow, in which order what was done is undone, and
what is left to a human where that fails too.
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

_UNDO = "undo:"
# A step's name begins with a letter: undo:2 is the second attempt of a step that is called undo.
_WRITTEN = re.compile(rf"(?P<undo>{_UNDO})?(?P<path>[a-z][a-z0-9_./-]*)(:(?P<attempt>[1-9][0-9]*))?(=(?P<kind>\w+))?")


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
    """That a step, or its compensation, fails: in one attempt, or (None) in all.

    ``path`` are the steps from the root down to it.
    """

    path: tuple[str, ...]
    attempt: int | None = None
    kind: Kind = Kind.PERMANENT
    role: Role = Role.FORWARD

    @property
    def called(self) -> str:
        """What fails, as it is written: ``step``, or ``undo:step``."""
        return f"{_UNDO if self.role is Role.COMPENSATION else ''}{'/'.join(self.path)}"

    def strikes(self, path: tuple[str, ...], attempt: Attempt) -> bool:
        """Whether it is this attempt, of the Task with this path, that fails."""
        is_its_step = self.path == (*path, attempt.step) and self.role is attempt.role
        return is_its_step and self.attempt in (None, attempt.number)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``[undo:]step[:attempt][=Permanent|Retryable|Timeout]``. Raises LocalError."""
        found = _WRITTEN.fullmatch(text)
        kinds = {kind.value.lower(): kind for kind in Kind}
        kind = (found["kind"] or "permanent").lower() if found else ""
        if found is None or kind not in kinds:
            hint = "write [undo:]STEP[:ATTEMPT][=Permanent|Retryable|Timeout]; of a sub-workflow STEP/STEP"
            raise LocalError(f"--fail {text}: is no failure", hint)
        attempt = int(found["attempt"]) if found["attempt"] else None
        role = Role.COMPENSATION if found["undo"] else Role.FORWARD
        return cls(tuple(found["path"].split("/")), attempt, kinds[kind], role)


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
        for fault in self.faults:
            if fault.strikes(path, attempt):
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
