"""One finding, and the codes that findings have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_LIMIT = 1000


class Code(StrEnum):
    """What kind of mistake it is. Stable: scripts and docs refer to these."""

    INVALID_FIELD = "InvalidField"
    INVALID_DURATION = "InvalidDuration"
    INVALID_VERSION = "InvalidVersion"
    INVALID_CALLABLE = "InvalidCallable"
    INVALID_PROGRAM = "InvalidProgram"
    INVALID_RETRY = "InvalidRetry"
    INVALID_EXPRESSION = "InvalidExpression"
    INVALID_ACTION = "InvalidAction"
    INVALID_INPUT_SCHEMA = "InvalidInputSchema"
    INVALID_OUTPUT_SCHEMA = "InvalidOutputSchema"
    INVALID_RESULT_SCHEMA = "InvalidResultSchema"
    REMOTE_REFERENCE = "RemoteReference"
    METADATA_TOO_LARGE = "MetadataTooLarge"
    TIMEOUT_TOO_SHORT = "TimeoutTooShort"
    NO_STEPS = "NoSteps"
    TOO_MANY_STEPS = "TooManySteps"
    DUPLICATE_STEP = "DuplicateStep"
    DUPLICATE_DEPENDENCY = "DuplicateDependency"
    DUPLICATE_ENTRY = "DuplicateEntry"
    UNKNOWN_DEPENDENCY = "UnknownDependency"
    SELF_DEPENDENCY = "SelfDependency"
    DEPENDENCY_CYCLE = "DependencyCycle"
    UNKNOWN_STEP = "UnknownStep"
    NOT_AN_ANCESTOR = "NotAnAncestor"
    SUB_WORKFLOW_CYCLE = "SubWorkflowCycle"
    FIELD_WITHOUT_EFFECT = "FieldWithoutEffect"
    COMPENSATION_WITHOUT_PROGRAM = "CompensationWithoutProgram"
    MISSING_IMAGE = "MissingImage"
    RESERVED_ENVIRONMENT = "ReservedEnvironment"
    RESERVED_LABEL = "ReservedLabel"
    RESERVED_VOLUME = "ReservedVolume"
    UNKNOWN_VOLUME = "UnknownVolume"
    TOO_MANY_FINDINGS = "TooManyFindings"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: its code, where it is (``spec.steps[2].timeout``), what is wrong, what to do about it."""

    code: Code
    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message} ({self.code}); {self.remedy}"


def finding(code: Code, path: str, message: str, remedy: str) -> Finding:
    """A finding that fits into a status, however long the words that it quotes."""
    return Finding(code, shortened(path), shortened(message), shortened(remedy))


def shortened(text: str, limit: int = _LIMIT) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if one is close; case, ``_`` and ``-`` do not count."""
    by_plain = {_plain(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_plain(word[:100]), by_plain, n=1, cutoff=0.65)
    return by_plain[close[0]] if close else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a sentence, the first few of them."""
    all_names = list(names)
    rest = len(all_names) - most
    return ", ".join(all_names[:most]) + (f" and {rest} more" if rest > 0 else "")
