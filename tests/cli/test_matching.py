"""Filters by template."""

from __future__ import annotations

import pytest

from kubesaga.cli.errors import CliError
from kubesaga.cli.views.matching import Wanted
from kubesaga.cli.views.story import Story
from tests.cli import stories
from tests.cli.recorded import task


@pytest.mark.parametrize("written", ["shop/fulfil", "shop/fulfil@1.0.0", "shop/fulfil@^1", "shop/fulfil@>=1 <2"])
def test_a_task_matches_by_the_version_that_it_was_given(written: str) -> None:
    assert Wanted.of(written, "--template").matches(stories.told(stories.blocked()))


@pytest.mark.parametrize("written", ["fulfil", "other/fulfil", "shop/ship", "shop/fulfil@^2", "shop/fulfil@1.2.0"])
def test_another_domain_name_or_version_does_not_match(written: str) -> None:
    assert not Wanted.of(written, "--template").matches(stories.told(stories.blocked()))


def test_a_task_that_has_not_started_has_no_version_yet() -> None:
    assert Wanted.of("shop/fulfil", "--template").matches(Story.of(task()))
    assert not Wanted.of("shop/fulfil@^1", "--template").matches(Story.of(task()))


@pytest.mark.parametrize("written", ["", "/x", "a/b/c", "x@", "x@new"])
def test_what_names_no_template_is_refused(written: str) -> None:
    with pytest.raises(CliError) as caught:
        Wanted.of(written, "--template")
    assert caught.value.hint
