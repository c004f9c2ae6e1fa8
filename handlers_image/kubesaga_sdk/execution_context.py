"""ExecutionContext: the workflow so far in three parts, as TaskChain has them.

Made by `StepContext.execution_context`; the same three parts that the operator's export of a Task has.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class ExecutionContext(NamedTuple):
    """What a workflow works on, what has happened, and who asked for it. A copy: changes go nowhere."""

    data: dict[str, Any]
    """`context`, what the Task asks for, and `results`, by ancestor step."""
    trace: list[dict[str, Any]]
    """The last 50 of `{timestamp, level, source, kind: start|end|error|retry, message}`, oldest first."""
    metadata: dict[str, Any]
    """The Task's metadata, and its execution id, initiator, tags, times and correlation ids."""

    def to_json(self) -> str:
        """All three as one JSON object."""
        return json.dumps(self._asdict(), ensure_ascii=False)
