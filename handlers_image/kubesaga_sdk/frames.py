"""Large results: a document that does not fit into the result file is written to the log, cut into frames.

Called by the runner, and imported by it only then. Each frame is a line of its own,
`kubesaga-result:<16 hex digits of the SHA-256>:<index>:<base64>`; the result file says how long the document is and
gives its whole SHA-256, and the operator puts the frames together again. Other threads and child processes may write
to the log at the same time.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import sys

from kubesaga_sdk.contract import FRAME_CHUNK, FRAME_PREFIX

_STDOUT = 1


def print_framed(document: bytes) -> bytes:
    """Write the document's frames to standard output; returns what belongs into the result file.

    Raises OSError.
    """
    sha256 = hashlib.sha256(document).hexdigest()
    with contextlib.suppress(OSError, ValueError):  # A handler may have closed or replaced it.
        sys.stdout.flush()
    # A handler's event loop may have left it non-blocking: a log that is read slowly would then lose frames.
    os.set_blocking(_STDOUT, True)
    encoded = base64.b64encode(document).decode()
    for start in range(0, len(encoded), FRAME_CHUNK):
        chunk = encoded[start : start + FRAME_CHUNK]
        # In one write of less than PIPE_BUF, so that nobody else's bytes can get into it; and on a line of its own,
        # whether or not somebody's line is still unfinished.
        _write_whole(f"\n{FRAME_PREFIX}:{sha256[:16]}:{start // FRAME_CHUNK}:{chunk}\n".encode())
    return json.dumps({"resultFrame": {"bytes": len(document), "sha256": sha256}}).encode()


def _write_whole(line: bytes) -> None:
    while line:
        line = line[os.write(_STDOUT, line) :]
