"""The safety net under the watches: full lists, compared with the cache.

A watch can miss things: what was deleted while it was broken is never told afterwards. So each kind is
listed anew whenever the feed starts from a new list (``request``, which also fills the cache after the
start), and every ``interval`` besides. Whatever changed is reported, and besides every Task that has not ended and
every TaskAction that has no answer, so that none depends on an event having arrived.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import Kube, KubeError
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache, Kind, Obj, project
from kubesaga.runtime.feed import COLLECTIONS, LABEL_SELECTORS

log = logging.getLogger(__name__)

RETRY_AFTER = 2.0


class Resync:
    """Lists the kinds in turn, spread over ``interval`` seconds; ``changed`` is told what a list brought."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        changed: Callable[[Kind, Obj], None],
        namespaces: Sequence[str] = (),
        interval: float = 300.0,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._changed = changed
        self._scopes: Sequence[str | None] = tuple(namespaces) or (None,)
        self._interval = interval
        self._due: dict[Kind, float] = {}
        self._requested = asyncio.Event()

    def request(self, kind: Kind) -> None:
        """List ``kind`` as soon as possible; a kind is synced only once it has been listed."""
        self._due[kind] = 0.0
        self._requested.set()

    async def run(self, stop: asyncio.Event) -> None:
        """List until ``stop``. What fails is logged and tried again."""
        loop = asyncio.get_running_loop()
        for turn, kind in enumerate(Kind, start=1):
            self._due.setdefault(kind, loop.time() + self._interval * turn / len(Kind))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._requested.clear()
                kind = min(self._due, key=self._due.__getitem__)
                if self._due[kind] <= loop.time():
                    await self._list(kind)
                else:
                    await self._wait_until(self._due[kind], stopping)
        finally:
            stopping.cancel()

    async def _wait_until(self, when: float, stopping: asyncio.Task[bool]) -> None:
        requested = asyncio.create_task(self._requested.wait())
        seconds = when - asyncio.get_running_loop().time()
        await asyncio.wait({requested, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        requested.cancel()

    async def _list(self, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
        self._due[kind] = loop.time() + self._interval  # before listing: a request meanwhile counts
        try:
            for scope in self._scopes:
                for obj in await self._list_scope(kind, scope):
                    self._changed(kind, obj)  # before the next scope, which may fail: the watch will not tell it again
        except KubeError as error:
            if not error.gone:
                log.warning("cannot list %s: %s", kind, error)
            self._due[kind] = loop.time() + (0.0 if error.gone else RETRY_AFTER)
            return
        self._cache.mark_synced(kind)
        metrics.resynced(kind)
        for obj in self._cache.all(kind):
            if _is_open(kind, obj):
                self._changed(kind, obj)

    async def _list_scope(self, kind: Kind, namespace: str | None) -> list[Obj]:
        objs: list[Obj] = []
        version = "0"
        async for page, version in self._kube.pages(COLLECTIONS[kind](namespace), LABEL_SELECTORS.get(kind)):  # noqa: B007
            objs.extend(project(kind, item) for item in page)
        return self._cache.replace(kind, objs, version, namespace)


def _is_open(kind: Kind, obj: Obj) -> bool:
    """Whether the operator still has something to do about the object."""
    status = obj.get("status") or {}
    if kind is Kind.TASK:
        return status.get("state") not in TERMINAL_TASK_STATES
    return kind is Kind.ACTION and not status.get("phase")
