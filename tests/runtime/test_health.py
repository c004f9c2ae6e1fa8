"""Probes: restarted when the loop stands still, ready when this process could work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.health import HEARTBEAT, STALE_AFTER, Health
from kubesaga.runtime.queue import WorkQueue

from . import virtual
from .memory import MemoryKube


class Scene:
    """A process that is well: synced, in contact, its clock in hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.kube = MemoryKube()
        self.kube.last_contact = self.now
        self.cache = Cache()
        for kind in Kind:
            self.cache.mark_synced(kind)
        self.health = Health(self.kube, self.cache, lambda: self.now)


Get = Callable[[str], Awaitable[tuple[int, str]]]


def served(scene: Scene, use: Callable[[Get], Awaitable[None]]) -> None:
    async def main() -> None:
        server = await scene.health.serve(0)

        async with aiohttp.ClientSession() as session:

            async def get(path: str) -> tuple[int, str]:
                async with session.get(f"http://127.0.0.1:{server.port}{path}") as response:
                    return response.status, (await response.text()).strip()

            await use(get)
        await server.close()

    asyncio.run(main())


def test_a_well_process_answers_ok_and_shows_its_metrics() -> None:
    async def use(get: Get) -> None:
        assert await get("/healthz") == (200, "ok")
        assert await get("/readyz") == (200, "ok")
        status, text = await get("/metrics")
        assert status == 200
        assert 'kubesaga_build_info{version="' in text

    served(Scene(), use)


def test_a_loop_that_stands_still_is_unhealthy_and_says_so() -> None:
    scene = Scene()
    scene.health.beat()
    scene.now += STALE_AFTER + 1

    async def use(get: Get) -> None:
        assert await get("/healthz") == (503, "the reconcile loop has made no progress for 31 s")
        scene.health.beat()
        assert await get("/healthz") == (200, "ok")

    served(scene, use)


def test_a_standby_has_no_loop_and_is_healthy() -> None:
    scene = Scene()
    scene.now += 1e6
    assert scene.health.sick() is None


def test_a_process_is_not_ready_before_every_kind_is_listed() -> None:
    scene = Scene()
    scene.health = Health(scene.kube, Cache(), lambda: scene.now)

    async def use(get: Get) -> None:
        assert await get("/readyz") == (503, "not yet listed: tasks, tasktemplates, taskactions, jobs, pods")

    served(scene, use)


def test_a_process_is_not_ready_while_the_api_server_is_silent() -> None:
    scene = Scene()
    scene.now += STALE_AFTER + 1
    assert scene.health.unready() == "the API server has not answered lately"
    scene.kube.last_contact = None
    assert scene.health.unready() is not None
    scene.kube.last_contact = scene.now
    assert scene.health.unready() is None


def test_the_heartbeat_goes_through_the_work_queue() -> None:
    async def main() -> None:
        queue, stop = WorkQueue(), asyncio.Event()
        clock = virtual.loop().time
        health = Health(MemoryKube(), Cache(), clock)

        async def work() -> None:
            while True:
                key = await queue.get()
                assert key == HEARTBEAT
                health.beat()
                queue.done(key)

        beating = asyncio.create_task(health.heartbeat(queue, stop))
        worker = asyncio.create_task(work())
        await asyncio.sleep(300)
        assert health.sick() is None
        worker.cancel()
        await asyncio.sleep(STALE_AFTER + 6)
        assert health.sick() is not None
        stop.set()
        await asyncio.gather(beating, worker, return_exceptions=True)

    virtual.run(main())


def test_a_worker_that_never_comes_makes_the_process_unhealthy() -> None:
    async def main() -> None:
        stop = asyncio.Event()
        health = Health(MemoryKube(), Cache(), virtual.loop().time)
        beating = asyncio.create_task(health.heartbeat(WorkQueue(), stop))
        await asyncio.sleep(STALE_AFTER - 1)
        assert health.sick() is None
        await asyncio.sleep(2)
        assert health.sick() is not None
        stop.set()
        await beating

    virtual.run(main())
