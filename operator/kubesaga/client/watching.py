"""Watches that go on: dropped connections, servers that restart, and histories that are too short (410).

Used by everything that waits for a change. The first round tells what is there, as ADDED. After a history was lost all
is listed again, and what changed or vanished meanwhile is told as if it had been seen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from kubesaga.kube.client import Kube, Obj
from kubesaga.kube.errors import KubeError

# The server ends a watch after this many seconds, and a connection that says nothing for longer is taken for lost.
ROUND_SECONDS = 50
SILENCE_SECONDS = 60.0
# How long the server may be away before whoever watches is told.
PATIENCE_SECONDS = 300.0
FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0

T = TypeVar("T")

Change = tuple[str, Obj]
"""ADDED, MODIFIED or DELETED, and the object."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of the collection ``path`` are meant."""

    path: str
    labels: str | None = None
    fields: str | None = None

    def query(self) -> dict[str, str]:
        """As parameters of a call."""
        given = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in given.items() if value is not None}


async def changes(kube: Kube, selection: Selection, known: Iterable[Obj] = ()) -> AsyncGenerator[Change, None]:
    """Every change since ``known``, for ever.

    Raises KubeError for what no waiting mends, and when the server was away for too long.
    """
    watch = _Watch(kube, selection, known)
    while True:
        for change in await watch.listed():
            yield change
        while watch.version:
            async with aclosing(watch.round()) as told:
                async for change in told:
                    yield change


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What is read, as soon as the server is there to answer. Raises KubeError as ``changes`` does."""
    patience = _Patience()
    while True:
        try:
            return await read()
        except KubeError as error:
            await patience.bear(error)


class _Patience:
    """How long the server has failed, and how long that is borne."""

    def __init__(self) -> None:
        self._failures = 0
        self._failing_since: float | None = None

    def renew(self) -> None:
        """It has answered."""
        self._failures, self._failing_since = 0, None

    async def bear(self, error: KubeError) -> None:
        """Wait before the next try. Raises the error if that does not help."""
        now = asyncio.get_running_loop().time()
        if self._failing_since is None:
            self._failing_since = now
        if not (error.transient or error.gone) or now - self._failing_since > PATIENCE_SECONDS:
            raise error
        pause = min(FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
        self._failures += 1
        await asyncio.sleep(error.retry_after or pause)


class _Watch:
    """What is known of the objects, and up to which ``version``; an empty one asks for a new list."""

    def __init__(self, kube: Kube, selection: Selection, known: Iterable[Obj]) -> None:
        self.version = ""
        self._kube = kube
        self._selection = selection
        self._known = {obj["metadata"]["uid"]: obj for obj in known}
        self._begun = bool(self._known)  # the server was there to tell of these
        self._patience = _Patience()

    async def listed(self) -> list[Change]:
        """What a list tells beyond what is known."""
        selection = self._selection
        while True:
            try:
                items, version = await self._kube.list(selection.path, selection.labels, None, selection.fields)
                break
            except KubeError as error:
                if not (self._begun or error.gone):
                    raise  # nobody waits yet: who asks shall know at once
                await self._patience.bear(error)
        self._begun = True
        there = {obj["metadata"]["uid"]: obj for obj in items}
        gone = [("DELETED", obj) for uid, obj in self._known.items() if uid not in there]
        news = [
            ("MODIFIED" if uid in self._known else "ADDED", obj)
            for uid, obj in there.items()
            if uid not in self._known or _version(obj) != _version(self._known[uid])
        ]
        self._known, self.version = there, version
        return gone + news

    async def round(self) -> AsyncGenerator[Change, None]:
        """What one connection tells."""
        query = {
            **self._selection.query(),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self.version,
            "timeoutSeconds": str(ROUND_SECONDS),
        }
        try:
            async with aclosing(self._kube.lines(self._selection.path, query, SILENCE_SECONDS)) as lines:
                async for line in lines:
                    change = self._read(json.loads(line))
                    if change is not None:
                        yield change
            self._patience.renew()
        except ValueError as error:  # a line that broke off
            await self._patience.bear(
                KubeError(0, "NoAnswer", f"the watch of {self._selection.path} broke off: {error}")
            )
        except KubeError as error:
            if error.gone:
                self.version = ""
            else:
                await self._patience.bear(error)

    def _read(self, event: Mapping[str, Any]) -> Change | None:
        type_, obj = event["type"], event["object"]
        if type_ == "ERROR":
            raise KubeError(obj.get("code", 500), obj.get("reason", "Unknown"), obj.get("message", ""))
        self._patience.renew()
        self.version = _version(obj)
        if type_ == "BOOKMARK":
            return None
        uid = obj["metadata"]["uid"]
        if type_ == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = obj
        return type_, obj


def _version(obj: Mapping[str, Any]) -> str:
    return str(obj["metadata"]["resourceVersion"])
