"""Documents as programs frame them in their logs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from kubesaga.api.documents import Framed


def announced(document: bytes) -> Framed:
    """What the result file says of it."""
    return Framed(len(document), hashlib.sha256(document).hexdigest())


def note_of(document: bytes) -> dict[str, Any]:
    """The same as it is written there."""
    said = announced(document)
    return {"resultFrame": {"bytes": said.size, "sha256": said.sha256}}


def frames_of(document: bytes, chunk: int = 1500) -> list[bytes]:
    """The lines of the log, each with this many bytes of the document."""
    short = announced(document).sha256[:16]
    parts = [base64.b64encode(document[i : i + chunk]).decode() for i in range(0, len(document), chunk)]
    return [f"kubesaga-result:{short}:{i}:{part}".encode() for i, part in enumerate(parts)]


def log_of(lines: Iterable[bytes]) -> bytes:
    """A log with these lines among others."""
    return b"\n".join([b"hello", *lines, b"bye"]) + b"\n"
