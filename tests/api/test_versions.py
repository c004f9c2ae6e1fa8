"""Versions: which are valid, which can be asked for, and which one a Task gets."""

from __future__ import annotations

import random
import re

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.versions import VERSION_RANGE_PATTERN, is_version, is_version_range, pick_version

VALID = ["0.0.0", "1.0.0", "10.20.30", "1.0.0-rc.1", "1.0.0-alpha", "1.0.0-0a", "1.0.0-2026-11-20", "1.0.0-x--y"]
INVALID = ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+build", "1.0.0-a-", "1.0.0 ", "1.0.0\n"]


@pytest.mark.parametrize("text", VALID)
def test_a_valid_version_is_one_for_the_semver_library_too(text: str) -> None:
    assert is_version(text)
    assert str(semver.Version.parse(text)) == text


@pytest.mark.parametrize("text", [*INVALID, "1.0.0-" + "a" * 60])
def test_what_no_label_or_no_semver_could_carry_is_no_version(text: str) -> None:
    assert not is_version(text)


def test_without_a_wish_the_highest_release_is_taken() -> None:
    versions = ["1.9.0", "1.10.0", "1.2.0", "2.0.0-rc.1", "not a version"]
    random.Random(1).shuffle(versions)
    assert pick_version(versions, None) == "1.10.0"


def test_without_a_wish_no_pre_release_is_had() -> None:
    assert pick_version(["2.0.0-rc.1"], None) is None


@pytest.mark.parametrize("wanted", ["1.0.1", "1.0.0-rc.1", "", "latest", "1.0.0 ", "v1.0.0"])
def test_what_is_not_there_or_cannot_be_asked_for_is_not_had(wanted: str) -> None:
    assert pick_version(["1.0.0", "1.1.0"], wanted) is None


def test_nothing_is_picked_from_nothing() -> None:
    assert pick_version([], None) is None
    assert pick_version([], "^1") is None


RELEASES = ["0.0.1", "0.0.2", "0.1.0", "0.2.3", "1.0.0", "1.1.0", "1.4.3"]
THERE = [*RELEASES, *(f"2.0.0{x}" for x in ("-rc.0", "-rc.1", "-rc.3", "")), "2.1.0", "2.1.1-beta.2", "2.1.1"]
THERE += ["3.0.0-a", "3.0.0"]


# What npm makes of these ranges.
@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        ("2.1.0", "2.1.0"),
        ("=2.1.0", "2.1.0"),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        ("=2.0.0-rc.1", "2.0.0-rc.1"),
        ("2.1", "2.1.0 2.1.1"),
        ("2", "2.0.0 2.1.0 2.1.1"),
        ("=2", "2.0.0 2.1.0 2.1.1"),
        ("1.x", "1.0.0 1.1.0 1.4.3"),
        ("1.*", "1.0.0 1.1.0 1.4.3"),
        ("0.0.x", "0.0.1 0.0.2"),
        ("*", "0.0.1 0.0.2 0.1.0 0.2.3 1.0.0 1.1.0 1.4.3 2.0.0 2.1.0 2.1.1 3.0.0"),
        ("^2.1", "2.1.0 2.1.1"),
        ("^1.1.0", "1.1.0 1.4.3"),
        ("^0.1.0", "0.1.0"),
        ("^0.0.1", "0.0.1"),
        ("^0.0", "0.0.1 0.0.2"),
        ("^0", "0.0.1 0.0.2 0.1.0 0.2.3"),
        ("^2.0.0-rc.1", "2.0.0-rc.1 2.0.0-rc.3 2.0.0 2.1.0 2.1.1"),
        ("^3.0.0-a", "3.0.0-a 3.0.0"),
        ("~1.4", "1.4.3"),
        ("~1", "1.0.0 1.1.0 1.4.3"),
        ("~0.0.1", "0.0.1 0.0.2"),
        ("~2.1.1-beta.1", "2.1.1-beta.2 2.1.1"),
        (">=1 <3", "1.0.0 1.1.0 1.4.3 2.0.0 2.1.0 2.1.1"),
        (">1.1 <2.1", "1.4.3 2.0.0"),
        (">1.1.0 <=2.0.0", "1.4.3 2.0.0"),
        (">2.1", "3.0.0"),
        ("<=1.1", "0.0.1 0.0.2 0.1.0 0.2.3 1.0.0 1.1.0"),
        (">=2.0.0-rc.0 <2.0.0-rc.3", "2.0.0-rc.0 2.0.0-rc.1"),
        (">1.4.3 <2", ""),
        (">1.4.3 <2.0.0-rc.1", "2.0.0-rc.0"),
        (">=2.1 <3.0.0-b", "2.1.0 2.1.1 3.0.0-a"),
        (">=3 <2", ""),
    ],
)
def test_a_range_is_read_as_npm_reads_it(wanted: str, fitting: str) -> None:
    assert is_version_range(wanted)
    found = [version for version in THERE if pick_version([version], wanted)]
    assert found == fitting.split()
    shuffled = random.Random(wanted).sample(THERE, len(THERE))
    assert pick_version(shuffled, wanted) == (found[-1] if found else None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "latest", "v1", "^", "^*", "^1.x", ">= 1", "~>1", "1.0.0+b", "1-rc.1", "1.x-rc", "1 - 2", "1 || 2"),
        *(">=01.0", "^1 ", " ^1", "^1  <2", "^1\n", ">1 <2 <3 <4 <5", "1." + "0" * 70, "x", "1.x.3"),
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    assert not is_version_range(text)
    assert re.match(VERSION_RANGE_PATTERN, text) is None or len(text) > 63 or text.endswith("\n")
    assert pick_version(THERE, text) is None


@st.composite
def versions(draw: st.DrawFn) -> str:
    numbers = ".".join(str(draw(st.integers(0, 3))) for _ in range(3))
    return numbers + draw(st.sampled_from(["", "", "", "-a", "-rc.1", "-rc.2"]))


@given(st.lists(versions()), versions(), st.sampled_from(["^", "~", ">=", "<=", "=", ""]))
def test_what_is_picked_is_there_and_nothing_higher_would_do(there: list[str], version: str, operator: str) -> None:
    picked = pick_version(there, operator + version)
    fitting = [candidate for candidate in there if pick_version([candidate], operator + version)]
    assert picked == (str(max(map(semver.Version.parse, fitting))) if fitting else None)
    assert version not in there or pick_version([version], operator + version) == version
