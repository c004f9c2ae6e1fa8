"""What a human is told that they can do about a Task, as commands to copy: what the engine accepts in its state."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from kubesaga.cli.views.explain import explain
from kubesaga.cli.views.remedies import remedies
from kubesaga.cli.views.story import Story
from kubesaga.engine.records import Attention, ParentLink
from kubesaga.engine.vocabulary import ActionType, DesiredState, EndingTrigger
from tests.cli import stories
from tests.cli.recorded import BEGUN, SHOP, handler, recorded, task, template, world
from tests.engine.world import World, fails, scripted


def commands(story: Story) -> list[str]:
    return [remedy.command for remedy in remedies(story)]


def facts(story: Story) -> list[str]:
    return [fact.what for fact in explain(story, BEGUN).waits]


def test_a_pod_that_cannot_be_seen_to_stop_asks_for_a_humans_word() -> None:
    story = needing(
        "StepNotStopped",
        "compensation of charge should have ended but pod p on node mail has not been seen to; make sure that nothing "
        "of it runs any more, then apply a TaskAction ConfirmStopped for step charge",
    )
    asked = [command for command in commands(story) if "confirm-stopped" in command]
    assert asked == ["kubesaga confirm-stopped order-1 charge -n shop"]


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        (
            "ChildMissing",
            "step ship: child Task order-1-ship-x was deleted",
            [
                "kubesaga complete order-1 ship --result JSON -n shop",
                "kubesaga resolve order-1 ship -n shop",
                "kubesaga fail order-1 ship -n shop",
            ],
        ),
        ("FenceRefused", "ship is given up, but", ["kubectl describe resourcequota -n shop"]),
    ],
)
def test_what_needs_attention_has_its_own_ways_out_first(reason: str, message: str, expected: list[str]) -> None:
    story = needing(reason, message)
    assert commands(story)[: len(expected)] == expected
    assert not [command for command in commands(story) if "explain" in command]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("RevisionMissing", ["kubectl apply -n shop -f FILE"]),
        ("ResultNotStored", ["kubectl describe resourcequota -n shop"]),
        ("RevisionUnreadable", ["kubectl get controllerrevision flow-0123456789 -n shop -o yaml"]),
        ("RequestChanged", ["kubectl edit ktask order-1 -n shop", "kubectl delete ktask order-1 -n shop"]),
    ],
)
def test_where_the_operator_looks_at_nothing_else_nothing_else_is_offered(reason: str, expected: list[str]) -> None:
    assert commands(needing(reason, "it is so")) == expected


def needing(reason: str, message: str) -> Story:
    """A blocked Task that needs attention."""
    story = stories.told(stories.blocked())
    return replace(story, status=replace(story.status, attention=Attention(reason, message)))


def test_a_failed_task_can_be_taken_up_again() -> None:
    content = template({"name": "only", "handler": {"callable": "a:B"}})
    played = world(content, scripted({"only": fails()})).run()
    story = Story.of(recorded(played), template=content)
    assert facts(story) == []
    assert commands(story)[0] == "kubesaga retry order-1 -n shop"
    assert "kubesaga resolve order-1 -n shop" in commands(story)


def test_a_compensated_task_cannot_be_taken_up_again() -> None:
    assert commands(stories.told(stories.compensated())) == ["kubesaga resolve order-1 -n shop"]


def test_an_invalid_request_is_asked_for_again() -> None:
    played = world(SHOP, scripted({}), request_problems=("spec.context is wrong",)).run()
    assert commands(stories.told(played))[0] == "kubesaga submit shop/flow@1.0.0 --context @FILE -n shop"


@pytest.mark.parametrize(
    "make",
    [
        stories.waiting_for_retry,
        stories.blocked,
        stories.unanswered,
        stories.stuck,
        stories.running,
        stories.draining,
        stories.undoing_again,
    ],
)
def test_every_command_that_decides_is_one_that_the_engine_accepts(make: Callable[[], World]) -> None:
    story = Story.of(recorded(make()), template=stories.TWO if make is stories.draining else SHOP)
    for command in commands(story):
        words = shlex.split(command)
        type_ = "".join(part.capitalize() for part in words[1].split("-"))
        if type_ not in set(ActionType):
            continue
        played: World = make()
        step = words[3] if len(words) > 3 and not words[3].startswith("-") else None
        given = {"result": {"by": "hand"}} if "--result" in words else {}
        assert played.applied(ActionType(type_), step, **given), command


def test_undoing_that_is_tried_again_can_be_read_and_settled() -> None:
    story = stories.told(stories.undoing_again())
    assert commands(story) == [
        "kubesaga mark-compensated order-1 charge -n shop",
        "kubesaga logs order-1 charge --compensation -n shop",
    ]


def test_what_is_suspended_with_its_parent_is_not_resumed_by_itself() -> None:
    story = stories.told(stories.unanswered())
    story = replace(story, status=replace(story.status, suspended_since=BEGUN, parent=PARENT))
    assert commands(story)[0] == "kubesaga explain above -n shop"
    assert not [command for command in commands(story) if "resume" in command]


def test_a_sub_workflow_is_not_taken_up_again_once_its_parent_is_over() -> None:
    content = template(handler("only"))
    story = Story.of(recorded(world(content, scripted({"only": fails()})).run()), template=content)
    story = replace(story, status=replace(story.status, parent=PARENT))
    assert "kubesaga retry order-1 -n shop" in commands(story)
    over = commands(replace(story, parent_over=True))
    assert over == ["kubesaga explain above -n shop", "kubesaga resolve order-1 -n shop"]


def test_what_its_parent_has_cancelled_is_taken_up_again_by_its_parent_only() -> None:
    played = stories.running()
    played.desired = DesiredState.CANCELLED
    story = stories.told(played.run())
    ending = story.status.ending
    assert ending is not None
    by_parent = replace(ending, trigger=EndingTrigger.PARENT)
    story = replace(story, status=replace(story.status, parent=PARENT, ending=by_parent))
    assert commands(story) == ["kubesaga explain above -n shop"]


PARENT = ParentLink("above", "uid-0", "below", "uid-0", ("below",), ("shop/above",))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("TemplateNotFound", "kubesaga templates list -n shop"),
        ("TemplateNotReady", "kubesaga templates show shop/fulfil -n shop"),
        ("ParentNotFound", "kubectl delete ktask order-1 -n shop"),
    ],
)
def test_a_task_that_cannot_start_has_the_command_that_shows_why(reason: str, expected: str) -> None:
    story = Story.of(task())
    story = replace(story, seen=True, status=replace(story.status, reason=reason, message="so it is"))
    assert commands(story) == [expected, "kubesaga cancel order-1 -n shop"]
    assert explain(story, BEGUN).remedies[-1].does == "end it before it starts"
