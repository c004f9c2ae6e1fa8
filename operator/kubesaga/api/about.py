"""The variable ``task`` of a template's expressions: who asked for what, when, under which names.

Called by the runtime's ``gather`` and by the local engine, so that an expression sees the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.execution_context import correlation_id


def about(task: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The variable ``task`` of a template's expressions. What was left out is null, or an empty list or map."""
    meta, spec = task["metadata"], task["spec"]
    return {
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
        "createdAt": meta["creationTimestamp"],
        "initiator": spec.get("initiator"),
        "sourceSystem": spec.get("sourceSystem"),
        "reason": spec.get("reason"),
        "tags": spec.get("tags") or [],
        "correlationId": correlation_id(task),
        "metadata": spec.get("metadata") or {},
        "options": dict(options),
    }
