"""What a Task waits for, what happens next, and what a human can do, at each moment of its life."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from kubesaga.cli.cluster import Cluster
from kubesaga.cli.views.explain import data, explain, text
from kubesaga.cli.views.story import Story
from kubesaga.engine.records import Attention
from kubesaga.engine.vocabulary import ActionType, DesiredState, TaskState
from tests.cli import stories
from tests.cli.recorded import BEGUN, SHOP, recorded, task, template, world
from tests.engine.world import Outcome, World, fails, scripted


def commands(story: Story) -> list[str]:
    return [remedy.command for remedy in explain(story, BEGUN).remedies]


def facts(story: Story) -> list[str]:
    return [fact.what for fact in explain(story, BEGUN).waits]


def coming(story: Story) -> dict[str, float | None]:
    return {fact.what: fact.at for fact in explain(story, BEGUN).expected}


def test_a_task_that_no_operator_has_seen_says_so_and_points_to_the_doctor() -> None:
    story = Story.of(task())
    assert facts(story) == ["an operator that takes it up: none has looked at it yet"]
    assert "kubesaga doctor -n shop" in commands(story)


def test_a_retry_is_announced_with_its_moment() -> None:
    story = stories.told(stories.waiting_for_retry())
    assert facts(story) == ["the next attempt of charge after Declined: it broke"]
    assert coming(story)["charge is tried again (attempt 2)"] == story.status.steps[1].next_retry_at
    assert "kubesaga fail order-1 charge -n shop" in commands(story)


def test_what_is_to_come_stands_in_the_order_of_time() -> None:
    moments = [fact.at for fact in explain(stories.told(stories.waiting_for_retry()), BEGUN).expected]
    assert moments == sorted(moments, key=lambda at: at or 0.0)
    assert len(moments) == 2  # the retry, and the Task's own timeout


def test_a_blocked_task_says_until_when_it_can_be_repaired_and_how() -> None:
    story = stories.told(stories.blocked())
    assert facts(story) == ["a repair by a TaskAction: ship failed: NoTruck: it broke"]
    assert coming(story)["unless it is repaired, what was done is undone"] == (story.status.blocked_since or 0) + 30
    assert commands(story) == [
        "kubesaga retry order-1 -n shop",
        "kubesaga retry order-1 ship -n shop",
        "kubesaga complete order-1 ship --result JSON -n shop",
        "kubesaga skip order-1 ship -n shop",
        "kubesaga logs order-1 ship -n shop",
        "kubesaga give-up order-1 -n shop",
        "kubesaga cancel order-1 -n shop",
    ]


def test_an_approval_names_its_deadline_and_the_two_answers() -> None:
    story = stories.told(stories.unanswered())
    (approval,) = (step for step in story.status.steps if step.name == "signature")
    assert facts(story) == ["a human's answer to the approval signature"]
    assert coming(story)["without an answer to signature it fails"] == (approval.started_at or 0) + 3600
    assert commands(story)[:2] == [
        "kubesaga approve order-1 signature -n shop",
        "kubesaga reject order-1 signature -n shop",
    ]


def test_an_approval_that_nobody_answered_can_be_answered_late() -> None:
    played = stories.unanswered()
    played.tick(3600)
    played.run_until_state(TaskState.BLOCKED_BY_FAILURES)
    assert "kubesaga approve order-1 signature -n shop" in commands(stories.told(played))


def test_a_running_step_names_its_timeout_and_its_log() -> None:
    played = world(SHOP, scripted({"charge": Outcome(seconds=20.0)}))
    played.run_until(lambda: bool(played.status.steps) and played.step("charge").state == "InProgress")
    story = stories.told(played)
    assert facts(story) == ["charge, which runs (attempt 1)"]
    assert coming(story)["if charge still runs, its attempt is stopped (timeout)"] == (
        (played.step("charge").started_at or 0) + 30
    )
    assert "kubesaga logs order-1 charge --follow -n shop" in commands(story)


def test_a_step_that_does_not_start_names_its_start_timeout() -> None:
    played = world(SHOP, scripted({}))
    played.pass_once()
    story = stories.told(played)
    assert facts(story) == ["the pod of reserve to start"]
    assert coming(story)["if reserve does not run by then, its attempt fails (startTimeout)"] == BEGUN + 600


def test_a_suspended_task_can_be_resumed_and_its_deadlines_are_deferred() -> None:
    played = stories.unanswered()
    played.desired = DesiredState.SUSPENDED
    played.pass_once()
    story = stories.told(played)
    assert facts(story)[0] == "being resumed: nothing new is started"
    assert commands(story)[0] == "kubesaga resume order-1 -n shop"
    assert "without an answer to signature it fails" not in coming(story)


def test_a_stuck_compensation_needs_a_human_with_three_choices() -> None:
    story = stories.told(stories.stuck())
    assert explain(story, BEGUN).needs_human.startswith("CompensationFailed: could not undo: charge")
    assert facts(story) == ["a human: the undoing of charge failed for good: NoBank: it broke"]
    assert list(coming(story)) == ["still to be undone: charge, reserve"]
    assert commands(story) == [
        "kubesaga retry-compensation order-1 charge -n shop",
        "kubesaga mark-compensated order-1 charge -n shop",
        "kubesaga abandon order-1 -n shop",
    ]


def test_a_pod_that_cannot_be_seen_to_stop_asks_for_a_humans_word() -> None:
    story = stories.told(stories.blocked())
    attention = Attention("StepNotStopped", "charge should have ended but pod p on node n has not been seen to")
    story = replace(story, status=replace(story.status, attention=attention))
    assert "kubesaga confirm-stopped order-1 charge -n shop" in commands(story)


def test_a_failed_task_can_be_taken_up_again() -> None:
    content = template({"name": "only", "handler": {"callable": "a:B"}})
    played = world(content, scripted({"only": fails()})).run()
    story = Story.of(recorded(played), template=content)
    assert facts(story) == []
    assert commands(story)[0] == "kubesaga retry order-1 -n shop"
    assert "kubesaga resolve order-1 -n shop" in commands(story)


def test_a_compensated_task_cannot_be_taken_up_again() -> None:
    assert commands(stories.told(stories.compensated())) == ["kubesaga resolve order-1 -n shop"]


def test_a_task_that_went_well_needs_nothing() -> None:
    content = template({"name": "only", "handler": {"callable": "a:B"}})
    story = Story.of(recorded(world(content, scripted({})).run(), ttlAfterFinished="1h"), template=content)
    assert commands(story) == []
    assert coming(story) == {"the Task is deleted (ttlAfterFinished)": (story.status.finished_at or 0) + 3600}


def test_an_invalid_request_is_asked_for_again() -> None:
    played = world(SHOP, scripted({}), request_problems=("spec.context is wrong",)).run()
    assert commands(stories.told(played))[0] == "kubesaga submit -n shop TEMPLATE --context @FILE"


@pytest.mark.parametrize("make", [stories.waiting_for_retry, stories.blocked, stories.unanswered, stories.stuck])
def test_every_command_that_decides_is_one_that_the_engine_accepts(make: object) -> None:
    assert callable(make)
    for command in commands(stories.told(make())):
        words = shlex.split(command)
        type_ = "".join(part.capitalize() for part in words[1].split("-"))
        if type_ not in set(ActionType):
            continue
        played: World = make()
        step = words[3] if len(words) > 3 and not words[3].startswith("-") else None
        given = {"result": {"by": "hand"}} if "--result" in words else {}
        assert played.applied(ActionType(type_), step, **given), command


def test_without_the_template_what_is_recorded_is_told_all_the_same() -> None:
    story = Story.of(recorded(stories.unanswered()))
    assert facts(story) == ["a human's answer to the approval signature"]
    assert coming(story) == {}


def test_the_text_has_a_section_for_each_question() -> None:
    lines = text(explain(stories.told(stories.blocked()), BEGUN + 10), BEGUN + 10)
    assert lines[0] == "order-1 is BlockedByFailures for 3.0s"
    assert [line for line in lines if line.endswith(":")] == [
        "It waits for:",
        "What happens next:",
        "What you can do:",
    ]
    assert any("(in 27s): unless it is repaired, what was done is undone" in line for line in lines)


def test_the_data_has_the_same_with_times_as_the_api_writes_them() -> None:
    found = data(explain(stories.told(stories.blocked()), BEGUN))
    assert found["waitsFor"][0]["since"] == "2026-01-02T03:04:12.000000Z"
    assert found["next"][0]["at"] == "2026-01-02T03:04:42.000000Z"
    assert found["canDo"][0] == {"command": "kubesaga retry order-1 -n shop", "does": "run what failed again"}


def test_commands_point_to_the_cluster_that_was_asked() -> None:
    cluster = Cluster(kubeconfig="/a b/config", kube_context="staging")
    told = explain(stories.told(stories.blocked()), BEGUN, cluster.pointed)
    assert told.remedies
    assert all(each.command.endswith(" --kubeconfig '/a b/config' --kube-context staging") for each in told.remedies)
    assert cluster.pointed("kubectl get pods").endswith("--context staging")


def test_what_is_waited_for_is_not_said_twice() -> None:
    pending = Story.of(task() | {"status": {"state": "Pending", "message": "there is no TaskTemplate a/b"}})
    assert "\n".join(text(explain(pending, BEGUN), BEGUN)).count("there is no TaskTemplate a/b") == 1
