"""The step that a human is asked about is found in the engine's own words, whichever they are."""

from __future__ import annotations

import math
from dataclasses import replace

from kubesaga.cli.views.attention import ways_out
from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.records import Attention
from kubesaga.engine.vocabulary import DesiredState, RunningSteps, StepState
from tests.cli import stories
from tests.cli.recorded import SHOP, world
from tests.engine.family import Family, sub
from tests.engine.world import LOST_NODE, Outcome, World, scripted

LONG = Outcome(seconds=math.inf)


def commands(attention: Attention | None) -> list[str]:
    """What is offered for a blocked Task of the shop that needs this."""
    assert attention is not None
    story = stories.told(stories.blocked())
    offered = ways_out(replace(story, status=replace(story.status, attention=attention)))
    return [remedy.command.split(" -n ")[0] for remedy in offered]


def test_a_step_that_does_not_stop_is_named() -> None:
    played = world(SHOP, scripted({"charge": LOST_NODE})).run_until_running("charge")
    played.desired, played.cancel_mode = DesiredState.CANCELLED, RunningSteps.TERMINATE
    attention = played.run().status.attention
    assert attention is not None
    assert attention.reason == "StepNotStopped"
    assert commands(attention) == ["kubesaga confirm-stopped order-1 charge"]


def test_a_step_whose_child_was_deleted_is_named() -> None:
    family = Family(World(Plan((sub("ship"),)), scripted({})), {"sub": Plan((Step("x"),))}, scripted({"x": LONG}))
    family.run_until(lambda: family.root.step("ship").state is StepState.IN_PROGRESS)
    family.kin["uid-1", "ship"].gone = True
    family.run_until(family.root.stuck)
    attention = family.root.status.attention
    assert attention is not None
    assert attention.reason == "ChildMissing"
    assert commands(attention)[0] == "kubesaga complete order-1 ship --result JSON"
