"""What a step's program left behind: its termination message and exit code, read as a result or an error.

The step contract's output side (design, section 4). Called by the runtime's ``observe`` for every terminated main
container, by its ``frames`` for the document that a program wrote into its log because it is too large for a
termination message, and by the local engine for its processes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api.constants import FRAMED_LIMIT_BYTES, RESULT_LIMIT_BYTES
from kubesaga.engine import reported
from kubesaga.engine.records import StepError

_KILLED = 137
_TERMINATED = 143
_SIGNALS = 128
_SHA256 = re.compile(r"[0-9a-f]{64}")

_NO_RESULT = StepError(
    "NoResult",
    "the program exited with 0 but left no document in its result file; a handler must run to its end under the SDK's "
    "runner (python -m kubesaga_sdk)",
    outcome_unknown=True,
)


@dataclass(frozen=True, slots=True)
class Framed:
    """That the document is in the container's log: its length in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Output:
    """A program's last words: a result with metadata, an error, or where to read them."""

    result: Any = None
    metadata: Mapping[str, Any] | None = None
    error: StepError | None = None
    framed: Framed | None = None


def read_output(terminated: Mapping[str, Any], *, expects_document: bool) -> Output:
    """Read a container's ``state.terminated``. A handler must leave a document, other programs may."""
    message = terminated.get("message") or ""
    code = int(terminated.get("exitCode", 0))
    document = reported.parsed(message)
    if code == 0:
        return _exited_well(message, document, expects_document=expects_document)
    error = document.get("error") if document else None
    if isinstance(error, dict):
        return Output(error=reported.error(error, code))
    return Output(error=_by_exit_code(code, terminated.get("reason"), message))


def read_framed(document: bytes) -> Output:
    """Read a document that was framed in the log of a program that exited with 0."""
    try:
        text = document.decode()
    except UnicodeDecodeError:
        return Output(error=_invalid(document.decode("utf-8", "replace")))
    return _after_success(text, reported.parsed(text))


def _exited_well(message: str, document: dict[str, Any] | None, *, expects_document: bool) -> Output:
    if not message.strip():
        return Output(error=_NO_RESULT) if expects_document else Output()
    if document is None and len(message.encode()) >= RESULT_LIMIT_BYTES:
        return Output(
            error=_too_large(
                f"the result document was cut at {RESULT_LIMIT_BYTES} bytes; frame a larger one in the program's log, "
                "as the SDK does for handlers, or store the data elsewhere and return a reference to it"
            )
        )
    if document is not None and "resultFrame" in document:
        return _in_the_log(message, document["resultFrame"])
    return _after_success(message, document)


def _after_success(message: str, document: dict[str, Any] | None) -> Output:
    if document is not None and isinstance(document.get("error"), dict):
        return Output(error=reported.error(document["error"], 0))
    if document is None or "result" not in document:
        return Output(error=_invalid(message))
    metadata = document.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return Output(error=_invalid(message))
    return Output(result=document["result"], metadata=metadata)


def _in_the_log(message: str, note: Any) -> Output:
    size, sha256 = (note.get("bytes"), note.get("sha256")) if isinstance(note, dict) else (None, None)
    if type(size) is not int or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return Output(error=_invalid(message))
    if size > FRAMED_LIMIT_BYTES:
        return Output(
            error=_too_large(
                f"the result document in the log has {size} bytes, the limit is {FRAMED_LIMIT_BYTES}; store the data "
                "elsewhere (object store, database, volume) and return a reference to it"
            )
        )
    return Output(framed=Framed(size, sha256))


def _too_large(message: str) -> StepError:
    return StepError("ResultTooLarge", message, retryable=False, outcome_unknown=True)


def _invalid(message: str) -> StepError:
    start = message.strip()[:120]
    return StepError(
        "InvalidResult",
        f'the program left no document of the step contract ({{"result": …}} or {{"error": {{…}}}}): it begins with '
        f"{start!r}",
        retryable=False,
        outcome_unknown=True,
    )


def _by_exit_code(code: int, reason: str | None, message: str) -> StepError:
    tail = message.strip()[-reported.MESSAGE_LIMIT :]
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
        retryable=code not in reported.PERMANENT_EXIT_CODES,
        exit_code=code,
        outcome_unknown=code > _SIGNALS,
    )
