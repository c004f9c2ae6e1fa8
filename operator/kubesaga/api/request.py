"""Which two requests for a Task are the same one.

The operator holds a Task to the request that it was created with, and the client knows its own request again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.compile import content_hash
from kubesaga.api.constants import DEFAULT_DOMAIN

_CHANGEABLE = frozenset({"desiredState", "cancellation", "ttlAfterFinished"})


def request_hash(spec: Mapping[str, Any]) -> str:
    """SHA-256 of what cannot be changed about a request. What says nothing (a default that a later API server writes
    out, an empty list) makes no difference."""
    said = {field: value for field, value in spec.items() if field not in _CHANGEABLE and value}
    reference = said.get("templateRef") or {}
    if reference.get("domain") == DEFAULT_DOMAIN:
        said["templateRef"] = {field: value for field, value in reference.items() if field != "domain"}
    return content_hash(said)
