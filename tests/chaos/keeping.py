"""Evidence of a run on disk, for whoever wants to know how something came about: the cluster's own is deleted.

`run` writes it wherever the audit finds a deviation or a Task has not ended, and whenever it is told to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hack.cluster.paths import Paths


def default_folder(seed: int) -> Path:
    """A new folder for this run beside everything else that is made and may be deleted at any time."""
    return Paths.from_environment().cache / "chaos" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-seed-{seed}"


def write(folder: Path, documents: Mapping[str, Any], logs: Mapping[str, bytes]) -> None:
    """Each document as `<name>.json`, each log as `<name>.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1))
    for name, text in logs.items():
        (folder / f"{name}.log").write_bytes(text)
