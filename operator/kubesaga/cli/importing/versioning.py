"""A version of Tasker's, which is any text, as the semantic version that we need. Called for templates and requests."""

from __future__ import annotations

import re

from kubesaga.api.versions import is_version
from kubesaga.cli.importing.fields import Fields

TASKER_DEFAULT = "0.1.0"
"""What both dialects take where a template or a request names no version."""


def convert_version(fields: Fields, *, always: bool) -> str | None:
    """The version; a change is noted. Without one Tasker's default, if ``always`` or if the version cannot be read."""
    written = fields.text("version")
    path = fields.at("version")
    if written is None:
        if not always:
            return None
        fields.notes.assumed(path, f"is not given; Tasker then takes {TASKER_DEFAULT}, and so it is here")
        return TASKER_DEFAULT
    found = _semantic(written)
    if found is None:
        fields.notes.lost(
            path, f"{written} is no semantic version; it is {TASKER_DEFAULT} here, which you should change"
        )
        return TASKER_DEFAULT
    if found != written:
        fields.notes.changed(path, f"{written} is {found} here: versions are MAJOR.MINOR.PATCH")
    return found


def _semantic(written: str) -> str | None:
    plain = written.strip().lstrip("vV").partition("+")[0]
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(-.+)?", plain)
    if match is None:
        return None
    numbers = ".".join(str(int(match[i] or 0)) for i in (1, 2, 3))
    found = numbers + (match[4] or "")
    return found if is_version(found) else None
