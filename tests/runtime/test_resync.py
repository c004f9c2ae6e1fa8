"""The resync: lists on demand and in turn, reports what changed, and every Task that has not ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from kubesaga.kube.client import KubeError, jobs_path, tasks_path
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.resync import Resync

from . import virtual
from .memory import MemoryKube, failing_first, no_answer, well

NS = "shop"


class Scene:
    """A resync that runs beside what a test does."""

    def __init__(self, namespaces: tuple[str, ...] = ()) -> None:
        self.kube = MemoryKube()
        self.cache = Cache()
        self.told: list[str] = []
        self.resync = Resync(self.kube, self.cache, self._changed, namespaces, interval=300)

    def _changed(self, kind: Kind, obj: Obj) -> None:
        self.told.append(f"{kind}/{obj['metadata']['name']}")

    def put_task(self, name: str, state: str) -> None:
        task = {"metadata": {"namespace": NS, "name": name}, "spec": {}, "status": {"state": state}}
        self.kube.put(tasks_path(NS, name), task)

    def lists(self) -> list[str]:
        return [path.rsplit("/", 1)[-1] for _, path in self.kube.calls]

    def run(self, act: Callable[[Scene], Awaitable[None]]) -> None:
        async def main() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(self.resync.run(stop))
            await act(self)
            stop.set()
            await asyncio.wait_for(running, 1)

        virtual.run(main())


def test_a_request_lists_at_once_fills_the_cache_and_marks_it_synced() -> None:
    async def act(scene: Scene) -> None:
        scene.put_task("open", "StepsInProcess")
        scene.put_task("ended", "Complete")
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(0.1)
        assert scene.cache.count(Kind.TASK) == 2
        assert [kind for kind in Kind if scene.cache.synced(kind)] == [Kind.TASK]
        assert sorted(set(scene.told)) == ["tasks/ended", "tasks/open"]
        assert scene.lists() == ["tasks"]

    Scene().run(act)


def test_tasks_that_have_not_ended_are_reported_at_every_list_and_ended_ones_only_when_new() -> None:
    async def act(scene: Scene) -> None:
        scene.put_task("open", "WaitingForRetry")
        scene.put_task("ended", "Error")
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(0.1)
        scene.told.clear()
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(0.1)
        assert scene.told == ["tasks/open"]

    Scene().run(act)


def test_what_was_deleted_unseen_is_found_and_reported() -> None:
    async def act(scene: Scene) -> None:
        scene.kube.put(jobs_path(NS, "a"), {"metadata": {"namespace": NS, "name": "a"}})
        scene.resync.request(Kind.JOB)
        await asyncio.sleep(0.1)
        scene.kube.objects.clear()
        scene.resync.request(Kind.JOB)
        await asyncio.sleep(0.1)
        assert scene.told == ["jobs/a", "jobs/a"]
        assert scene.cache.count(Kind.JOB) == 0

    Scene().run(act)


def test_without_requests_each_kind_is_listed_once_per_interval_and_not_all_at_the_same_time() -> None:
    async def act(scene: Scene) -> None:
        times: list[float] = []
        scene.kube.broken = lambda _method, _path: times.append(virtual.loop().time())
        await asyncio.sleep(901)
        assert scene.lists() == [str(kind) for kind in Kind] * 3
        assert {round(later - earlier) for earlier, later in pairwise(times)} == {300 // len(Kind)}

    Scene().run(act)


def test_a_request_while_the_same_kind_is_being_listed_lists_it_again() -> None:
    async def act(scene: Scene) -> None:
        scene.kube.latency = 1
        scene.resync.request(Kind.POD)
        await asyncio.sleep(0.5)
        scene.resync.request(Kind.POD)
        await asyncio.sleep(3)
        assert scene.lists() == ["pods", "pods"]

    Scene().run(act)


def test_a_list_that_fails_is_tried_again_and_leaves_the_cache_unsynced_meanwhile() -> None:
    async def act(scene: Scene) -> None:
        scene.kube.broken = no_answer
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(5)
        assert not scene.cache.synced(Kind.TASK)
        assert 2 <= len(scene.kube.calls) <= 4
        scene.kube.broken = well
        await asyncio.sleep(3)
        assert scene.cache.synced(Kind.TASK)

    Scene().run(act)


def test_a_list_whose_snapshot_expired_is_begun_again_at_once() -> None:
    async def act(scene: Scene) -> None:
        scene.kube.broken = failing_first(KubeError(410, "Expired", "the continue parameter is too old"))
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(0.1)
        assert scene.cache.synced(Kind.TASK)

    Scene().run(act)


def test_with_namespaces_given_each_is_listed_by_itself() -> None:
    async def act(scene: Scene) -> None:
        scene.resync.request(Kind.POD)
        await asyncio.sleep(0.1)
        assert [path for _, path in scene.kube.calls] == [
            "/api/v1/namespaces/shop/pods",
            "/api/v1/namespaces/lab/pods",
        ]

    Scene((NS, "lab")).run(act)


def test_what_one_namespace_brought_is_told_though_the_next_cannot_be_listed() -> None:
    """Its watch will tell it as nothing new: whoever it concerns is woken now or never."""

    async def act(scene: Scene) -> None:
        scene.put_task("ended", "Complete")
        scene.kube.broken = lambda _, path: KubeError(500, "InternalError", path) if "/later/" in path else None
        scene.resync.request(Kind.TASK)
        await asyncio.sleep(0.1)
        assert scene.told == ["tasks/ended"]
        assert not scene.cache.synced(Kind.TASK)

    Scene((NS, "later")).run(act)
