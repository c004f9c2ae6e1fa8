"""The operator's HTTP side: /healthz, /readyz and /metrics.

/healthz fails, and the kubelet restarts the process, when the reconcile loop makes no progress: a heartbeat
key goes through the very work queue that the Tasks go through, so that a worker takes a key now and then even
where no Task moves. /readyz tells whether this process could work: on standbys too, so that a rollout waits
until the next leader is warm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from kubesaga.kube.client import Kube
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.clocks import monotonic
from kubesaga.runtime.queue import Key, WorkQueue

HEARTBEAT: Key = ("", "heartbeat")
"""What a worker gets from the queue instead of a Task's key; with every key it must call ``Health.beat``."""

BEAT_EVERY = 5.0
STALE_AFTER = 30.0


class Health:
    """Judges this process; ``clock`` in seconds, monotonic."""

    def __init__(self, kube: Kube, cache: Cache, clock: Callable[[], float] = monotonic) -> None:
        self._kube = kube
        self._cache = cache
        self._clock = clock
        self._beat_at: float | None = None

    def beat(self) -> None:
        """A worker has taken a key from the queue, the heartbeat's or another."""
        self._beat_at = self._clock()

    async def heartbeat(self, queue: WorkQueue, stop: asyncio.Event) -> None:
        """Send heartbeats through ``queue`` until ``stop``; from now on /healthz expects their answers."""
        self.beat()
        while not stop.is_set():
            queue.add(HEARTBEAT)
            try:
                async with asyncio.timeout(BEAT_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    def sick(self) -> str | None:
        """Why this process should be restarted; None when it is well."""
        if self._beat_at is None:
            return None
        silent = self._clock() - self._beat_at
        if silent <= STALE_AFTER:
            return None
        return f"the reconcile loop has made no progress for {silent:.0f} s"

    def unready(self) -> str | None:
        """Why this process could not work now; None when it could."""
        missing = [kind for kind in Kind if not self._cache.synced(kind)]
        if missing:
            return f"not yet listed: {', '.join(missing)}"
        contact = self._kube.last_contact
        if contact is None or self._clock() - contact > STALE_AFTER:
            return "the API server has not answered lately"
        return None

    async def serve(self, port: int) -> HealthServer:
        """Start answering on ``port`` of all interfaces (0: any free one)."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", _metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, port=port)
        await site.start()
        return HealthServer(runner)

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self.sick())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self.unready())


class HealthServer:
    """The running server."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    @property
    def port(self) -> int:
        """Where it listens (on IPv4, where there is that: a free port is picked for each family)."""
        addresses = sorted(self._runner.addresses, key=len)
        port: int = addresses[0][1]
        return port

    async def close(self) -> None:
        """Stop answering."""
        await self._runner.cleanup()


def _answer(problem: str | None) -> web.Response:
    return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
