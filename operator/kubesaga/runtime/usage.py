"""How many Tasks run each template: ``TaskTemplate.status.users``.

Counted from the cache at intervals, because a count that followed every Task would cost a write for each of them. The
leader runs it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import Kube, KubeError, templates_path
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.catalog import Identity, identity_of
from kubesaga.runtime.patches import status_patch

log = logging.getLogger(__name__)

INTERVAL = 15.0
"""Seconds between two counts."""

Obj = dict[str, Any]
_NOBODY = {"live": 0, "total": 0}


class Usage:
    """Counts the Tasks that have started, by the version that they run, and writes down what changed."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def run(self, stop: asyncio.Event) -> None:
        """Count until ``stop``. What cannot be written is written after the next count."""
        while not stop.is_set():
            await self.count()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), INTERVAL)

    async def count(self) -> None:
        """Bring every checked template's ``status.users`` up to date."""
        total: Counter[Identity] = Counter()
        live: Counter[Identity] = Counter()
        for task in self._cache.all(Kind.TASK):
            identity = _runs(task)
            if identity is not None:
                total[identity] += 1
                live[identity] += task["status"]["state"] not in TERMINAL_TASK_STATES
        for template in self._cache.all(Kind.TEMPLATE):
            identity = identity_of(template)
            await self._write(template, {"live": live[identity], "total": total[identity]})

    async def _write(self, template: Obj, users: Obj) -> None:
        status = template.get("status") or {}
        if not status or status.get("users", _NOBODY) == users:
            return
        meta = template["metadata"]
        ops = status_patch(status, {**status, "users": users}, meta["resourceVersion"])
        try:
            written = await self._kube.json_patch(templates_path(meta["namespace"], meta["name"], "status"), ops)
        except KubeError as error:
            if not (error.conflict or error.not_found):
                log.warning("cannot write the users of %s/%s: %s", meta["namespace"], meta["name"], error)
        else:
            self._cache.upsert(Kind.TEMPLATE, written)


def _runs(task: Mapping[str, Any]) -> Identity | None:
    """The version that a Task has pinned."""
    pinned = (task.get("status") or {}).get("template")
    if not pinned:
        return None
    domain = task["spec"]["templateRef"].get("domain", c.DEFAULT_DOMAIN)
    return Identity(task["metadata"]["namespace"], domain, pinned["name"], pinned["version"])
