"""The rows of the tree."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.cli.views.story import Story
from kubesaga.cli.views.tree import rows
from tests.cli import stories
from tests.cli.recorded import recorded


def test_every_step_has_a_row_under_the_task_with_its_undoing_below_it() -> None:
    told = rows(stories.told(stories.compensated()), now=0.0)
    assert [row.label for row in told] == [
        "order-1 (shop/flow@1.0.0)",
        "├─ reserve",
        "│  └─ undo",
        "├─ charge",
        "│  └─ undo",
        "├─ mail",
        "├─ ship",
        "├─ signature",
        "└─ bye (finally)",
    ]
    assert told[0].state == "Error/Compensated"


def test_a_row_says_state_attempts_duration_and_error() -> None:
    ship = next(row for row in rows(stories.told(stories.blocked()), now=0.0) if row.label.endswith("ship"))
    assert (ship.state, ship.attempts, ship.time, ship.note) == ("Error", "1", "1.0s", "NoTruck: it broke")


def test_the_error_of_the_attempt_before_is_told_as_such() -> None:
    story = stories.told(stories.tried_again())
    ship = next(row for row in rows(story, now=0.0) if row.label.endswith("ship"))
    assert (ship.state, ship.attempts, ship.note) == ("Enqueued", "2", "after NoTruck: it broke")


def test_a_step_that_runs_takes_until_now() -> None:
    played = stories.unanswered()
    row = next(r for r in rows(stories.told(played), now=played.now + 90) if r.label.endswith("signature"))
    assert row.time == "1m30s"


def test_a_step_that_waits_says_when_it_is_tried_again() -> None:
    row = next(r for r in rows(stories.told(stories.waiting_for_retry()), now=0.0) if r.label.endswith("charge"))
    assert row.note == "next attempt at 2026-01-02 03:04:09 UTC after Declined: it broke"


def test_the_steps_of_a_sub_workflow_stand_below_its_step() -> None:
    child = Story.of(recorded(stories.unanswered(), initiator="parent"))
    parent = replace(stories.told(stories.blocked()), children={"reserve": replace(child, name="order-1-reserve")})
    labels = [row.label for row in rows(parent, now=0.0)]
    assert labels[1:4] == ["├─ reserve", "│  └─ Task order-1-reserve (shop/flow@1.0.0)", "│     ├─ reserve"]
    assert labels[9] == "├─ charge"


def test_without_the_template_the_steps_come_as_the_status_lists_them() -> None:
    assert [row.label for row in rows(Story.of(recorded(stories.blocked())), now=0.0)][1] == "├─ reserve"


def test_a_long_message_is_cut() -> None:
    story = stories.told(stories.blocked())
    long = replace(story, status=replace(story.status, message="why " * 100))
    assert len(rows(long, now=0.0)[0].note) == 100
