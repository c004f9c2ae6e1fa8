"""The operator put together: the feed fills the cache, the leader's workers move Tasks, everything ends on SIGTERM.

``__main__`` runs it. Whatever ends by itself (a lost leadership, a feed without news) ends the process, which
Kubernetes then restarts: a fresh start is the one recovery, and every start tests it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from kubesaga.kube.client import Kube
from kubesaga.runtime import metrics
from kubesaga.runtime.actions import Answers
from kubesaga.runtime.admission import Admission
from kubesaga.runtime.apply import Applier
from kubesaga.runtime.attempts import Attempts
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.claims import Claims
from kubesaga.runtime.cleaning import Cleaner
from kubesaga.runtime.collect import Collector
from kubesaga.runtime.dead_letters import DeadLetters
from kubesaga.runtime.events import EventRecorder
from kubesaga.runtime.family import Family
from kubesaga.runtime.feed import Feed, KopfFeed
from kubesaga.runtime.frames import Frames
from kubesaga.runtime.gather import Gatherer
from kubesaga.runtime.health import HEARTBEAT, Health
from kubesaga.runtime.launches import Launcher
from kubesaga.runtime.leader import LeaderElector
from kubesaga.runtime.namespaces import Terminating
from kubesaga.runtime.orphans import Orphans
from kubesaga.runtime.parents import Parents
from kubesaga.runtime.queue import Key, WorkQueue
from kubesaga.runtime.reconcile import Reconciler
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.release import Release
from kubesaga.runtime.results import Results
from kubesaga.runtime.resync import Resync
from kubesaga.runtime.revisions import Revisions
from kubesaga.runtime.router import Router
from kubesaga.runtime.settings import OperatorSettings
from kubesaga.runtime.settled import Settled
from kubesaga.runtime.templates import Templates
from kubesaga.runtime.usage import Usage
from kubesaga.runtime.workers import work

log = logging.getLogger(__name__)

TEMPLATE_WORKERS = 2
# Passes under way get this long (seconds) to end once the operator is told to stop.
STOP_PATIENCE = 10.0


class Operator:
    """All parts of one process, wired. ``clock`` tells the seconds since the epoch."""

    def __init__(
        self,
        settings: OperatorSettings,
        kube: Kube,
        feed: Feed | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._kube = kube
        self._clock = clock
        self._feed = feed or KopfFeed(kube, settings.namespaces)
        self._cache = Cache()
        self._tasks = WorkQueue()
        self._templates = WorkQueue()
        self._admission = Admission(self._cache, self._tasks, settings.max_running_tasks)
        self._family = Family(self._cache, self._tasks)
        self._router = Router(
            self._cache, self._tasks, self._templates, self._family, self._admission, self._list_again
        )
        self._resync = Resync(kube, self._cache, self._router.changed, settings.namespaces, settings.resync_interval)
        self._health = Health(kube, self._cache)
        self._elector = LeaderElector(
            kube, settings.lease_namespace, settings.lease_name, identity=settings.identity, wall=clock
        )
        self._events = EventRecorder(kube, instance=settings.identity, clock=clock)
        self._revisions = Revisions(kube)
        self._template_reconciler = Templates(
            kube, self._cache, self._router, self._revisions, settings.default_image, settings.environment, clock
        )
        self._release = Release(kube, self._cache)
        self._reconciler = self._make_reconciler()
        metrics.expose({"Task": self._tasks, "TaskTemplate": self._templates}, self._cache)

    def _make_reconciler(self) -> Reconciler:
        """What moves Tasks, and what only its parts share."""
        kube, cache, revisions = self._kube, self._cache, self._revisions
        refusals, results, terminating = Refusals(), Results(kube), Terminating()
        seen = self._router.seen
        claims, dead_letters = Claims(kube), DeadLetters(kube, cache)
        answers = Answers(kube, cache, self._events)
        gatherer = Gatherer(
            kube,
            cache,
            self._template_reconciler,
            revisions,
            Attempts(kube, cache, refusals, Frames(kube, self._clock), results, seen, self._clock),
            Parents(kube, cache, revisions, seen),
            claims,
            self._admission,
            terminating,
        )
        applier = Applier(
            kube,
            cache,
            self._events,
            Launcher(kube, cache, refusals, results, terminating, seen),
            results,
            answers,
            claims,
            self._release,
            dead_letters,
            self._family,
            terminating,
        )
        cleaner = Cleaner(kube, cache, self._tasks, refusals, dead_letters, self._settings.job_retention)
        return Reconciler(
            kube,
            cache,
            self._tasks,
            Settled(cache),
            gatherer,
            results,
            applier,
            answers,
            self._admission,
            cleaner,
            seen,
            self._clock,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``. Raises LostLeadership, FeedError or whatever else ended a part."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = await self._health.serve(self._settings.health_port)
        log.info("probes and metrics on port %d", server.port)
        parts = [
            self._feed.run(self._router, stop),
            self._resync.run(stop),
            self._events.run(stop),
            self._lead(stop),
        ]
        try:
            await _until_one_ends(parts, stop)
        finally:
            await self._elector.release()
            await server.close()

    async def _lead(self, stop: asyncio.Event) -> None:
        """Become the leader, then work until ``stop``."""
        if not await self._elector.acquire(stop):
            return
        holding = asyncio.create_task(self._elector.hold(stop))
        await self._wait_synced(holding)
        if holding.done():
            await holding
            return
        workers = [asyncio.create_task(part) for part in self._workers()]
        background = [asyncio.create_task(part) for part in self._leaders_parts(stop)]
        try:
            done, _ = await asyncio.wait([holding, *background], return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
            await holding
        finally:
            # On a lost leadership too: no pass is begun any more, those under way are guarded by what they read.
            for part in (holding, *background):
                part.cancel()
            self._tasks.close()
            self._templates.close()
            _, late = await asyncio.wait(workers, timeout=STOP_PATIENCE if stop.is_set() else 0.0)
            for worker in late:
                worker.cancel()

    async def _wait_synced(self, holding: asyncio.Task[None]) -> None:
        """Wait until the caches are filled, which may take longer than a Lease lasts; or until it is held no more."""
        synced = asyncio.create_task(self._cache.wait_synced())
        try:
            await asyncio.wait({synced, holding}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            holding.cancel()
            raise
        finally:
            synced.cancel()

    def _workers(self) -> list[Coroutine[Any, Any, None]]:
        return [
            *(work("Task", self._tasks, self._reconcile_task) for _ in range(self._settings.workers)),
            *(work("TaskTemplate", self._templates, self._reconcile_template) for _ in range(TEMPLATE_WORKERS)),
        ]

    def _leaders_parts(self, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        """What the leader does besides working off its queues."""
        settings = self._settings
        collector = Collector(
            self._kube, self._cache, self._revisions, settings.revision_retention, settings.namespaces, self._clock
        )
        return [
            self._health.heartbeat(self._tasks, stop),
            Usage(self._kube, self._cache).run(stop),
            collector.run(stop),
            Orphans(self._kube, self._cache, self._release, settings.resync_interval, self._clock).run(stop),
        ]

    def _list_again(self, kind: Kind) -> None:
        self._resync.request(kind)

    async def _reconcile_task(self, key: Key) -> None:
        self._health.beat()  # by whatever key: behind a long queue the heartbeat waits for its turn
        if key != HEARTBEAT:
            await self._reconciler.reconcile(key)

    async def _reconcile_template(self, key: Key) -> None:
        await self._template_reconciler.reconcile(*key)


async def _until_one_ends(parts: list[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Run the parts side by side; when one ends, stop the others. Raises what the first one raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait(tasks, timeout=STOP_PATIENCE + 5.0)
        for task in done:
            task.result()
    finally:
        stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
