"""Versions of templates: which are valid, and which one a Task gets.

Semantic versions by the ``semver`` library. Build metadata (``+…``) is refused, because a version is also a
label's value; so are pre-release identifiers that begin or end with a hyphen where a letter or digit could
stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import semver

_NUMBER = "(0|[1-9][0-9]*)"
_IDENTIFIER = "(0|[1-9][0-9]*|[0-9]*[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?|[0-9]*-[0-9A-Za-z-]*[0-9A-Za-z])"
VERSION_PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?$"
MAX_LENGTH = 63
REMEDY = "write MAJOR.MINOR.PATCH, such as 1.0.0 or 1.1.0-rc.1, without build metadata (+…)"

_PATTERN = re.compile(VERSION_PATTERN)


def is_version(text: str) -> bool:
    """Whether a template may carry this version."""
    return len(text) <= MAX_LENGTH and _PATTERN.fullmatch(text) is not None


def pick_version(candidates: Iterable[str], wanted: str | None) -> str | None:
    """The version that a Task gets out of those there are, or None.

    ``wanted`` is matched exactly; None asks for the highest release, so a pre-release is had by its exact
    version only. Candidates that are no versions are passed over.
    """
    valid = [text for text in candidates if is_version(text)]
    if wanted is not None:
        return wanted if wanted in valid else None
    releases = [version for version in map(semver.Version.parse, valid) if not version.prerelease]
    return str(max(releases)) if releases else None
