"""The operator's start: leadership, and caches that are not filled yet."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.kube.client import Kube, leases_path
from kubesaga.runtime import operator
from kubesaga.runtime.cache import Cache
from kubesaga.runtime.feed import Sink
from kubesaga.runtime.health import STALE_AFTER, Health
from kubesaga.runtime.leader import LostLeadership

from .objects import NS
from .world import World, done

LEASE = leases_path(NS, "kubesaga-operator")
LIST_SECONDS = 40.0
"""Longer than a Lease lasts: as much as there is to be listed, or as little as the machine has left for it."""


class Slow(World):
    """A world that takes its time to tell what there is."""

    async def run(self, sink: Sink, stop: asyncio.Event) -> None:
        self._fed.set()
        await asyncio.sleep(LIST_SECONDS)
        await super().run(sink, stop)


async def at_rest(world: World) -> None:
    await world.until_state("order", "Complete")


def slow_world() -> Slow:
    world = Slow()
    world.template("one-step", {"name": "work"})
    world.task("order", "one-step")
    return world


def test_the_lease_is_renewed_while_the_caches_are_being_filled() -> None:
    world = slow_world()
    world.script["work"] = [done(seconds=60)]
    world.play(at_rest)
    assert world.started == ["work"]
    assert world.kube.at(LEASE)["spec"]["leaseTransitions"] == 1


def test_a_lease_that_is_lost_while_the_caches_are_being_filled_ends_the_operator_before_it_works() -> None:
    world = slow_world()

    async def another_leads(world: World) -> None:
        await world.until(lambda: LEASE in world.kube.objects)
        lease = world.kube.at(LEASE)
        lease["spec"]["holderIdentity"] = "another"
        world.kube.put(LEASE, lease)
        await asyncio.sleep(LIST_SECONDS * 2)

    with pytest.raises(LostLeadership, match="another holds the lease now"):
        world.play(another_leads)
    assert world.started == []


def test_the_operator_stops_at_once_while_the_caches_are_being_filled() -> None:
    world, ended = slow_world(), []

    async def told_to_stop(world: World) -> None:
        await world.until(lambda: LEASE in world.kube.objects)
        ended.append(world.now())

    world.play(told_to_stop)
    assert world.now() - ended[0] < LIST_SECONDS
    assert world.kube.at(LEASE)["spec"]["holderIdentity"] == ""


def test_an_operator_with_a_long_queue_is_well_as_long_as_it_gets_on_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Health] = []

    class Examined(Health):
        def __init__(self, kube: Kube, cache: Cache) -> None:
            super().__init__(kube, cache)
            made.append(self)

    async def examined(world: World) -> None:
        names = [f"t{n}" for n in range(60)]
        world.kube.latency = 0.5
        for name in names:
            world.task(name, "one-step")
        began = world.now()
        while any(world.state(name) != "Complete" for name in names):
            assert made[0].sick() is None
            await asyncio.sleep(1)
        assert world.now() - began > 3 * STALE_AFTER

    monkeypatch.setattr(operator, "Health", Examined)
    world = World("--workers", "1")
    world.template("one-step", {"name": "work"})
    world.play(examined)
