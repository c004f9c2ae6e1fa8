"""The backstop of immutability: a Task whose request is not the one that it started with goes no further.

The API server refuses such a change by its CEL rules; this is for a cluster where somebody took the rules away.
"""

from __future__ import annotations

from kubesaga.engine.draft import Draft
from kubesaga.engine.records import Attention


def request_is_unchanged(draft: Draft) -> bool:
    """False, and a human is told, if the immutable part of the request has changed since the start."""
    recorded, seen = draft.request_hash, draft.snapshot.request_hash
    if recorded is None or seen is None or recorded == seen:
        return True
    draft.attention = Attention(
        "RequestChanged",
        "the Task's spec was changed after it started, which the CRD forbids; put it back as it was",
    )
    return False
