"""Versions: which are valid, and which one a Task gets."""

from __future__ import annotations

import random

import pytest
import semver

from kubesaga.api.versions import is_version, pick_version

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


def test_a_pre_release_is_had_by_its_exact_version_only() -> None:
    assert pick_version(["2.0.0-rc.1"], None) is None
    assert pick_version(["1.0.0", "2.0.0-rc.1"], "2.0.0-rc.1") == "2.0.0-rc.1"


@pytest.mark.parametrize("wanted", ["1.0.1", "1.0", "1", "^1.0.0", ""])
def test_a_wish_is_matched_exactly_or_not_at_all(wanted: str) -> None:
    assert pick_version(["1.0.0", "1.1.0"], wanted) is None


def test_nothing_is_picked_from_nothing() -> None:
    assert pick_version([], None) is None
