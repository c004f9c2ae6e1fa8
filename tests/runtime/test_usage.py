"""The count of a template's users: right, and written only where it changed."""

from __future__ import annotations

import asyncio

from kubesaga.kube.client import KubeError
from kubesaga.runtime.usage import INTERVAL, Usage

from .templating import Shop, play, template

PINNED = {"name": "work", "version": "1.0.0", "revision": "r"}


def test_tasks_that_started_with_a_version_are_its_users_and_those_not_ended_are_live() -> None:
    async def act(shop: Shop) -> None:
        for version in ("1.0.0", "2.0.0"):
            shop.apply(template(f"work-{version}", version=version))
        await shop.settle()
        for name, state in (("a", "StepsInProcess"), ("b", "WaitingForRetry"), ("c", "Complete"), ("d", "Error")):
            shop.task(name, state=state, template=PINNED)
        shop.task("waits", state="Pending")
        await Usage(shop.kube, shop.cache).count()
        assert shop.status("work-1.0.0")["users"] == {"live": 2, "total": 4}
        assert "users" not in shop.status("work-2.0.0")

    play(act)


def test_what_did_not_change_is_not_written_and_a_check_keeps_the_count() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        shop.task("a", state="Complete", template=PINNED)
        usage = Usage(shop.kube, shop.cache)
        await usage.count()
        writes = shop.kube.writes()
        await usage.count()
        assert shop.kube.writes() == writes
        shop.apply(template("one"))
        await shop.settle()
        assert shop.status("one")["users"] == {"live": 0, "total": 1}

    play(act)


def test_a_template_that_has_not_been_checked_gets_no_status_from_a_count() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        shop.task("a", state="Complete", template=PINNED)
        await Usage(shop.kube, shop.cache).count()
        assert "status" not in shop.template("one")

    play(act)


def test_a_count_that_cannot_be_written_is_written_the_next_time() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        shop.task("a", state="Complete", template=PINNED)
        failures = [KubeError(500, "InternalError", "no")]
        shop.kube.broken = lambda _method, _path: failures.pop() if failures else None
        stop = asyncio.Event()
        running = asyncio.create_task(Usage(shop.kube, shop.cache).run(stop))
        await asyncio.sleep(INTERVAL * 1.5)
        assert shop.status("one")["users"]["total"] == 1
        stop.set()
        await asyncio.wait_for(running, 1)

    play(act)
