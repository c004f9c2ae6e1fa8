"""What an attempt came to: the result document and the exit code.

Made by the runner from what the handler returned or raised. The document ends up in the pod's termination
message, which the kubelet cuts at 4096 bytes: an error is shortened to fit, a larger result goes into the log
(see `frames`) up to a limit, and beyond it is refused.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from kubesaga_sdk import json_value
from kubesaga_sdk.contract import (
    EXIT_DATA,
    EXIT_DONE,
    EXIT_RETRYABLE,
    EXIT_TERMINATED,
    FRAMED_LIMIT,
    METADATA_LIMIT,
    RESULT_LIMIT,
)
from kubesaga_sdk.errors import InvalidResult, ResultTooLarge
from kubesaga_sdk.result import StepHandlerResult
from kubesaga_sdk.termination import StepTerminated

MESSAGE_LIMIT = 2000
"""Characters of an error's message; fewer where they take more than a byte each."""
MESSAGE_MINIMUM = 100
WORD_LIMIT = 100
"""Characters of an error's type or code."""
TYPES_LIMIT = 12
"""Class names in an error's `types`."""


class Outcome(NamedTuple):
    """One attempt's end: compact UTF-8 JSON of at most FRAMED_LIMIT bytes, and the process's exit code."""

    document: bytes
    exit_code: int


def of_return(returned: object) -> Outcome:
    """The outcome of a handler that returned: a StepHandlerResult, or any JSON value as its result.

    A dataclass or a pydantic model stands for its fields.

    Raises InvalidResult, ResultTooLarge.
    """
    result = returned if isinstance(returned, StepHandlerResult) else StepHandlerResult.success(returned)
    if not result.is_success:
        return of_error(result.error) if result.error else _reported_failure(result)
    document: dict[str, Any] = {"result": json_value.plain(result.result)}
    if result.metadata:
        document["metadata"] = result.metadata
    for name, value in document.items():
        fault = json_value.fault(value, name)
        if fault:
            raise InvalidResult(f"the handler's result cannot be written as JSON: {fault}", "InvalidResult")
    size = len(_encode(result.metadata))
    if size > METADATA_LIMIT:
        raise ResultTooLarge(
            f"the result's metadata have {size} bytes, the limit is {METADATA_LIMIT}: put what the work yields into "
            "the result, and what is to be read into the log",
            "ResultTooLarge",
        )
    encoded = _encode(document)
    if len(encoded) > FRAMED_LIMIT:
        raise ResultTooLarge(
            f"the result document has {len(encoded)} bytes, the limit is {FRAMED_LIMIT}: store the data "
            "elsewhere (object store, database, volume) and return a reference to it",
            "ResultTooLarge",
        )
    return Outcome(encoded, EXIT_DONE)


def of_error(error: BaseException) -> Outcome:
    """The outcome of a handler that raised."""
    from kubesaga_sdk.classifier import classify, leading, told

    error = leading(error)
    if isinstance(error, StepTerminated):
        return Outcome(_error_document("Terminated", ["Terminated"], str(error), True), EXIT_TERMINATED)
    verdict = classify(error)
    document = _error_document(
        type(error).__name__,
        _class_names(error),
        _message(error),
        verdict.retryable,
        code=told(error, "error_code"),
        retry_after=verdict.retry_after,
        metadata=told(error, "metadata"),
    )
    return Outcome(document, verdict.exit_code)


def _reported_failure(result: StepHandlerResult) -> Outcome:
    name, retryable = result.error_type or "handler_error", bool(result.retryable)
    document = _error_document(
        name,
        [name],
        str(result.error_message or "") or "the handler reported a failure without a message",
        retryable,
        code=result.error_code,
        metadata=result.metadata,
    )
    return Outcome(document, EXIT_RETRYABLE if retryable else EXIT_DATA)


def _error_document(
    name: str,
    names: list[str],
    message: str,
    retryable: bool,
    *,
    code: object = None,
    retry_after: float | None = None,
    metadata: object = None,
) -> bytes:
    error: dict[str, Any] = {
        "type": _word(name),
        "types": [_word(each) for each in names[:TYPES_LIMIT]],
        "message": json_value.printable(message),
        "retryable": retryable,
    }
    if code is not None:
        error["code"] = _word(str(code))
    if retry_after is not None:
        error["retryAfter"] = retry_after
    if isinstance(metadata, dict) and metadata and not json_value.fault(metadata, "metadata"):
        error["metadata"] = metadata
    return _fitted(error)


def _fitted(error: dict[str, Any]) -> bytes:
    """Encode within the limit: the metadata go first, then the message's end, then the base classes."""
    limit = MESSAGE_LIMIT
    error["message"] = _shortened(error["message"], limit)
    encoded = _encode({"error": error})
    if len(encoded) > RESULT_LIMIT and error.pop("metadata", None):
        encoded = _encode({"error": error})
    while len(encoded) > RESULT_LIMIT and limit > MESSAGE_MINIMUM:
        limit = limit * 3 // 4
        error["message"] = _shortened(error["message"], limit)
        encoded = _encode({"error": error})
    if len(encoded) > RESULT_LIMIT:
        error["types"] = error["types"][:1]
        encoded = _encode({"error": error})
    return encoded


def _word(text: str) -> str:
    return _shortened(json_value.printable(text), WORD_LIMIT)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _class_names(error: BaseException) -> list[str]:
    """The class and its bases, below Exception: what a retry rule can match."""
    return [
        each.__name__
        for each in type(error).__mro__
        if issubclass(each, BaseException) and each not in (Exception, BaseException)
    ]


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the handler called sys.exit({error.code!r}): return a result or raise an error instead"
    try:
        said = str(error)
    except Exception as fault:
        return f"{type(error).__name__}, whose message cannot be told: {type(fault).__name__}: {fault}"
    return said or f"{type(error).__name__} without a message"
