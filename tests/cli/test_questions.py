"""What a Task that is waited for asks of humans, and that each question is said once for each time it comes up."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from kubesaga.cli.following import Asking, Lines
from kubesaga.cli.views.questions import questions
from kubesaga.cli.views.story import Story
from kubesaga.engine.records import Attention, ParentLink
from kubesaga.engine.vocabulary import ActionType, TaskState
from tests.cli import stories
from tests.cli.recorded import BEGUN, task

APPROVAL = (
    "Task order-1 waits for an answer to the approval signature: approve it or reject it",
    "kubesaga approve order-1 signature -n shop",
)
SUSPENDED = ("Task order-1 is suspended: nothing new is started", "kubesaga resume order-1 -n shop")


def asked(story: Story, after: float = 0.0) -> list[tuple[str, str]]:
    return [(each.what, each.command) for each in questions(story, BEGUN + after)]


def suspended(story: Story, parent: ParentLink | None = None) -> Story:
    return replace(story, status=replace(story.status, suspended_since=BEGUN, parent=parent))


def test_an_open_approval_asks_for_its_answer() -> None:
    assert asked(stories.told(stories.unanswered())) == [APPROVAL]


def test_a_blocked_task_says_until_when_it_can_be_repaired() -> None:
    ((what, command),) = asked(stories.told(stories.blocked()))
    assert what == "Task order-1 can be repaired until 2026-01-02 03:04:42 UTC: ship failed: NoTruck: it broke"
    assert command == "kubesaga explain order-1 -n shop"


def test_a_suspended_task_asks_to_be_resumed_beside_its_other_questions() -> None:
    story = suspended(stories.told(stories.unanswered(), desiredState="Suspended"))
    assert asked(story) == [SUSPENDED, APPROVAL]


def test_a_sub_workflow_that_is_suspended_with_its_parent_points_to_it() -> None:
    link = ParentLink("above", "uid-0", "below", "uid-0", ("below",), ("shop/above",))
    story = suspended(stories.told(stories.waiting_for_retry()), parent=link)
    assert asked(story) == [
        ("Task order-1 is suspended with its parent Task above", "kubesaga explain above -n shop"),
    ]


def test_what_a_sub_workflow_asks_is_asked_of_who_waits_for_its_parent() -> None:
    child = replace(stories.told(stories.unanswered()), name="order-1-ship")
    parent = replace(stories.told(stories.waiting_for_retry()), children={"ship": child})
    assert [command for _, command in asked(parent)] == ["kubesaga approve order-1-ship signature -n shop"]


@pytest.mark.parametrize("make", [stories.waiting_for_retry, stories.compensated, stories.stuck])
def test_what_goes_on_by_itself_or_ends_the_waiting_asks_nothing(make: object) -> None:
    assert callable(make)
    assert asked(stories.told(make())) == []


def test_what_needs_attention_is_no_question() -> None:
    story = stories.told(stories.unanswered())
    assert asked(replace(story, status=replace(story.status, attention=Attention("ResultMissing", "gone")))) == []


@pytest.mark.parametrize(("after", "count"), [(2.0, 0), (10.0, 1)])
def test_a_task_that_nobody_looks_at_is_worth_a_word_after_a_while(after: float, count: int) -> None:
    assert (
        asked(Story.of(task()), after)
        == [
            ("no operator has looked at Task order-1 yet", "kubesaga doctor -n shop"),
        ][:count]
    )


def test_a_task_that_cannot_start_says_why() -> None:
    pending = Story.of(task() | {"status": {"state": "Pending", "message": "there is no TaskTemplate a/b"}})
    assert asked(pending) == [
        ("Task order-1 cannot start: there is no TaskTemplate a/b", "kubesaga explain order-1 -n shop"),
    ]


def test_each_question_is_said_once_for_each_time_that_it_comes_up() -> None:
    stream = io.StringIO()
    asking = Asking(Lines(stream), lambda command: f"{command} --kube-context staging")
    blocked = stories.blocked()
    for _ in range(3):
        asking.look(stories.told(blocked), BEGUN)
    blocked.applied(ActionType.RETRY, "ship")
    asking.look(stories.told(blocked), BEGUN)
    asking.look(stories.told(blocked.run_until_state(TaskState.BLOCKED_BY_FAILURES)), BEGUN)
    said = stream.getvalue().splitlines()
    assert [line.startswith("Task order-1 can be repaired until") for line in said] == [True, False, True, False]
    assert said[1] == said[3] == "hint: kubesaga explain order-1 -n shop --kube-context staging"
