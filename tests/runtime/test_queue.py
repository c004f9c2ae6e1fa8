"""The work queue: nothing is lost, nothing is worked on twice at once, and every delay is kept."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesaga.runtime.queue import Key, QueueClosed, WorkQueue

from . import virtual

A, B, C = ("ns", "a"), ("ns", "b"), ("ns", "c")


async def drain(queue: WorkQueue) -> list[Key]:
    """What comes out without waiting for time to pass."""
    keys = []
    while len(queue):
        keys.append(await queue.get())
        queue.done(keys[-1])
    return keys


def test_keys_come_out_in_the_order_they_were_added_and_once_each() -> None:
    async def main() -> None:
        queue = WorkQueue()
        for key in (B, A, B, A):
            queue.add(key)
        assert await drain(queue) == [B, A]
        assert queue.adds == 2

    virtual.run(main())


def test_a_key_added_while_it_is_worked_on_comes_back_once_after_done() -> None:
    async def main() -> None:
        queue = WorkQueue()
        queue.add(A)
        assert await queue.get() == A
        queue.add(A)
        queue.add(A)
        assert len(queue) == 0
        queue.done(A)
        assert await drain(queue) == [A]

    virtual.run(main())


def test_of_several_delays_for_one_key_the_earliest_counts() -> None:
    async def main() -> None:
        queue = WorkQueue()
        queue.add_after(A, 10)
        queue.add_after(A, 3)
        queue.add_after(A, 7)
        assert queue.delayed == 1
        assert await queue.get() == A
        assert virtual.loop().time() == 3
        queue.done(A)
        await asyncio.sleep(20)
        assert len(queue) == 0

    virtual.run(main())


def test_delayed_keys_come_in_the_order_of_their_times() -> None:
    async def main() -> None:
        queue = WorkQueue()
        for key, seconds in ((A, 5.0), (B, 0.5), (C, 60.0)):
            queue.add_after(key, seconds)
        seen = [(await queue.get(), virtual.loop().time()) for _ in range(3)]
        assert seen == [(B, 0.5), (A, 5.0), (C, 60.0)]

    virtual.run(main())


def test_a_delay_of_nothing_is_at_once() -> None:
    async def main() -> None:
        queue = WorkQueue()
        queue.add_after(A, -1)
        assert await drain(queue) == [A]

    virtual.run(main())


def test_waiting_for_a_far_time_does_not_poll() -> None:
    async def main() -> None:
        queue = WorkQueue()
        queue.add_after(A, 3600)
        before = virtual.loop().waits
        assert await queue.get() == A
        assert virtual.loop().waits - before == 1

    virtual.run(main())


def test_failures_back_off_from_50_ms_doubling_to_a_minute_until_forgotten() -> None:
    async def main() -> None:
        queue = WorkQueue()
        delays = []
        for _ in range(13):
            before = virtual.loop().time()
            queue.add_rate_limited(A)
            queue.done(await queue.get())
            delays.append(round(virtual.loop().time() - before, 6))
        assert delays == [0.05 * 2**n for n in range(11)] + [60, 60]
        assert queue.failures(A) == queue.retries == 13
        queue.forget(A)
        queue.add_rate_limited(A)
        before = virtual.loop().time()
        await queue.get()
        assert virtual.loop().time() - before == pytest.approx(0.05)

    virtual.run(main())


def test_one_key_failing_does_not_slow_another() -> None:
    async def main() -> None:
        queue = WorkQueue()
        for _ in range(10):
            queue.add_rate_limited(A)
        queue.add_rate_limited(B)
        assert await queue.get() == A  # its first delay stands
        queue.done(A)
        assert await queue.get() == B
        assert virtual.loop().time() == pytest.approx(0.05)

    virtual.run(main())


def test_closing_ends_every_worker_and_takes_no_more_keys() -> None:
    async def main() -> None:
        queue = WorkQueue()
        waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.add_after(A, 1)
        queue.close()
        queue.add(B)
        queue.add_after(C, 1)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ends] == [QueueClosed] * 3
        await asyncio.sleep(5)
        assert len(queue) == 0
        with pytest.raises(QueueClosed):
            await queue.get()

    virtual.run(main())


def test_a_worker_cancelled_as_it_is_chosen_leaves_its_key_to_another() -> None:
    async def main() -> None:
        queue = WorkQueue()
        chosen = asyncio.create_task(queue.get())
        other = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add(A)
        chosen.cancel()
        assert await asyncio.wait_for(other, 1) == A
        assert chosen.cancelled()

    virtual.run(main())


_KEYS = st.sampled_from([A, B, C])
_ADDS = st.lists(st.tuples(st.floats(0, 2), _KEYS, st.floats(0, 1)), max_size=30)


@settings(deadline=None)
@given(_ADDS, st.integers(1, 4))
def test_every_add_is_followed_by_a_pass_and_no_two_workers_share_a_key(
    adds: list[tuple[float, Key, float]], workers: int
) -> None:
    """A pass takes 0.3 s; each add happens at a time and asks for a delay."""

    async def main() -> None:
        queue = WorkQueue()
        busy: Counter[Key] = Counter()
        begun: dict[Key, float] = {}

        async def worker() -> None:
            while True:
                key = await queue.get()
                busy[key] += 1
                assert busy[key] == 1
                begun[key] = virtual.loop().time()
                await asyncio.sleep(0.3)
                busy[key] -= 1
                queue.done(key)

        running = [asyncio.create_task(worker()) for _ in range(workers)]
        wanted: dict[Key, float] = {}
        for at, key, delay in sorted(adds):
            await asyncio.sleep(at - virtual.loop().time())
            queue.add_after(key, delay)
            wanted[key] = virtual.loop().time()
        await asyncio.sleep(60)
        for task in running:
            task.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * workers
        assert begun.keys() == wanted.keys()
        assert all(begun[key] >= wanted[key] for key in wanted)
        assert (len(queue), queue.delayed) == (0, 0)

    virtual.run(main())


def test_times_that_are_put_forward_again_and_again_do_not_fill_the_memory() -> None:
    async def main() -> None:
        queue = WorkQueue()
        for i in range(5000):
            queue.add_after(A, 1_000_000 - i)
        queue.add_after(B, 1_000_000)
        assert len(queue._heap) < 2000
        assert queue.delayed == 2
        assert [await queue.get(), await queue.get()] == [A, B]

    virtual.run(main())
