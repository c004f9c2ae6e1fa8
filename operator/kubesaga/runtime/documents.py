"""What a step's program left behind: its termination message and exit code, read as a result or an error.

The step contract's output side (design, section 4). Called by ``observe`` for every terminated main container.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api.constants import PERMANENT_EXIT_CODES, RESULT_LIMIT_BYTES
from kubesaga.engine.records import StepError

# What a status takes (the CRD's bounds): longer words are cut, so that no report can keep a status from being written.
_MESSAGE_LIMIT = 1000
_WORD_LIMIT = 200
_TYPES_LIMIT = 32
_KILLED = 137
_TERMINATED = 143
_SIGNALS = 128
_LONGEST_WAIT = 365 * 24 * 3600.0

# Errors that a program reports although its work may have been done.
_WORK_DONE = frozenset({"ResultTooLarge", "InvalidResult", "Terminated"})


@dataclass(frozen=True, slots=True)
class Output:
    """A program's last words: a result with metadata, or an error."""

    result: Any = None
    metadata: Mapping[str, Any] | None = None
    error: StepError | None = None


def read_output(terminated: Mapping[str, Any], *, expects_document: bool) -> Output:
    """Read a container's ``state.terminated``. A handler must leave a document, other programs may."""
    message = terminated.get("message") or ""
    code = int(terminated.get("exitCode", 0))
    document = _parse(message)
    if code == 0:
        return _after_success(message, document, expects_document=expects_document)
    error = document.get("error") if document else None
    if isinstance(error, dict):
        return Output(error=_reported(error, code))
    return Output(error=_by_exit_code(code, terminated.get("reason"), message))


def _parse(message: str) -> dict[str, Any] | None:
    """The document, if it is one. NaN and infinities, which Python reads and JSON has not, make it none."""
    try:
        document = json.loads(message, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def _after_success(message: str, document: dict[str, Any] | None, *, expects_document: bool) -> Output:
    if not message.strip():
        if not expects_document:
            return Output()
        return Output(
            error=StepError(
                "NoResult",
                "the program exited with 0 but left no document in its result file; a handler must run to its end "
                "under the SDK's runner (python -m kubesaga_sdk)",
                outcome_unknown=True,
            )
        )
    if document is None and len(message.encode()) >= RESULT_LIMIT_BYTES:
        return Output(
            error=StepError(
                "ResultTooLarge",
                f"the result document was cut at {RESULT_LIMIT_BYTES} bytes; store the data elsewhere and return a "
                "reference to it",
                retryable=False,
                outcome_unknown=True,
            )
        )
    if document is not None and isinstance(document.get("error"), dict):
        return Output(error=_reported(document["error"], 0))
    if document is None or "result" not in document:
        return Output(error=_invalid(message))
    metadata = document.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return Output(error=_invalid(message))
    return Output(result=document["result"], metadata=metadata)


def _invalid(message: str) -> StepError:
    start = message.strip()[:120]
    return StepError(
        "InvalidResult",
        f'the result file holds no document of the step contract ({{"result": …}} or {{"error": {{…}}}}): it begins '
        f"with {start!r}",
        retryable=False,
        outcome_unknown=True,
    )


def _reported(error: Mapping[str, Any], code: int) -> StepError:
    """An error document, taken leniently: what is missing or of the wrong type gets a default."""
    type_ = error.get("type")
    name = type_[:_WORD_LIMIT] if isinstance(type_, str) and type_ else "StepFailed"
    retryable = error.get("retryable")
    types = error.get("types")
    after = error.get("retryAfter")
    return StepError(
        type=name,
        message=str(error.get("message") or "")[:_MESSAGE_LIMIT],
        code=str(error["code"])[:_WORD_LIMIT] if error.get("code") is not None else None,
        retryable=retryable if isinstance(retryable, bool) else code not in PERMANENT_EXIT_CODES,
        types=_words(types),
        exit_code=code,
        outcome_unknown=name in _WORK_DONE,
        retry_after=_seconds(after),
    )


def _words(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(word[:_WORD_LIMIT] for word in listed if isinstance(word, str))[:_TYPES_LIMIT]


def _seconds(value: Any) -> float | None:
    valid = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_WAIT
    return float(value) if valid else None


def _by_exit_code(code: int, reason: str | None, message: str) -> StepError:
    tail = message.strip()[-_MESSAGE_LIMIT:]
    said = f"; its log ends: {tail}" if tail else ""
    if reason == "OOMKilled":
        return StepError(
            "OutOfMemory",
            f"the program was killed for using more memory than its limit; raise resources.limits.memory{said}",
            exit_code=code,
            outcome_unknown=True,
        )
    if reason in ("StartError", "ContainerCannotRun"):
        return StepError(
            "ContainerCannotRun", f"the container could not be started; check command and image{said}", exit_code=code
        )
    if code == _KILLED:
        return StepError(
            "Killed",
            f"the program was killed (exit code {code}); see the pod's node for why{said}",
            exit_code=code,
            outcome_unknown=True,
        )
    if code == _TERMINATED:
        return StepError(
            "Terminated", f"the program was told to stop (exit code {code}){said}", exit_code=code, outcome_unknown=True
        )
    return StepError(
        "ExitCode",
        f"the program failed with exit code {code}{said}",
        retryable=code not in PERMANENT_EXIT_CODES,
        exit_code=code,
        outcome_unknown=code > _SIGNALS,
    )
