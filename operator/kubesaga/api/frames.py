"""How a program writes a result into its log that is too large for its result file.

The document is cut into frames, one to a line: ``kubesaga-result:<16 hex digits of its SHA-256>:<index>:<base64>``. The
result file says how long it is and what its SHA-256 is (``documents.Framed``), so that nothing else in the log can be
taken for it. Called by whoever has the log: the operator, the local engine.
"""

from __future__ import annotations

import base64
import hashlib
import re

from kubesaga.api.constants import FRAME_PREFIX
from kubesaga.api.documents import Framed

# A frame carries at most this much base64, so that each line is written in one piece (PIPE_BUF is 4096).
CHUNK = 2048


def joined(log: bytes, framed: Framed) -> bytes | None:
    """The document that the frames in this log make up; None unless it is complete and as announced."""
    pattern = rf"^{FRAME_PREFIX}:{framed.sha256[:16]}:([0-9]{{1,6}}):([A-Za-z0-9+/=]{{1,{CHUNK}}})\r?$"
    chunks = {int(found[1]): found[2] for found in re.finditer(pattern.encode(), log, re.MULTILINE)}
    try:
        document = b"".join(base64.b64decode(chunks[i], validate=True) for i in range(len(chunks)))
    except (KeyError, ValueError):
        return None
    fits = len(document) == framed.size and hashlib.sha256(document).hexdigest() == framed.sha256
    return document if fits else None
