"""Both feeds when the API server refuses, fails or is away, and when their process is stopped, frozen or killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from kubesaga.runtime.cache import Kind
from kubesaga.runtime.feed import FeedError
from tests.simulation.feeds.audience import QUIET, Listener, Which, World, play
from tests.simulation.plan import Refuse
from tests.simulation.server.api_server import Answer
from tests.simulation.transport import Network

FEEDS: tuple[Which, ...] = ("direct", "kopf")


@pytest.mark.parametrize("which", FEEDS)
@pytest.mark.parametrize("seconds", [3.0, 50.0, 200.0])
def test_who_is_cut_off_learns_afterwards_what_it_missed(which: Which, seconds: float) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        operator.transport.is_cut = True
        expected = [world.create(Kind.TASK, "t")]
        await asyncio.sleep(seconds)
        assert operator.of("t") == []
        operator.transport.is_cut = False
        expected.append(world.change(Kind.TASK, "t", 1))
        await asyncio.sleep(QUIET)
        assert operator.of("t") == expected
        assert len(operator.relists) == len(Kind)

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_the_server_ends_watches_in_time_and_they_go_on(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        expected = [world.create(Kind.TASK, "t")]
        for number in range(25):
            await asyncio.sleep(100)
            expected.append(world.change(Kind.TASK, "t", number))
        await asyncio.sleep(QUIET)
        assert operator.of("t") == expected
        assert len(operator.relists) == len(Kind)

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_server_that_refuses_is_asked_again(which: Which) -> None:
    async def act(world: World) -> None:
        probes = len(Kind) if world.which == "kopf" else 0
        refusals = [Refuse(probes + nth, status) for nth, status in enumerate((500, 503, 429) * 4, start=1)]
        refusals.append(Refuse(probes + len(refusals) + 1, 429, retry_after=25))
        world.network = Network(refusals)
        operator = Listener(world, world.which)
        await asyncio.sleep(QUIET)
        assert len(operator.relists) == len(Kind) - 1
        await asyncio.sleep(QUIET)
        assert sorted(operator.relists) == sorted(Kind)
        assert world.network.happened.total() == len(refusals)

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_an_operator_that_starts_while_the_server_is_away_lists_once_it_is_back(which: Which) -> None:
    async def act(world: World) -> None:
        world.network.away = True
        operator = Listener(world, which)
        await asyncio.sleep(QUIET)
        world.network.away = False
        await asyncio.sleep(QUIET)
        assert sorted(operator.relists) == sorted(Kind)

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_server_that_is_away_for_minutes_is_listed_once_it_is_back(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        world.network.away = True
        operator.watching.break_all()
        expected = world.create(Kind.TASK, "t")
        await asyncio.sleep(300)
        world.network.away = False
        await asyncio.sleep(QUIET)
        assert operator.of("t") == [expected]

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
@pytest.mark.parametrize("code", [500, 404])
def test_a_watch_that_fails_for_good_ends_the_feed(which: Which, code: int) -> None:
    async def act(world: World) -> None:
        before = asyncio.all_tasks()
        operator = await world.listener()
        status = {"kind": "Status", "code": code, "reason": "Broken", "message": "out of order"}
        line = {"type": "ERROR", "object": status}
        refused = Answer(code, json.dumps(status).encode()) if code == 404 else None

        class Broken:
            """A watch that fails at once."""

            is_closed = True
            wake: Callable[[], None]

            def take(self) -> list[bytes]:
                return [json.dumps(line).encode() + b"\n"]

            def close(self) -> None:
                pass

        world.server.watch = lambda _: refused or Broken()  # type: ignore[assignment,method-assign,return-value]
        operator.watching.drop("tasks", compacted=False)
        with pytest.raises(FeedError, match=r"watching failed: .*out of order"):
            await asyncio.wait_for(operator.running, 60)
        assert asyncio.all_tasks() == before

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_killed_operator_hears_no_more_and_another_beside_it_is_not_disturbed(which: Which) -> None:
    async def act(world: World) -> None:
        first, second = await world.listener("operator-0"), await world.listener("operator-1")
        before = asyncio.all_tasks()
        world.create(Kind.TASK, "before")
        await first.news.wait()
        first.process.kill()
        first.watching.break_all()
        world.create(Kind.TASK, "after")
        await asyncio.sleep(QUIET)
        assert (len(first.of("before")), len(first.of("after"))) == (1, 0)
        assert (len(second.of("before")), len(second.of("after"))) == (1, 1)
        again = await world.listener("operator-0")
        assert [type_ for type_, _, _ in again.of("after")] == [None]
        await again.end()
        await second.end()
        assert asyncio.all_tasks() < before

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_frozen_operator_hears_all_when_it_thaws(which: Which) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        operator.process.freeze()
        expected = [world.create(Kind.TASK, "t"), world.change(Kind.TASK, "t", 1)]
        await asyncio.sleep(100)
        assert operator.of("t") == []
        operator.process.thaw()
        await asyncio.sleep(QUIET)
        assert operator.of("t") == expected

    play(which, act)


@pytest.mark.parametrize("which", FEEDS)
def test_a_feed_that_is_stopped_leaves_nothing_behind(which: Which) -> None:
    async def act(world: World) -> None:
        before = asyncio.all_tasks()
        operator = await world.listener()
        world.create(Kind.TASK, "t")
        await asyncio.sleep(0.5)
        await operator.end()
        assert asyncio.all_tasks() == before

    play(which, act)
