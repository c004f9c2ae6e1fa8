"""The chain of steps that a Task's duration came from."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.cli.views.critical_path import critical_path
from kubesaga.cli.views.story import Story
from kubesaga.engine.vocabulary import Role
from tests.cli import stories
from tests.cli.recorded import handler, recorded, template, world
from tests.engine.world import Outcome, fails, scripted

DIAMOND = template(
    handler("start"),
    handler("quick", dependsOn=["start"]),
    handler("slow", dependsOn=["start"]),
    handler("after", runAfter=["slow"]),
    handler("join", dependsOn=["quick", "after"]),
)


def played(content: dict[str, object], outcomes: dict[object, Outcome]) -> Story:
    return Story.of(recorded(world(content, scripted(outcomes)).run()), template=content)


def test_it_goes_by_what_was_waited_for_longest() -> None:
    story = played(DIAMOND, {"slow": Outcome(seconds=20.0), "quick": Outcome(seconds=2.0)})
    assert [link.step for link in critical_path(story)] == ["start", "slow", "after", "join"]


def test_a_step_takes_as_long_as_all_its_attempts() -> None:
    chain = {link.step: link for link in critical_path(stories.told(stories.blocked()))}
    assert list(chain) == ["reserve", "charge", "ship"]
    assert chain["charge"].seconds == 4.0  # two attempts of 1.5 s and the second between them
    assert chain["ship"].waited == 0.0


def test_steps_that_end_within_one_second_keep_their_order() -> None:
    story = stories.told(stories.blocked())
    (ship,) = (step for step in story.status.steps if step.name == "ship")
    at = ship.first_enqueued_at
    assert at is not None
    steps = tuple(
        replace(step, finished_at=at - 0.4 if step.name in ("charge", "ship") else step.finished_at)
        for step in story.status.steps
    )
    chain = critical_path(replace(story, status=replace(story.status, steps=steps)))
    assert [(link.step, link.seconds) for link in chain][-1] == ("ship", 0.0)
    assert [link.step for link in chain] == ["reserve", "charge", "ship"]


def test_a_skipped_step_hands_on_what_it_waited_for() -> None:
    content = template(
        handler("first"),
        handler("maybe", dependsOn=["first"], when="false"),
        handler("last", dependsOn=["maybe"]),
    )
    assert [link.step for link in critical_path(played(content, {}))] == ["first", "last"]


def test_a_failed_step_that_ended_last_is_its_end() -> None:
    story = played(DIAMOND, {"slow": fails(seconds=30.0)})
    assert [link.step for link in critical_path(story)][-1] in {"slow", "after"}


def test_the_undoing_goes_on_from_what_failed() -> None:
    chain = critical_path(stories.told(stories.compensated()))
    assert [(link.step, link.role) for link in chain if link.role is Role.COMPENSATION] == [
        ("charge", Role.COMPENSATION),
        ("reserve", Role.COMPENSATION),
    ]
    assert [link.begun_at for link in chain] == sorted(link.begun_at for link in chain)


def test_what_runs_last_ends_it() -> None:
    assert [link.step for link in critical_path(stories.told(stories.compensated()))][-1] == "bye"


def test_without_the_template_it_is_not_known() -> None:
    assert critical_path(Story.of(recorded(stories.compensated()))) == []


def test_where_nothing_has_ended_there_is_none() -> None:
    assert critical_path(stories.told(world(DIAMOND, scripted({})))) == []
