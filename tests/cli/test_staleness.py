"""Why a Task is a dead letter."""

from __future__ import annotations

from kubesaga.cli.views.staleness import reasons
from kubesaga.cli.views.story import Story
from tests.cli.recorded import BEGUN, recorded, template, world
from tests.engine.world import scripted

SIGN = {"name": "sign", "approval": {}}


def stale(**lifecycle: str) -> Story:
    content = template(SIGN, lifecycle=lifecycle)
    played = world(content, scripted({})).run_for(20)
    assert played.status.stale
    return Story.of(recorded(played), template=content)


def test_it_says_which_limit_is_exceeded_and_by_how_much() -> None:
    story = stale(waitingForDependencies="10s", total="15s")
    assert reasons(story, BEGUN + 60) == [
        "order-1 has been WaitingForDependencies for 1m; its template allows 10s",
        "order-1 has taken 1m in all; its template allows 15s",
    ]


def test_it_says_nothing_of_a_limit_that_is_not_exceeded() -> None:
    story = stale(waitingForDependencies="1h", total="15s")
    assert reasons(story, BEGUN + 60) == ["order-1 has taken 1m in all; its template allows 15s"]


def test_without_the_template_it_says_so_much() -> None:
    story = Story.of(recorded(world(template(SIGN, lifecycle={"total": "1s"}), scripted({})).run_for(5)))
    assert reasons(story, BEGUN) == ["order-1 is stale: it waited longer than its template's lifecycle allows"]
