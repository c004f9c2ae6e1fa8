"""What reaches an operator's sink, by kopf itself and by the cheap feed alike: late, but nothing is lost or made up."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from kubesaga.runtime.cache import Kind
from tests.simulation.feeds.audience import QUIET, Told, Which, World, play

FEEDS: tuple[Which, ...] = ("direct", "kopf")


def test_both_feeds_tell_the_same_of_the_same_history() -> None:
    async def history(world: World) -> tuple[dict[str, list[Told]], list[Kind]]:
        dice = Random(7)
        await world.live_on(dice, 20)
        operator = await world.listener()
        await world.live_on(dice, 150)
        await asyncio.sleep(QUIET)
        assert operator.believed == world.truth()
        return operator.told_by_uid, sorted(operator.relists)

    direct, kopf = (play(which, history) for which in FEEDS)
    assert direct == kopf
    assert len(direct[0]) > 20


@pytest.mark.parametrize("which", FEEDS)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_befalls_the_watches_nothing_is_missed_in_the_end(which: Which, seed: int) -> None:
    async def act(world: World) -> None:
        dice = Random(seed)
        operator = await world.listener()
        befall = (
            lambda kind: operator.watching.drop(kind, compacted=False),
            lambda kind: operator.watching.drop(kind, compacted=True),
            lambda kind: operator.watching.delay(kind, 5.0, 4.0),
            lambda kind: operator.watching.repeat(kind, 15),
            lambda kind: operator.watching.stale(kind, 15),
            lambda _: operator.watching.break_all(),
            lambda _: world.server.compact(),
        )
        for _ in range(12):
            await world.live_on(dice, 8)
            dice.choice(befall)(dice.choice((None, "tasks", "pods")))
        await asyncio.sleep(QUIET)
        assert operator.believed == world.truth()
        assert len(operator.relists) > len(Kind)

    play(which, act, seed)


@pytest.mark.parametrize("which", FEEDS)
def test_a_dropped_watch_goes_on_where_it_ended_without_a_new_list(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        expected = [world.create(Kind.TASK, "t")]
        for number in range(20):
            expected.append(world.change(Kind.TASK, "t", number))
            operator.watching.drop("tasks", compacted=False)
            await asyncio.sleep(3)
        await asyncio.sleep(QUIET)
        assert operator.of("t") == expected
        assert len(operator.relists) == len(Kind)

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_what_goes_while_history_is_lost_is_not_told_but_the_kind_is_relisted(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        world.create(Kind.TASK, "goes")
        stays = world.create(Kind.TASK, "stays")
        await asyncio.sleep(QUIET)
        operator.watching.drop("tasks", compacted=True)
        world.delete(Kind.TASK, "goes")
        await asyncio.sleep(QUIET)
        assert [type_ for type_, _, _ in operator.of("goes")] == ["ADDED"]
        assert operator.of("stays") == [stays, (None, *stays[1:])]
        assert operator.relists.count(Kind.TASK) == 2

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_watch_that_starts_again_farther_back_tells_twice(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        expected = [world.create(Kind.TASK, "t"), *(world.change(Kind.TASK, "t", number) for number in range(4))]
        await asyncio.sleep(QUIET)
        operator.watching.repeat("tasks", 3)
        await asyncio.sleep(QUIET)
        assert operator.of("t") == expected + expected[-3:]

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_stale_list_is_made_good_by_the_watch_from_its_version(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        created = world.create(Kind.TASK, "t")
        changes = [world.change(Kind.TASK, "t", number) for number in range(3)]
        await asyncio.sleep(QUIET)
        operator.watching.stale("tasks", 3)
        await asyncio.sleep(QUIET)
        assert operator.of("t") == [created, *changes, (None, *created[1:]), *changes]
        assert operator.relists.count(Kind.TASK) == 2

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_news_of_one_kind_can_be_late_and_stays_in_its_order(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        operator.watching.delay("tasks", seconds=5.0, late=60.0)
        expected = [world.create(Kind.TASK, "t"), world.change(Kind.TASK, "t", 1)]
        await asyncio.sleep(6)
        expected.append(world.change(Kind.TASK, "t", 2))
        world.create(Kind.POD, "p")
        await asyncio.sleep(QUIET)
        assert (operator.of("t"), len(operator.of("p"))) == ([], 1)
        await asyncio.sleep(60)
        assert operator.of("t") == expected

    play(which, act)
