"""What a program says came of it: its document read as JSON, its error judged.

The part of the step contract's output side that needs no pod: shared by ``kubesaga.api.documents``, which reads what a
container left, and by the SDK's runners, whose attempts run in their own process, so that both judge alike.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from kubesaga.engine.encoding import as_stored
from kubesaga.engine.records import StepError

PERMANENT_EXIT_CODES = range(64, 79)
"""Of a program that says no more: as in sysexits.h, no further attempt would help."""

# What a status takes (the CRD's bounds): longer words are cut, so that no report can keep a status from being written.
MESSAGE_LIMIT = 1000
_WORD_LIMIT = 200
_TYPES_LIMIT = 32
_LONGEST_WAIT = 365 * 24 * 3600.0

# Errors that a program reports although its work may have been done.
_WORK_DONE = frozenset({"ResultTooLarge", "InvalidResult", "Terminated"})


def parsed(text: str) -> dict[str, Any] | None:
    """The document, if it is one. NaN and infinities, which Python reads and JSON has not, make it none."""
    try:
        document = json.loads(text, parse_constant=_refuse, parse_float=_number)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def error(document: Mapping[str, Any], exit_code: int) -> StepError:
    """An error document, taken leniently: what is missing or of the wrong type gets a default."""
    type_ = document.get("type")
    name = type_[:_WORD_LIMIT] if isinstance(type_, str) and type_ else "StepFailed"
    retryable, code = document.get("retryable"), document.get("code")
    return StepError(
        type=name,
        message=str(document.get("message") or "")[:MESSAGE_LIMIT],
        code=str(code)[:_WORD_LIMIT] if code is not None else None,
        retryable=retryable if isinstance(retryable, bool) else exit_code not in PERMANENT_EXIT_CODES,
        types=_words(document.get("types")),
        exit_code=exit_code,
        outcome_unknown=name in _WORK_DONE,
        retry_after=_seconds(document.get("retryAfter")),
    )


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _number(text: str) -> float | int:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return as_stored(number)


def _words(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(word[:_WORD_LIMIT] for word in listed if isinstance(word, str))[:_TYPES_LIMIT]


def _seconds(value: Any) -> float | None:
    valid = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_WAIT
    return float(value) if valid else None
