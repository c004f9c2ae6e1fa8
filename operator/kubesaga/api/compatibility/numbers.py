"""Whether a version number admits a change, as semantic versions and the ranges of ``versions`` read it.

Below 1.0.0 the leftmost part that is not zero is the one that breaks: 0.3.1 may follow 0.3.0 only as a compatible
version, 0.0.4 may do anything to 0.0.3. A pre-release promises nothing to the version that it leads to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from semver import Version

from kubesaga.api.compatibility.change import Impact


class Bump(IntEnum):
    """Which part of a version grows; the higher, the more may change."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the changes need, what the number gives, whether that will do, why, and the least number that would."""

    needed: Bump
    given: Bump
    admitted: bool
    reason: str
    suggestion: str | None = None


_NEEDED = {Impact.BREAKING: Bump.MAJOR, Impact.FEATURE: Bump.MINOR, Impact.INTERNAL: Bump.PATCH}


def judge(old: str, new: str, worst: Impact | None) -> Verdict:
    """Whether ``new`` may follow ``old`` with changes of which ``worst`` is the worst; None: nothing is changed.

    Both are versions that a template may carry.
    """
    before, after = Version.parse(old), Version.parse(new)
    needed = _needed(before, worst)
    given = _given(before, after)
    if worst is None:
        return Verdict(needed, given, True, "nothing is changed")
    if after == before:
        if after.prerelease:
            return Verdict(needed, given, True, "a pre-release may change")
        reason = "a released version never changes"
        return Verdict(needed, given, False, reason, str(_next(before, needed)))
    if after < before:
        return Verdict(needed, given, False, f"{new} is not higher than {old}", str(_next(before, needed)))
    if before.prerelease and after.finalize_version() == before.finalize_version():
        return Verdict(needed, given, True, f"{old} is a pre-release, which promises nothing: compare with a release")
    reason = f"the changes need a {needed.name.lower()} version, and {new} is a {given.name.lower()} one"
    if given >= needed:
        return Verdict(needed, given, True, reason)
    return Verdict(needed, given, False, reason, str(_next(before, needed)))


def _needed(before: Version, worst: Impact | None) -> Bump:
    if worst is None:
        return Bump.NONE
    needed = _NEEDED[worst]
    if before.major:
        return needed
    if before.minor:
        return Bump(max(needed - 1, Bump.PATCH))
    return Bump.PATCH


def _given(before: Version, after: Version) -> Bump:
    if after.major != before.major:
        return Bump.MAJOR
    if after.minor != before.minor:
        return Bump.MINOR
    return Bump.PATCH if after != before else Bump.NONE


def _next(before: Version, needed: Bump) -> Version:
    """The least release that admits it."""
    if before.prerelease:
        return before.finalize_version()
    bumps = {Bump.MAJOR: before.bump_major, Bump.MINOR: before.bump_minor}
    return bumps.get(needed, before.bump_patch)()
