"""Stories that several tests of the pages tell: one Task at different moments of its life."""

from __future__ import annotations

from typing import Any

from kubesaga.cli.views.story import Story
from kubesaga.engine.vocabulary import ActionType, TaskState
from tests.cli.recorded import SHOP, handler, recorded, template, world
from tests.engine.world import Outcome, World, fails, scripted

TROUBLE = scripted(
    {("charge", 1): fails("Declined", retryable=True), "ship": fails("NoTruck"), "mail": fails("NoServer")},
    {("charge", 1): fails("NoBank", retryable=True)},
)
"""The charge is declined once, the mail never goes out, nothing can be shipped, and undoing takes two attempts."""


def told(played: World, **spec: Any) -> Story:
    """The story of a world's Task as it is now."""
    return Story.of(recorded(played, **spec), template=SHOP)


def waiting_for_retry() -> World:
    """After the first charge was declined."""
    return world(SHOP, TROUBLE).run_until_state(TaskState.WAITING_FOR_RETRY)


def blocked() -> World:
    """After nothing could be shipped."""
    return world(SHOP, TROUBLE).run_until_state(TaskState.BLOCKED_BY_FAILURES)


def tried_again() -> World:
    """Blocked, and told to ship once more."""
    played = blocked()
    played.applied(ActionType.RETRY, "ship")
    return played


def compensated() -> World:
    """Given up and undone."""
    return world(SHOP, TROUBLE).run()


def stuck() -> World:
    """The charge cannot be undone."""
    return world(SHOP, scripted({"ship": fails("NoTruck")}, {"charge": fails("NoBank")})).run()


def unanswered() -> World:
    """All is done but the approval."""
    return world(SHOP, scripted({})).run_until_state(TaskState.WAITING_FOR_DEPENDENCIES)


TWO = template(handler("a"), handler("b"), failureStrategy="Compensate", blockedTimeout="30s", timeout="2h")
"""Two steps side by side."""


def running() -> World:
    """While the charge is made."""
    played = world(SHOP, scripted({"charge": Outcome(seconds=20.0)}))
    return played.run_until(lambda: bool(played.status.steps) and played.step("charge").state == "InProgress")


def draining() -> World:
    """While one of two steps runs on after the other has failed."""
    played = world(TWO, scripted({"a": fails(), "b": Outcome(seconds=20.0)}))
    return played.run_until(lambda: bool(played.status.steps) and played.step("a").state == "Error")


def undoing_again() -> World:
    """While the charge waits for the second attempt at undoing it."""
    played = world(SHOP, TROUBLE).run_until_state(TaskState.COMPENSATING)
    return played.run_until(lambda: played.undo("charge").state == "WaitingForRetry")
