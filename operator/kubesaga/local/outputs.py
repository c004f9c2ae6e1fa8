"""What a local program left behind, judged as the operator judges what a container left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.documents import Output, read_framed, read_output
from kubesaga.api.frames import joined
from kubesaga.engine.records import StepError

# What the kubelet takes from the end of a log where a failed program left no document.
_TAIL = 2048
_SIGNALS = 128


Log = Callable[[int | None], bytes]
"""Gives the end of a log, of so many bytes, or (None) all of it, which may be gigabytes."""


def judged(exit_code: int, document: bytes, log: Log, *, expects_document: bool) -> Output:
    """The result or the error of a process by its exit code (as Popen tells it), its result file and its log."""
    code = exit_code if exit_code >= 0 else _SIGNALS - exit_code
    output = read_output(_terminated(code, document, log), expects_document=expects_document)
    if output.framed is None:
        return output
    whole = joined(log(None), output.framed)
    if whole is not None:
        return read_framed(whole)
    why = "its result is not in its log as it said: frames are missing, or do not fit their checksum"
    return Output(error=StepError("ResultUnreadable", f"the program ended well, but {why}", outcome_unknown=True))


def judged_whole(exit_code: int, document: bytes) -> Output:
    """The same for a handler that ran in this process, whose document needs no frames."""
    if exit_code == 0:
        return read_framed(document)
    return read_output(_terminated(exit_code, document, lambda _: b""), expects_document=True)


def _terminated(code: int, document: bytes, log: Log) -> Mapping[str, Any]:
    message = document[-c.RESULT_LIMIT_BYTES :].decode("utf-8", "replace")
    if not message and code != 0:
        message = log(_TAIL).decode("utf-8", "replace")
    return {"exitCode": code, "message": message, "reason": "Error" if code else "Completed"}
