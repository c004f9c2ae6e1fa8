"""ExecutionContext: the workflow so far in three parts, as TaskChain has them.

What a task of a workflow written in Python works on (`kubesaga_sdk.workflow`), what `StepContext.execution_context`
gives to a handler, and the same three parts that the operator's export of a Task has.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ExecutionContext(Generic[T]):
    """What a workflow works on, what has happened, and who asked for it.

    Always a copy: a task's changes to `data` and `metadata` are kept if its attempt succeeds, and only then; those to
    `trace` never are.
    """

    __slots__ = ("data", "metadata", "trace")

    def __init__(
        self, data: T, trace: list[dict[str, Any]] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self.data = data
        """A dataclass or a dict. In a handler: `context`, what the Task asks for, and `results`, by ancestor step."""
        self.trace: list[dict[str, Any]] = [] if trace is None else trace
        """The last 50 of `{timestamp, level, source, kind: start|end|error|retry, message}`, oldest first."""
        self.metadata: dict[str, Any] = {} if metadata is None else metadata
        """The Task's metadata, and its execution id, initiator, tags, times and correlation ids."""

    def log_event(self, level: str, source: str, message: str) -> None:
        """Write a log line, and add it to this copy of the trace.

        `level` is DEBUG, INFO, WARNING or ERROR; a word that logging does not know counts as INFO.
        """
        import logging

        number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        # Not a child of the SDK's own logger: a line of the application's goes where the application sends it.
        logging.getLogger("kubesaga_workflow").log(number, "%s: %s", source, message)
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        entry = {"timestamp": now, "level": level, "source": source, "kind": "log", "message": message}
        self.trace.append(entry)

    def to_json(self) -> str:
        """All three as one JSON object. Raises InvalidData for what JSON cannot hold."""
        from kubesaga_sdk import json_value
        from kubesaga_sdk.workflow.codec import InvalidData, codec_of

        data = codec_of(type(self.data)).encode(self.data, "data")
        if fault := json_value.fault(self.trace, "trace") or json_value.fault(self.metadata, "metadata"):
            raise InvalidData(fault, "InvalidData")
        return json.dumps({"data": data, "trace": self.trace, "metadata": self.metadata}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, data_type: type[T] = dict) -> ExecutionContext[T]:  # type: ignore[assignment]
        """What `to_json` wrote; `data_type` is the dataclass that `data` becomes. Raises InvalidData."""
        from kubesaga_sdk.workflow.codec import InvalidData, codec_of

        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidData(f"the execution context is not JSON: {error}", "InvalidData") from error
        if not isinstance(found, dict) or "data" not in found:
            raise InvalidData(
                'an execution context is a JSON object with "data", "trace" and "metadata"', "InvalidData"
            )
        data: T = codec_of(data_type).decode(found["data"], "data")
        trace, metadata = found.get("trace") or [], found.get("metadata") or {}
        if not isinstance(trace, list) or not isinstance(metadata, dict):
            raise InvalidData("an execution context's trace is a list, and its metadata an object", "InvalidData")
        return cls(data, trace, metadata)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExecutionContext):
            return NotImplemented
        return (self.data, self.trace, self.metadata) == (other.data, other.trace, other.metadata)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ExecutionContext(data={self.data!r}, trace=[{len(self.trace)} entries], metadata={self.metadata!r})"
