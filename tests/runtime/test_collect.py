"""Collection: what nothing names goes after its time, what anything names or begins to name stays."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.api import constants as c
from kubesaga.kube.client import KubeError, tasks_path
from kubesaga.runtime.cache import Kind
from kubesaga.runtime.collect import Collector

from .templating import NS, Shop, play, template

HOUR = 3600.0


def collector(shop: Shop, retention: float = HOUR) -> Collector:
    return Collector(shop.kube, shop.cache, shop.revisions, retention, (), shop.now)


async def abandoned(shop: Shop) -> str:
    """A revision that nothing names: its template has changed."""
    shop.apply(template("one", version="1.0.0-rc.1", says="old"))
    await shop.settle()
    old: str = shop.status("one")["revision"]
    shop.apply(template("one", version="1.0.0-rc.1", says="new"))
    await shop.settle()
    return old


def marked(shop: Shop) -> set[str]:
    return {
        name
        for name, obj in shop.revision_objects().items()
        if c.ANNOTATION_UNREFERENCED in obj["metadata"].get("annotations", {})
    }


def test_a_revision_that_nothing_names_is_marked_once_and_deleted_after_its_time() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        sweeps = collector(shop)
        before = shop.kube.writes()
        for _ in range(4):
            await sweeps.sweep()
            assert marked(shop) == {old}
            await asyncio.sleep(HOUR / 4)
        assert shop.kube.writes() == before + 1
        await sweeps.sweep()
        assert list(shop.revision_objects()) == [shop.status("one")["revision"]]
        assert await shop.revisions.get(NS, old) is None

    play(act)


def test_an_operator_that_restarts_goes_on_counting() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        await collector(shop).sweep()
        await asyncio.sleep(HOUR)
        later = shop.restarted()
        await collector(later).sweep()
        assert old not in shop.revision_objects()

    play(act)


@pytest.mark.parametrize("state", ["StepsInProcess", "Complete", "Error"])
def test_a_revision_that_a_task_runs_or_ran_stays_until_the_task_goes(state: str) -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        pinned = {"name": "work", "version": "1.0.0-rc.1", "revision": old}
        task = shop.task("user", state=state, template=pinned)
        sweeps = collector(shop)
        for _ in range(3):
            await sweeps.sweep()
            await asyncio.sleep(HOUR)
        assert marked(shop) == set()
        shop.kube.objects.pop(tasks_path(NS, "user"))
        shop.router.seen(Kind.TASK, "DELETED", task)
        for _ in range(2):
            await sweeps.sweep()
            await asyncio.sleep(HOUR)
        assert old not in shop.revision_objects()

    play(act)


def test_a_task_that_the_cache_does_not_know_is_found_by_the_live_list_before_a_delete() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        sweeps = collector(shop)
        await sweeps.sweep()
        await asyncio.sleep(HOUR)
        pinned = {"name": "work", "version": "1.0.0-rc.1", "revision": old}
        task = {"metadata": {"namespace": NS, "name": "unseen"}, "spec": {}, "status": {"template": pinned}}
        shop.kube.put(tasks_path(NS, "unseen"), task)
        await sweeps.sweep()
        assert old in shop.revision_objects()

    play(act)


def test_a_template_that_returns_to_a_marked_revision_takes_the_mark_away() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        await collector(shop).sweep()
        assert marked(shop) == {old}
        shop.apply(template("one", version="1.0.0-rc.1", says="old"))
        await shop.settle()
        assert shop.status("one")["revision"] == old
        assert marked(shop) == set()

    play(act)


def test_a_revision_that_is_named_again_while_it_is_being_collected_survives() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        sweeps = collector(shop)
        await sweeps.sweep()
        await asyncio.sleep(HOUR)
        heads = await shop.revisions.heads(None)
        shop.apply(template("one", version="1.0.0-rc.1", says="old"))
        await shop.settle()
        (stale,) = (head for head in heads if head.name == old)
        with pytest.raises(KubeError) as refused:
            await shop.revisions.delete(stale)
        assert refused.value.conflict
        assert old in shop.revision_objects()

    play(act)


def test_a_revision_that_went_under_the_template_that_returns_to_it_is_recorded_anew() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        await collector(shop).sweep()
        lost = [False]

        def lose(method: str, path: str) -> None:
            if method == "PUT" and path.endswith(old) and not lost[0]:
                lost[0] = True
                del shop.kube.objects[path]

        shop.kube.broken = lose
        shop.apply(template("one", version="1.0.0-rc.1", says="old"))
        await shop.settle()
        assert lost[0]
        assert shop.status("one")["revision"] == old
        assert old in shop.revision_objects()

    play(act)


def test_what_a_reused_version_is_measured_against_stays() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one", says="old"))
        await shop.settle()
        shop.delete("one")
        shop.apply(template("one", says="new"))
        await shop.settle()
        sweeps = collector(shop)
        for _ in range(3):
            await sweeps.sweep()
            await asyncio.sleep(HOUR)
        assert marked(shop) == set()
        assert len(shop.revision_objects()) == 1
        assert shop.reason("one") == "!VersionReused"

    play(act)


def test_the_sweeps_go_on_after_a_failure_and_end_with_the_operator() -> None:
    async def act(shop: Shop) -> None:
        old = await abandoned(shop)
        failures = [KubeError(0, "NoAnswer", "no")]
        shop.kube.broken = lambda _method, _path: failures.pop() if failures else None
        stop = asyncio.Event()
        running = asyncio.create_task(collector(shop).run(stop))
        await asyncio.sleep(3 * HOUR)
        assert old not in shop.revision_objects()
        stop.set()
        await asyncio.wait_for(running, 1)

    play(act)
