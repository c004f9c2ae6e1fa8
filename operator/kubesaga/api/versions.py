"""Versions of templates: which are valid, which ranges of them can be asked for, and which one a Task gets.

Semantic versions by the ``semver`` library; ranges as npm reads them, whose rule for pre-releases (named, or not
had) is written out here because the libraries at hand break it. Build metadata (``+…``) is refused, because a version
is also a label's value; so are pre-release identifiers that begin or end with a hyphen where a letter or digit could
stand.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from semver import Version

_NUMBER = "(0|[1-9][0-9]*)"
_IDENTIFIER = "(0|[1-9][0-9]*|[0-9]*[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?|[0-9]*-[0-9A-Za-z-]*[0-9A-Za-z])"
_PRE_RELEASE = rf"-{_IDENTIFIER}(\.{_IDENTIFIER})*"
VERSION_PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}({_PRE_RELEASE})?$"
MAX_LENGTH = 63
REMEDY = "write MAJOR.MINOR.PATCH, such as 1.0.0 or 1.1.0-rc.1, without build metadata (+…)"

_COMPARATOR = (
    rf"(\*|{_NUMBER}(\.{_NUMBER})?\.[x*]|(\^|~|>=|<=|>|<|=)?{_NUMBER}(\.{_NUMBER}(\.{_NUMBER}({_PRE_RELEASE})?)?)?)"
)
VERSION_RANGE_PATTERN = rf"^{_COMPARATOR}( {_COMPARATOR}){{0,3}}$"
RANGE_REMEDY = "write an exact version, such as 2.1.0, or a range, such as ^2.1, ~1.4, 1.x or >=1 <3"

_PATTERN = re.compile(VERSION_PATTERN)
_RANGE = re.compile(VERSION_RANGE_PATTERN)
_PARTS = re.compile(
    r"(?P<operator>\D*)(?P<major>\d+)(\.(?P<minor>\d+))?(\.(?P<patch>\d+))?(\.[x*])?(-(?P<prerelease>.+))?"
)
_COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def is_version(text: str) -> bool:
    """Whether a template may carry this version."""
    return len(text) <= MAX_LENGTH and _PATTERN.fullmatch(text) is not None


def is_version_range(text: str) -> bool:
    """Whether a Task may ask for this: an exact version or a range."""
    return len(text) <= MAX_LENGTH and _RANGE.fullmatch(text) is not None


def pick_version(candidates: Iterable[str], wanted: str | None) -> str | None:
    """The highest version that a Task can have out of those there are, or None.

    ``wanted`` is an exact version, a range, or None for any release. A pre-release is had only where a comparator
    names one of the same MAJOR.MINOR.PATCH. Candidates that are no versions are passed over.
    """
    if wanted is not None and not is_version_range(wanted):
        return None
    bounds = list(_bounds(wanted or "*"))
    versions = [Version.parse(text) for text in candidates if is_version(text)]
    fitting = [version for version in versions if _fits(version, bounds)]
    return str(max(fitting)) if fitting else None


@dataclass(frozen=True, slots=True)
class _Bound:
    """One side of a range; ``named`` tells a version that was written from one that was worked out."""

    comparison: str
    version: Version
    named: bool = True

    def holds(self, version: Version) -> bool:
        return _COMPARISONS[self.comparison](version, self.version)

    def admits_pre_release(self, version: Version) -> bool:
        named = self.named and self.version.prerelease is not None
        return named and self.version.finalize_version() == version.finalize_version()


def _fits(version: Version, bounds: list[_Bound]) -> bool:
    if not all(bound.holds(version) for bound in bounds):
        return False
    return not version.prerelease or any(bound.admits_pre_release(version) for bound in bounds)


def _bounds(text: str) -> Iterator[_Bound]:
    for comparator in text.split(" "):
        yield from _comparator(comparator)


def _comparator(text: str) -> Iterator[_Bound]:
    match = _PARTS.fullmatch(text)
    if match is None:  # `*`
        return
    minor, patch = match["minor"], match["patch"]
    low = Version(int(match["major"]), int(minor or 0), int(patch or 0), match["prerelease"])
    above = _above(low, minor is not None, patch is not None)
    whole = patch is not None
    match match["operator"]:
        case ">=" | "<" as comparison:
            yield _Bound(comparison, low)
        case ">" | "<=" as comparison if whole:
            yield _Bound(comparison, low)
        case ">":
            yield _Bound(">=", above, named=False)
        case "<=":
            yield _Bound("<", above, named=False)
        case "" | "=" if whole:
            yield _Bound(">=", low)
            yield _Bound("<=", low)
        case "^":
            yield _Bound(">=", low)
            yield _Bound("<", _breaking(low, above), named=False)
        case "~":
            yield _Bound(">=", low)
            yield _Bound("<", low.bump_minor() if minor is not None else above, named=False)
        case _:
            yield _Bound(">=", low)
            yield _Bound("<", above, named=False)


def _above(low: Version, has_minor: bool, has_patch: bool) -> Version:
    """The first version beyond all that a partial one stands for: 2.1 stands for 2.1.0 up to 2.2.0."""
    if has_patch:
        return low.bump_patch()
    return low.bump_minor() if has_minor else low.bump_major()


def _breaking(low: Version, above: Version) -> Version:
    """The first version that may be incompatible: the leftmost part that is not zero has grown."""
    if low.major:
        return low.bump_major()
    if low.minor:
        return low.bump_minor()
    # 0.0.3 is compatible with itself alone, 0.0 with all of 0.0, 0 with all of 0.
    return above
