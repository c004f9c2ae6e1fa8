"""Leadership: one at a time, handed over at once on a clean end, and given up before another can take it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesaga.kube.client import KubeError, leases_path
from kubesaga.runtime.leader import LeaderElector, LostLeadership

from . import virtual
from .memory import MemoryKube, no_answer, refusing, well

LEASE = leases_path("ops", "kubesaga-operator")


def elector(kube: MemoryKube, identity: str) -> LeaderElector:
    return LeaderElector(kube, "ops", identity=identity, clock=lambda: virtual.loop().time())


def holder(kube: MemoryKube) -> str:
    name: str = kube.objects[LEASE]["spec"]["holderIdentity"]
    return name


def test_the_first_leads_and_the_second_waits() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        first, second = elector(kube, "a"), elector(kube, "b")
        assert await first.acquire(stop)
        waiting = asyncio.create_task(second.acquire(stop))
        holding = asyncio.create_task(first.hold(stop))
        await asyncio.sleep(120)
        assert (first.is_leader, second.is_leader, waiting.done()) == (True, False, False)
        stop.set()
        assert not await waiting
        await holding

    virtual.run(main())


def test_waiting_for_an_api_server_that_is_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        kube.broken = no_answer
        waiting = asyncio.create_task(elector(kube, "a").acquire(stop))
        await asyncio.sleep(60)
        assert len(kube.calls) >= 30
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        kube.broken = well
        assert await waiting

    virtual.run(main())


def test_a_clean_end_hands_over_within_one_retry_period() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        first, second = elector(kube, "a"), elector(kube, "b")
        await first.acquire(stop)
        waiting = asyncio.create_task(second.acquire(stop))
        await asyncio.sleep(5)
        await first.release()
        before = virtual.loop().time()
        assert await waiting
        assert virtual.loop().time() - before <= 2
        assert not first.is_leader
        assert holder(kube) == "b"
        assert kube.objects[LEASE]["spec"]["leaseTransitions"] == 2

    virtual.run(main())


def test_a_leader_that_vanished_is_followed_once_its_lease_was_unchanged_for_its_duration() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        await elector(kube, "gone").acquire(stop)
        await asyncio.sleep(100)  # nobody watched: what went before counts for nothing
        before = virtual.loop().time()
        assert await elector(kube, "b").acquire(stop)
        assert 15 <= virtual.loop().time() - before <= 17

    virtual.run(main())


@pytest.mark.parametrize("ahead", [0.1, 0.5, 1.0, 1.5, 1.9])
def test_one_that_waits_follows_within_the_leases_duration_and_one_look(ahead: float) -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        first = elector(kube, "gone")
        await first.acquire(stop)
        holding = asyncio.create_task(first.hold(stop))
        await asyncio.sleep(5 - ahead)
        waiting = asyncio.create_task(elector(kube, "b").acquire(stop))
        await asyncio.sleep(ahead + 0.01)
        before = virtual.loop().time()
        holding.cancel()  # just after a renewal, which the other sees at its next look
        assert await waiting
        assert 15 <= virtual.loop().time() - before <= 17

    virtual.run(main())


def test_a_wrong_clock_in_the_lease_is_not_believed() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        first = elector(kube, "a")
        await first.acquire(stop)
        holding = asyncio.create_task(first.hold(stop))
        waiting = asyncio.create_task(elector(kube, "b").acquire(stop))
        for _ in range(60):
            kube.objects[LEASE]["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
            await asyncio.sleep(1)
        assert not waiting.done()
        stop.set()
        await asyncio.gather(holding, waiting)

    virtual.run(main())


def test_a_restarted_process_of_the_same_name_leads_at_once() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        await elector(kube, "pod-0").acquire(stop)
        before = virtual.loop().time()
        assert await elector(kube, "pod-0").acquire(stop)
        assert virtual.loop().time() == before

    virtual.run(main())


def test_holding_writes_the_lease_every_five_seconds_and_nothing_else() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        kube.calls.clear()
        holding = asyncio.create_task(leader.hold(stop))
        await asyncio.sleep(60.5)
        assert kube.calls == [("PUT", LEASE)] * 12
        stop.set()
        await holding

    virtual.run(main())


def test_a_short_outage_is_survived() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        holding = asyncio.create_task(leader.hold(stop))
        await asyncio.sleep(5.5)
        kube.broken = no_answer
        await asyncio.sleep(8)
        kube.broken = well
        await asyncio.sleep(60)
        assert leader.is_leader
        stop.set()
        await holding

    virtual.run(main())


def test_without_a_renewal_for_ten_seconds_leadership_is_given_up() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        kube.broken = no_answer
        with pytest.raises(LostLeadership, match="could not be renewed"):
            await leader.hold(stop)
        assert 9 <= virtual.loop().time() <= 11
        assert not leader.is_leader

    virtual.run(main())


def test_a_request_that_hangs_does_not_keep_leadership_beyond_the_deadline() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        kube.latency = 3600
        with pytest.raises(LostLeadership):
            await leader.hold(stop)
        assert virtual.loop().time() <= 11

    virtual.run(main())


def test_another_holder_ends_leadership_at_the_next_renewal() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        lease = kube.objects[LEASE]
        kube.put(LEASE, lease | {"spec": lease["spec"] | {"holderIdentity": "b"}})
        with pytest.raises(LostLeadership, match="b holds"):
            await leader.hold(stop)
        assert virtual.loop().time() <= 5
        await leader.release()
        assert holder(kube) == "b"

    virtual.run(main())


def test_a_lease_that_was_deleted_or_annotated_by_hand_stays_ours() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        holding = asyncio.create_task(leader.hold(stop))
        kube.put(LEASE, kube.objects[LEASE])
        await asyncio.sleep(6)
        del kube.objects[LEASE]
        await asyncio.sleep(6)
        assert leader.is_leader
        assert holder(kube) == "a"
        stop.set()
        await holding

    virtual.run(main())


def test_of_two_that_try_at_once_one_leads() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        kube.latency = 0.5
        electors = [elector(kube, name) for name in "abc"]
        trying = [asyncio.create_task(one.acquire(stop)) for one in electors]
        await asyncio.sleep(5)
        assert sum(one.is_leader for one in electors) == 1
        stop.set()
        assert sorted(await asyncio.gather(*trying)) == [False, False, True]

    virtual.run(main())


def test_a_lease_that_cannot_be_released_is_left_to_expire() -> None:
    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leader = elector(kube, "a")
        await leader.acquire(stop)
        kube.broken = refusing(KubeError(403, "Forbidden", "no"))
        await leader.release()
        assert not leader.is_leader

    virtual.run(main())


_OUTAGES = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 300), st.floats(0, 60)), max_size=8)


@settings(max_examples=50, deadline=None)
@given(_OUTAGES)
def test_however_processes_lose_the_api_server_never_do_two_lead_at_once(
    outages: list[tuple[str, float, float]],
) -> None:
    """Each process leads again after a loss, as its restarted container would, under a name of its own."""

    async def main() -> None:
        kube, stop = MemoryKube(), asyncio.Event()
        leading: set[str] = set()
        trying = ""

        def cut_off(method: str, path: str) -> KubeError | None:
            now = virtual.loop().time()
            away = any(who == trying and start <= now < start + length for who, start, length in outages)
            return no_answer(method, path) if away else None

        class Named(MemoryKube):
            """``kube`` as seen by one process."""

            def __init__(self, name: str) -> None:
                super().__init__()
                self.name = name

            async def _call(self, *args: object, **options: object) -> dict[str, object]:
                nonlocal trying
                trying = self.name
                return await kube._call(*args, **options)  # type: ignore[arg-type]

        kube.broken = cut_off

        async def process(name: str) -> None:
            for life in range(1000):
                one = elector(Named(name), f"{name}{life}")
                if not await one.acquire(stop):
                    return
                leading.add(name)
                assert leading == {name}
                with contextlib.suppress(LostLeadership):
                    await one.hold(stop)
                leading.discard(name)
                await one.release()

        running = [asyncio.create_task(process(name)) for name in "abc"]
        await asyncio.sleep(500)
        assert len(leading) == 1
        stop.set()
        await asyncio.gather(*running)

    virtual.run(main())


@pytest.mark.parametrize("taken", [False, True])
def test_a_leader_that_was_held_up_itself_goes_on_unless_another_leads_by_now(taken: bool) -> None:
    async def main() -> None:
        kube, stop, held_up = MemoryKube(), asyncio.Event(), [0.0]
        late = LeaderElector(kube, "ops", identity="late", clock=lambda: virtual.loop().time() + held_up[0])
        await late.acquire(stop)
        holding = asyncio.create_task(late.hold(stop))
        await asyncio.sleep(1)
        held_up[0] = 60.0
        if taken:
            kube.objects[LEASE]["spec"]["holderIdentity"] = "other"
            kube.put(LEASE, kube.objects[LEASE])
        await asyncio.sleep(6)
        assert holding.done() is taken
        assert late.is_leader is not taken
        if taken:
            with pytest.raises(LostLeadership):
                holding.result()
        stop.set()
        await asyncio.gather(holding, return_exceptions=True)

    virtual.run(main())
