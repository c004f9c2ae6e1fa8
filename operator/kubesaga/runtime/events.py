"""Kubernetes Events: what a human who runs ``kubectl describe`` should notice about a Task or a template.

``apply`` emits them after its writes and goes on; a background task writes them to the API server. They are
news, not records: the status holds the truth, and an Event that cannot be written is counted and dropped.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from kubesaga.api.times import rfc3339
from kubesaga.kube.client import Kube, KubeError, events_path
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Obj
from kubesaga.runtime.clocks import Clock, monotonic, wall

log = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]

CAPACITY = 1000
NOTE_LIMIT = 1024
SAME_EVENT_SECONDS = 600.0
ATTEMPTS = 3
FLUSH_SECONDS = 2.0

_Key = tuple[str, str, str]  # UID, reason, note


@dataclass(slots=True)
class _Pending:
    """An Event to be written, and how often it was emitted since it was written last."""

    reference: Obj
    type: EventType
    count: int = 1


@dataclass(slots=True)
class _Written:
    """An Event on the API server."""

    namespace: str
    name: str
    count: int
    at: float


class EventRecorder:
    """Writes Events as ``component``; ``instance`` is this process (the pod's name)."""

    def __init__(self, kube: Kube, component: str = "kubesaga", *, instance: str, clock: Clock = wall) -> None:
        self._kube = kube
        self._component = component
        self._instance = instance
        self._clock = clock
        self._pending: OrderedDict[_Key, _Pending] = OrderedDict()
        self._written: OrderedDict[_Key, _Written] = OrderedDict()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def emit(self, obj: Obj, type_: EventType, reason: str, note: str) -> None:
        """Have the Event written soon; never waits or fails. ``note`` is cut at 1024 characters.

        The same reason and note for the same object within ten minutes raise the first Event's count.
        """
        if len(note) > NOTE_LIMIT:
            note = note[: NOTE_LIMIT - 1] + "…"
        metadata = obj["metadata"]
        key = (metadata["uid"], reason, note)
        if key in self._pending:
            self._pending[key].count += 1
            return
        if len(self._pending) >= CAPACITY:
            metrics.event_dropped("Full")
            return
        reference = {field: metadata[field] for field in ("namespace", "name", "uid", "resourceVersion")}
        reference |= {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        self._pending[key] = _Pending(reference, type_)
        self._idle.clear()
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, then what is left, for two seconds at most."""
        writing = asyncio.create_task(self._write_forever())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d events were not written before the end", len(self._pending) + 1)
        finally:
            writing.cancel()
            stopping.cancel()

    async def _write_forever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._pending:
                key, pending = self._pending.popitem(last=False)
                await self._write(key, pending)
            self._idle.set()

    async def _write(self, key: _Key, pending: _Pending) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._write_once(key, pending)
                return
            except KubeError as error:
                if error.transient and attempt < ATTEMPTS:
                    await asyncio.sleep(error.retry_after or 0.5 * attempt)
                    continue
                # Refused is what a terminating namespace does to every create.
                metrics.event_dropped("Failed" if error.transient else "Refused")
                log.debug("an event was dropped: %s", error)
                return

    async def _write_once(self, key: _Key, pending: _Pending) -> None:
        self._forget_old()
        written = self._written.get(key)
        if written is None:
            await self._create(key, pending)
            return
        count = written.count + pending.count
        path = events_path(written.namespace, written.name)
        try:
            await self._kube.merge_patch(path, {"count": count, "lastTimestamp": self._now()})
            written.count = count
        except KubeError as error:
            if not error.not_found:
                raise
            del self._written[key]  # the API server keeps events for an hour only, or less
            await self._create(key, pending)

    async def _create(self, key: _Key, pending: _Pending) -> None:
        _, reason, note = key
        namespace = pending.reference["namespace"]
        now = self._now()
        name = f"{pending.reference['name'][:236]}.{secrets.token_hex(8)}"
        await self._kube.create(
            events_path(namespace),
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": pending.reference,
                "type": pending.type,
                "reason": reason,
                "message": note,
                "count": pending.count,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "source": {"component": self._component},
                "reportingComponent": self._component,
                "reportingInstance": self._instance,
            },
        )
        self._written[key] = _Written(namespace, name, pending.count, monotonic())

    def _forget_old(self) -> None:
        oldest = monotonic() - SAME_EVENT_SECONDS
        while self._written:
            key = next(iter(self._written))
            if self._written[key].at >= oldest and len(self._written) <= CAPACITY:
                return
            del self._written[key]

    def _now(self) -> str:
        return rfc3339(int(self._clock()))
