"""The report of an import, for humans and for programs. Called by `kubesaga import`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kubesaga.cli.importing.convert import Imported


def as_text(imported: Sequence[Imported]) -> str:
    """One paragraph for each document: what became of it, its notes, and what the API would say against it."""
    return "\n\n".join("\n".join(_paragraph(each)) for each in imported)


def as_data(imported: Sequence[Imported]) -> dict[str, Any]:
    """``{"objects": [{source, dialect, kind, name, notes: [{kind, path, message}], findings: [...]}]}``."""
    return {
        "objects": [
            {
                "source": each.source,
                "dialect": each.dialect,
                "kind": each.kind,
                "name": each.name,
                "notes": [{**dataclasses.asdict(note), "kind": str(note.kind)} for note in each.notes],
                "findings": [{**dataclasses.asdict(finding), "code": str(finding.code)} for finding in each.findings],
            }
            for each in imported
        ]
    }


def _paragraph(each: Imported) -> list[str]:
    counts = Counter(str(note.kind) for note in each.notes)
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing to note"
    lines = [f"{each.source}: {each.dialect} → {each.kind} {each.name} ({summary})"]
    lines += [f"  {note}" for note in each.notes]
    lines += [f"  error    {finding}" for finding in each.findings]
    return lines
