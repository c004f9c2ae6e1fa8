"""The API server's audit log as a witness: who wrote what while a figure was measured.

The test cluster's provider `local` keeps one; `AuditLog` reads what was added to it, the rest is pure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hack.bench.errors import BenchError

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
LEASES = "leases"


@dataclass(frozen=True)
class Write:
    """One request that changes something, finished; `resource` with its subresource, as in `tasks/status`."""

    user: str
    verb: str
    resource: str
    namespace: str
    code: int

    def __str__(self) -> str:
        said = f"{self.verb} {self.resource}"
        return said if self.code < 300 else f"{said} ({self.code})"


def parse_writes(lines: Iterable[str]) -> list[Write]:
    """The writes among an audit log's lines (audit.k8s.io/v1, one JSON document each), in their order.

    Raises BenchError for a line that is none.
    """
    writes = []
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["stage"] != "ResponseComplete" or entry["verb"] not in WRITES:
                continue
            target = entry.get("objectRef") or {}
            subresource = target.get("subresource")
            resource = target.get("resource", entry.get("requestURI", "?"))
            write = Write(
                user=entry["user"]["username"],
                verb=entry["verb"],
                resource=f"{resource}/{subresource}" if subresource else resource,
                namespace=target.get("namespace", ""),
                code=(entry.get("responseStatus") or {}).get("code", 0),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BenchError(f"the audit log has a line that is no audit event: {line[:200]!r}") from error
        writes.append(write)
    return writes


def of_users(writes: Iterable[Write], prefix: str) -> list[Write]:
    """Those of the users whose name begins so: of all service accounts of a namespace."""
    return [write for write in writes if write.user.startswith(prefix)]


def without_leases(writes: Iterable[Write]) -> list[Write]:
    """Those that are not about a Lease, which a leader renews whether there is work or not."""
    return [write for write in writes if write.resource != LEASES]


def by_kind(writes: Iterable[Write]) -> dict[str, int]:
    """How many of each verb, resource and failure, the most frequent first."""
    return dict(Counter(map(str, writes)).most_common())


class AuditLog:
    """What is added to an audit log from `open` on, over a rotation too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._file.seek(0, os.SEEK_END)

    @classmethod
    def open(cls) -> AuditLog:
        """Begin at the end of the test cluster's audit log. Raises BenchError when there is none to read."""
        command = [sys.executable, "-m", "hack.cluster", "audit-log"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise BenchError(f"no audit log to count writes in: {answer.stderr.strip() or answer.stdout.strip()}")
        try:
            return cls(Path(answer.stdout.strip()))
        except OSError as error:
            raise BenchError(f"the audit log cannot be read: {error}") from error

    def read(self) -> list[Write]:
        """The writes since `open`, or since the last `read`."""
        content = self._file.read()
        if os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino:  # rotated: the rest is in a new one
            self._file.close()
            self._file = self._path.open("rb")
            content += self._file.read()
        complete, _, begun = content.rpartition(b"\n")
        self._file.seek(-len(begun), os.SEEK_CUR)
        return parse_writes(complete.decode().splitlines())

    def close(self) -> None:
        """Stop reading."""
        self._file.close()
