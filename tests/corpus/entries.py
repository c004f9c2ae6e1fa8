"""The corpus of wrong manifests, as its three readers share it: the findings, the API server and the operator.

Each file says in the comments at its top what it must get:

- ``# expect:`` the codes of its findings;
- ``# refused:`` the fields that the API server names when it refuses the manifest. Without this line the API server
  admits it, and it is the operator that says what is wrong;
- ``# admitted:`` why it is no mistake for them, although it is one for whoever reads the YAML in Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

INVALID = Path(__file__).parent / "invalid"


@dataclass(frozen=True)
class Entry:
    """One file."""

    file: Path
    codes: tuple[str, ...]
    refused: tuple[str, ...]
    harmless: bool
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.stem

    @property
    def kind(self) -> str:
        """TaskTemplate, Task or TaskAction."""
        return str(self.manifest["kind"])

    @property
    def for_the_operator(self) -> bool:
        """Whether the API server admits it and the operator does not."""
        return not self.refused and not self.harmless


def _read(file: Path) -> Entry:
    text = file.read_text(encoding="utf-8")
    said = dict(line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# "))
    unknown = said.keys() - {"expect", "refused", "admitted"}
    assert "expect" in said, f"{file.name} must say what to expect"
    assert not unknown, f"{file.name}: what is {', '.join(unknown)}?"
    return Entry(
        file=file,
        codes=tuple(sorted(said["expect"].split(", "))),
        refused=tuple(said["refused"].split(", ")) if "refused" in said else (),
        harmless="admitted" in said,
        manifest=yaml.safe_load(text),
    )


ENTRIES = [_read(file) for file in sorted(INVALID.glob("*.yaml"))]
