"""The operator dies at each of its writes in turn, before it or before its answer: the next one carries on.

Every scenario is run once to count its writes, and then once for each of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kubesaga.kube.client import KubeError
from kubesaga.runtime.cache import Obj

from .world import World, done, endless, fails

pytestmark = pytest.mark.slow

Scenario = Callable[[World], Coroutine[Any, Any, None]]
"""What a user does and waits for; begun anew, it carries on from where the world stands."""


class Mortal(World):
    """A world whose operator dies at its ``nth`` write; ``lost_answer``: after the API server has done it."""

    def __init__(self, nth: int | None = None, *, lost_answer: bool = False) -> None:
        super().__init__()
        self.writes = 0
        self.died = asyncio.Event()
        self._nth = nth
        self._lost_answer = lost_answer
        self._serve = self.kube._call
        self.kube._call = self._call  # type: ignore[method-assign]

    async def _call(self, method: str, path: str, *arguments: object, **named: object) -> Obj:
        dead = KubeError(0, "NoAnswer", "dead")
        if self.died.is_set():
            raise dead
        counts = method != "GET" and "/leases" not in path and "/events" not in path
        self.writes += counts
        if counts and self.writes == self._nth:
            if self._lost_answer:
                await self._serve(method, path, *arguments, **named)  # type: ignore[arg-type]
            self.died.set()
            raise dead
        return await self._serve(method, path, *arguments, **named)  # type: ignore[arg-type]

    def live_on(self, scenario: Scenario) -> World:
        """Play the scenario; if the operator dies in it, start another, which sees it through."""

        async def first(world: World) -> None:
            acting = asyncio.create_task(scenario(world))
            dying = asyncio.create_task(self.died.wait())
            await asyncio.wait({acting, dying}, return_when=asyncio.FIRST_COMPLETED)
            self.died.set()
            acting.cancel()

        self.play(first)
        self.died.clear()
        self._nth = None
        return self.play(scenario)


def put_order(world: World) -> None:
    pack = {"name": "pack", "task": {"templateRef": {"name": "pack"}}}
    world.template("pack", {"name": "box", "compensation": {}}, {"name": "label", "dependsOn": ["box"]})
    world.template(
        "order",
        {"name": "pay", "compensation": {}},
        {**pack, "dependsOn": ["pay"]},
        {"name": "bill", "dependsOn": ["pack"]},
        failureStrategy="Compensate",
        identityStrategy="CallerProvided",
    )
    world.task("t", "order", idempotencyKey="k")


async def undone(world: World) -> None:
    """A saga with a sub-workflow, whose last step fails."""
    if world.state("t") is None:
        world.script |= {"bill": [fails()], "pay": [done("ä" * 3500)]}
        put_order(world)
    await world.until(lambda: world.state("t") == "Error")
    assert world.status("t")["outcome"] == "Compensated"


async def deleted(world: World) -> None:
    """The same, deleted while its last step runs."""
    if not world.kube.all("tasktemplates"):
        world.script["bill"] = [endless()]
        put_order(world)
    await world.until(lambda: "bill" in world.started)
    if world.state("t") is not None:
        await world.delete("t")
    await world.until(lambda: world.tasks() == [] and not world.kube.all("jobs") + world.kube.all("configmaps"))


@pytest.mark.parametrize(("scenario", "lost_answer"), [(undone, True), (deleted, False)])
def test_a_saga_with_a_sub_workflow_survives_a_death_at_every_write(scenario: Scenario, lost_answer: bool) -> None:
    immortal = Mortal()
    immortal.play(scenario)
    assert immortal.writes > 20
    for nth in range(1, immortal.writes + 1):
        world = Mortal(nth, lost_answer=lost_answer).live_on(scenario)
        ran = Counter(world.started)
        assert ran == Counter(["pay", "box", "label", "bill", "box~", "pay~"]), f"died at write {nth}: {world.started}"
        assert world.started.index("bill") < world.started.index("box~") < world.started.index("pay~")
