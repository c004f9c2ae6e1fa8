"""Durations and failure rates over many Tasks."""

from __future__ import annotations

from kubesaga.cli.views.stats import Durations, by_step, by_template, data, flakiest, slowest
from kubesaga.cli.views.story import Story
from kubesaga.engine.vocabulary import DesiredState, TaskState
from tests.cli.recorded import handler, recorded, template, world
from tests.engine.world import Outcome, World, fails, scripted

FLOW = template(handler("quick"), handler("slow", dependsOn=["quick"]))


def played(**outcomes: Outcome) -> Story:
    return Story.of(recorded(world(FLOW, scripted(dict(outcomes))).run()), template=FLOW)


def flaky() -> Story:
    return Story.of(recorded(world(FLOW, scripted({("slow", 1): fails(retryable=True)})).run()), template=FLOW)


def cancelled() -> Story:
    made: World = world(FLOW, scripted({}), desired=DesiredState.CANCELLED)
    return Story.of(recorded(made.run()), template=FLOW)


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    assert Durations.of(map(float, range(1, 101))) == Durations(50.0, 95.0)
    assert Durations.of([7.0]) == Durations(7.0, 7.0)
    assert Durations.of([]) == Durations(None, None)


def test_the_failure_rate_leaves_out_what_says_nothing_about_the_workflow() -> None:
    stories = [played(), played(), played(slow=fails()), cancelled()]
    started, never_started = by_template(stories)[0], by_template([cancelled()])[0]
    assert never_started.failure_rate is None
    assert (started.tasks, started.live) == (3, 0)
    assert started.failure_rate == 1 / 3
    assert started.outcomes == {"Aborted": 1, "Succeeded": 2}


def test_a_step_counts_its_attempts_and_what_became_of_it() -> None:
    quick, slow = by_step([played(), flaky(), played(slow=fails())])
    assert (quick.step, quick.attempts, quick.failed_attempts) == ("quick", 3, 0)
    assert (slow.tasks, slow.attempts, slow.failed_attempts) == (3, 4, 2)
    assert (slow.recovered, slow.failed) == (1, 1)
    assert slow.flakiness == 0.5


def test_a_step_that_will_be_tried_again_has_not_failed_for_good() -> None:
    made = world(FLOW, scripted({"quick": fails(retryable=True)})).run_until_state(TaskState.WAITING_FOR_RETRY)
    (quick,) = by_step([Story.of(recorded(made), template=FLOW)])
    assert (quick.failed_attempts, quick.failed) == (1, 0)


def test_the_slowest_come_first_and_those_that_never_succeeded_are_left_out() -> None:
    steps = by_step([played(slow=Outcome(seconds=40.0)), played(quick=fails())])
    assert [step.step for step in slowest(steps, 10)] == ["slow", "quick"]
    assert slowest(by_step([played(quick=fails())]), 10) == []
    assert slowest(steps, 1)[0].durations.p95 == 40.0


def test_the_flakiest_are_those_of_whose_attempts_the_most_failed() -> None:
    steps = by_step([played(), flaky(), played(quick=fails())])
    assert [step.step for step in flakiest(steps, 10)] == ["quick", "slow"]
    assert flakiest(by_step([played()]), 10) == []


def test_the_data_has_templates_and_steps() -> None:
    found = data([played(), flaky()])
    assert found["tasks"] == 2
    assert [each["template"] for each in found["templates"]] == ["shop/flow@1.0.0"]
    assert [(each["step"], each["recovered"]) for each in found["steps"]] == [("quick", 0), ("slow", 1)]
