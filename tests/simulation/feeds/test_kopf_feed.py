"""What kopf may do to an operator by its own timing and manners, in virtual time."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random

import pytest

from kubesaga.runtime.cache import Kind
from kubesaga.runtime.feed import FeedError
from tests.simulation.feeds import watching
from tests.simulation.feeds.audience import QUIET, World, play
from tests.simulation.feeds.watching import Watching
from tests.simulation.plan import Obj
from tests.simulation.world import elapsed


def test_a_watch_that_kopf_drops_in_silence_ends_the_feed() -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        for task in asyncio.all_tasks():
            if task.get_name().startswith("watcher for tasks."):
                task.cancel()
        with pytest.raises(FeedError, match=r"kopf ended by itself: watcher for tasks\."):
            await asyncio.wait_for(operator.running, 60)

    play("kopf", act)


def test_what_the_sink_fails_at_is_said_and_the_next_event_comes(caplog: pytest.LogCaptureFixture) -> None:
    async def act(world: World) -> None:
        operator = await world.listener()
        seen = operator.seen

        def fails(kind: Kind, type_: str | None, obj: Obj) -> None:
            operator.seen = seen  # type: ignore[method-assign]
            raise KeyError("odd")

        operator.seen = fails  # type: ignore[method-assign]
        world.create(Kind.TASK, "odd")
        expected = world.change(Kind.TASK, "odd", 1)
        await asyncio.sleep(QUIET)
        assert operator.of("odd") == [expected]

    play("kopf", act)
    assert [record.message for record in caplog.records] == ["an event was lost: tasks odd"]


@pytest.mark.parametrize("gap", [1.0, watching.BOOKMARK_INTERVAL + 10.0])
def test_no_event_is_lost_that_comes_just_when_kopf_gives_up_waiting_for_one(
    gap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a second kopf ends an object's worker; after 70 silent ones it begins the watch anew."""
    monkeypatch.setattr(watching, "BOOKMARK_INTERVAL", 1e9)
    monkeypatch.setattr(Watching, "_latency", lambda _, __: 0.0)

    async def act(world: World, early: int) -> None:
        operator = await world.listener()
        world.create(Kind.TASK, "first")
        await operator.news.wait()
        await asyncio.sleep(gap - early * 1e-6)
        names = ("first", "second", "later")
        expected = [world.change(Kind.TASK, "first", 1), world.create(Kind.TASK, "second")]
        await asyncio.sleep(QUIET)
        expected.append(world.create(Kind.TASK, "later"))
        await asyncio.sleep(QUIET)
        assert [told for name in names for told in operator.of(name)][1:] == expected, early

    for early in range(20):
        play("kopf", partial(act, early=early))


def test_a_run_with_kopf_can_be_repeated() -> None:
    async def act(world: World) -> list[tuple[float, str | None]]:
        moments: list[tuple[float, str | None]] = []
        operator = await world.listener()
        seen = operator.seen

        def note(kind: Kind, type_: str | None, obj: Obj) -> None:
            moments.append((elapsed(), obj["metadata"]["resourceVersion"]))
            seen(kind, type_, obj)

        operator.seen = note  # type: ignore[method-assign]
        operator.watching.drop(None, compacted=True)
        await world.live_on(Random(3), 30)
        await asyncio.sleep(QUIET)
        return moments

    assert play("kopf", act) == play("kopf", act)
    assert play("kopf", act) != play("kopf", act, seed=2)
