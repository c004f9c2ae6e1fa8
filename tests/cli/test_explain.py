"""What a Task waits for, what happens next, and what a human can do, at each moment of its life."""

from __future__ import annotations

import pytest

from kubesaga.cli.cluster import Cluster
from kubesaga.cli.views.explain import data, explain, text
from kubesaga.cli.views.story import Story
from kubesaga.engine.vocabulary import DesiredState, TaskState
from tests.cli import stories
from tests.cli.recorded import BEGUN, SHOP, recorded, task, template, world
from tests.engine.world import Outcome, scripted


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
    assert [command for command in commands(story) if " charge " in command] == [
        "kubesaga logs order-1 charge --follow -n shop",
        "kubesaga complete order-1 charge --result JSON -n shop",
        "kubesaga fail order-1 charge -n shop",
    ]


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
    story = stories.told(played, desiredState="Suspended")
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
        "kubesaga logs order-1 charge --compensation -n shop",
        "kubesaga abandon order-1 -n shop",
    ]


def test_a_task_that_went_well_needs_nothing() -> None:
    content = template({"name": "only", "handler": {"callable": "a:B"}})
    story = Story.of(recorded(world(content, scripted({})).run(), ttlAfterFinished="1h"), template=content)
    assert commands(story) == []
    assert coming(story) == {"the Task is deleted (ttlAfterFinished)": (story.status.finished_at or 0) + 3600}


def test_a_failure_can_be_repaired_while_the_others_still_run() -> None:
    story = Story.of(recorded(stories.draining()), template=stories.TWO)
    assert (
        coming(story)["once nothing of it goes on any more: unless it is repaired within 30s, what was done is undone"]
        is None
    )
    assert "kubesaga retry order-1 a -n shop" in commands(story)


def test_undoing_that_does_not_start_names_its_start_timeout() -> None:
    played = world(SHOP, stories.TROUBLE).run_until_state(TaskState.COMPENSATING)
    (command,) = commands(stories.told(played))
    assert command.endswith("kubesaga.dev/step=charge,kubesaga.dev/role=compensation")
    due = coming(stories.told(played))[
        "if the undoing of charge does not run by then, its attempt fails (startTimeout)"
    ]
    assert due == (played.undo("charge").enqueued_at or 0) + 600


def test_a_cancel_that_lets_steps_finish_can_still_stop_them() -> None:
    played = stories.running()
    played.desired = DesiredState.CANCELLED
    played.pass_once()
    drained = stories.told(played, desiredState="Cancelled")
    assert commands(drained) == ["kubesaga cancel order-1 --terminate -n shop"]
    assert coming(drained)["the Task's timeout is over, and what still runs is stopped"] == BEGUN + 7200
    stopping = stories.told(played, desiredState="Cancelled", cancellation={"mode": "Terminate"})
    assert commands(stopping) == []


def test_the_timeout_of_a_task_that_compensates_announces_its_undoing() -> None:
    assert (
        coming(stories.told(stories.running()))["the Task's timeout of 2h is over, and what was done is undone"]
        == BEGUN + 7200
    )


@pytest.mark.parametrize(
    ("limits", "due"), [({"total": "1h"}, 3600), ({"waitingForDependencies": "5m", "total": "1h"}, 304.5)]
)
def test_the_nearest_limit_of_the_lifecycle_is_announced(limits: dict[str, str], due: float) -> None:
    content = {**SHOP, "lifecycle": {**limits, "action": "Fail"}}
    played = world(content, scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    what = "the Task counts as stale, and what was done is undone (lifecycle)"
    assert coming(Story.of(recorded(played), template=content))[what] == BEGUN + due


def test_a_limit_of_a_state_begins_anew_with_a_resumption() -> None:
    content = {**SHOP, "lifecycle": {"waitingForDependencies": "5m"}}
    played = world(content, scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)
    for wanted in (DesiredState.SUSPENDED, DesiredState.RUNNING):
        played.desired = wanted
        played.tick(100)
        played.pass_once()
    due = coming(Story.of(recorded(played), template=content))["the Task counts as stale (lifecycle)"]
    assert due == (played.status.resumed_at or 0) + 300


def test_a_stale_task_says_so_first() -> None:
    content = {**SHOP, "lifecycle": {"waitingForDependencies": "5m"}}
    played = world(content, scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES).run_for(400)
    headline = explain(Story.of(recorded(played), template=content), BEGUN + 500).headline
    assert headline.startswith("order-1 is WaitingForDependencies for")
    assert headline.endswith("; it is stale: that is longer than its template's lifecycle allows")


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
