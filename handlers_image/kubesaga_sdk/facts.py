"""Facts that a StepContext gives as objects: which Task it is, and why another step failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class TaskInfo(NamedTuple):
    """The Task that this step belongs to, as its author wrote it. Empty where nothing was said."""

    name: str
    namespace: str
    uid: str
    initiator: str
    source_system: str
    reason: str
    tags: list[str]
    created_at: str
    """RFC 3339."""

    @classmethod
    def read(cls, task: Mapping[str, Any]) -> TaskInfo:
        """From the input document's `task`."""
        return cls(
            name=task.get("name") or "",
            namespace=task.get("namespace") or "",
            uid=task.get("uid") or "",
            initiator=task.get("initiator") or "",
            source_system=task.get("sourceSystem") or "",
            reason=task.get("reason") or "",
            tags=task.get("tags") or [],
            created_at=task.get("createdAt") or "",
        )


class StepFailure(NamedTuple):
    """Why another step failed."""

    type: str
    code: str | None
    message: str

    @classmethod
    def read(cls, error: Mapping[str, Any]) -> StepFailure:
        """From an error in the input document."""
        code = error.get("code")
        return cls(str(error.get("type", "")), None if code is None else str(code), str(error.get("message", "")))
