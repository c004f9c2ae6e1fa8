"""Deleting the revisions that nothing names any more.

A revision is named by the template whose status holds it and by every Task that runs or ran it. One that nothing names
is marked with the time, and deleted when it is still so after the retention: the mark survives a restart, at the price
of one write. The leader runs it.

Before a delete everything that could name the revision is listed live. What begins to name one again
(``Revisions.record``) takes the mark away, and a delete that stands on the marked version then fails.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kubesaga.kube.client import Kube, KubeError, tasks_path, templates_path
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.catalog import Identity, identity_of
from kubesaga.runtime.revisions import Head, Revisions

log = logging.getLogger(__name__)

Obj = dict[str, Any]


@dataclass
class References:
    """Which revisions are named."""

    _names: set[tuple[str, str]] = field(default_factory=set)
    _unaccepted: set[Identity] = field(default_factory=set)

    def add_templates(self, templates: Iterable[Obj]) -> None:
        """A template names its revision. One without holds all of its version: what it is measured against must not
        go away under it."""
        for template in templates:
            revision = (template.get("status") or {}).get("revision")
            if revision:
                self._names.add((template["metadata"]["namespace"], revision))
            else:
                self._unaccepted.add(identity_of(template))

    def add_tasks(self, tasks: Iterable[Obj]) -> None:
        """A Task names the revision that it pinned; one that has ended can be reopened."""
        for task in tasks:
            pinned = (task.get("status") or {}).get("template")
            if pinned:
                self._names.add((task["metadata"]["namespace"], pinned["revision"]))

    def __contains__(self, head: Head) -> bool:
        return (head.identity.namespace, head.name) in self._names or head.identity in self._unaccepted


class Collector:
    """Sweeps the revisions of ``namespaces`` (none given: of all); ``retention`` in seconds."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        revisions: Revisions,
        retention: float,
        namespaces: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._revisions = revisions
        self._retention = retention
        self._scopes: Sequence[str | None] = tuple(namespaces) or (None,)
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until ``stop``. What fails is logged and tried again at the next sweep."""
        period = min(900.0, max(5.0, self._retention / 4))
        while not stop.is_set():
            try:
                await self.sweep()
            except KubeError as error:
                log.warning("cannot look for unused revisions: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), period)

    async def sweep(self) -> None:
        """Mark what nothing names, and delete what has been marked for long enough. Raises KubeError."""
        heads = [head for scope in self._scopes for head in await self._revisions.heads(scope)]
        known = References()
        known.add_templates(self._cache.all(Kind.TEMPLATE))
        known.add_tasks(self._cache.all(Kind.TASK))
        due: dict[str, list[Head]] = {}
        now = self._clock()
        for head in heads:
            if head in known:
                if head.unreferenced_since is not None:
                    await self._try(self._revisions.mark, head, None)
            elif head.unreferenced_since is None:
                await self._try(self._revisions.mark, head, now)
            elif now - head.unreferenced_since >= self._retention:
                due.setdefault(head.identity.namespace, []).append(head)
        for namespace, unused in due.items():
            await self._delete(namespace, unused)

    async def _delete(self, namespace: str, unused: list[Head]) -> None:
        live = References()
        async for page, _ in self._kube.pages(templates_path(namespace)):
            live.add_templates(page)
        async for page, _ in self._kube.pages(tasks_path(namespace)):
            live.add_tasks(page)
        for head in unused:
            if head not in live and await self._try(self._revisions.delete, head):
                log.info("deleted ControllerRevision %s, which nothing names any more", head.name)

    async def _try(self, act: Callable[..., Any], head: Head, *arguments: Any) -> bool:
        """Write; False if that failed, so that the next sweep has to look again. One revision holds up no other."""
        try:
            await act(head, *arguments)
        except KubeError as error:
            if not (error.conflict or error.not_found):  # it changed or went meanwhile
                log.warning("cannot mark or delete ControllerRevision %s: %s", head.name, error)
            return False
        return True
