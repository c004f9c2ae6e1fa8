"""Times on the wire (RFC 3339) and in the engine (seconds since the epoch).

Used by every translation between the two and by the runtime where it reads Kubernetes' own times.
"""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with microseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def epoch(text: str) -> float:
    """RFC 3339 as seconds since the epoch. Raises ValueError for anything else."""
    return datetime.fromisoformat(text).timestamp()
