"""Operators that only listen, and a world that gives them something to hear: for the tests of the feeds."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from random import Random
from typing import Literal, TypeVar

from kubesaga.api.constants import API_VERSION, LABEL_TASK_UID, TASK_KIND
from kubesaga.kube.client import Kube
from kubesaga.runtime.cache import Kind
from tests.simulation import loop
from tests.simulation.feeds.feeds import make_feed
from tests.simulation.feeds.watching import Watching
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer
from tests.simulation.transport import Network, Transport
from tests.simulation.world import EPOCH, elapsed, later

T = TypeVar("T")
Which = Literal["direct", "kopf"]
QUIET = 20.0
"""Seconds after which all that was on its way has arrived."""

Told = tuple[str | None, str, str]


class Listener:
    """One process with a feed, and a sink that writes down what it is told.

    ``believed``: what it takes for the state of the cluster, versions by kind and UID.
    """

    def __init__(self, world: World, which: Which, name: str = "operator-0") -> None:
        self.process = loop.Process(name)
        self.transport = Transport(self.process, world.server, world.network, world.random, lambda _: None)
        self.watching = Watching(self.transport)
        self.told: list[Told] = []
        self.told_by_uid: defaultdict[str, list[Told]] = defaultdict(list)
        self.relists: list[Kind] = []
        self.believed: dict[tuple[Kind, str], str] = {}
        self.gone: set[str] = set()
        self.news = asyncio.Event()
        self.stop = asyncio.Event()
        self._server = world.server
        kube = Kube(self.transport, "")
        self.running = loop.spawn(self.process, make_feed(which, kube, self.watching).run(self, self.stop))

    def seen(self, kind: Kind, type_: str | None, obj: Obj) -> None:
        """See Sink."""
        uid, version = obj["metadata"]["uid"], obj["metadata"]["resourceVersion"]
        self.told.append((type_, obj["metadata"]["name"], version))
        self.told_by_uid[uid].append(self.told[-1])
        self.news.set()
        if type_ == "DELETED":
            self.gone.add(uid)
            self.believed.pop((kind, uid), None)
        elif uid not in self.gone and int(version) > int(self.believed.get((kind, uid), "0")):
            self.believed[kind, uid] = version

    def relisted(self, kind: Kind) -> None:
        """See Sink. What the operator's resync does then, without its delay."""
        self.relists.append(kind)
        there = {obj["metadata"]["uid"] for obj in self._server.all(kind)}
        for each, uid in list(self.believed):
            if each is kind and uid not in there:
                self.gone.add(uid)
                del self.believed[each, uid]

    def of(self, name: str) -> list[Told]:
        """What was told about the objects of this name."""
        return [told for told in self.told if told[1] == name]

    async def end(self) -> None:
        """As by SIGTERM."""
        self.stop.set()
        await asyncio.wait_for(self.running, 60)


class World:
    """An API server with Tasks and pods that somebody changes."""

    def __init__(self, which: Which, seed: int = 1) -> None:
        self.which = which
        self.random = Random(seed)
        self.server = ApiServer(lambda: EPOCH + elapsed(), later)
        self.network = Network([])

    async def listener(self, name: str = "operator-0") -> Listener:
        """One that has listed everything."""
        listener = Listener(self, self.which, name)
        await asyncio.sleep(QUIET)
        assert sorted(listener.relists) == sorted(Kind)
        return listener

    def create(self, kind: Kind, name: str) -> Told:
        """Somebody creates an object."""
        obj: Obj = {"kind": "Pod", "spec": {"containers": [{"name": "step", "image": "img"}]}}
        if kind is Kind.TASK:
            obj = {"apiVersion": API_VERSION, "kind": TASK_KIND, "spec": {"templateRef": {"name": "work"}}}
        obj["metadata"] = {"name": name, "labels": {LABEL_TASK_UID: "uid"}}
        return _told("ADDED", self.server.create(obj))

    def change(self, kind: Kind, name: str, number: int) -> Told:
        """Somebody changes it."""
        patch = {"metadata": {"annotations": {"number": str(number)}}}
        return _told("MODIFIED", self.server.merge(kind, "default", name, patch))

    def delete(self, kind: Kind, name: str) -> None:
        """Somebody deletes it."""
        self.server.delete(kind, "default", name, force=True)

    def truth(self) -> dict[tuple[Kind, str], str]:
        """What is there."""
        return {
            (kind, obj["metadata"]["uid"]): obj["metadata"]["resourceVersion"]
            for kind in (Kind.TASK, Kind.POD)
            for obj in self.server.all(kind)
        }

    async def live_on(self, dice: Random, changes: int) -> None:
        """So many random changes, some at once and some seconds apart."""
        for number in range(changes):
            await asyncio.sleep(dice.choice((0.0, 0.01, 0.3, 1.0, 3.0)))
            kind, name = dice.choice((Kind.TASK, Kind.POD)), f"o{dice.randrange(4)}"
            if self.server.peek(kind, "default", name) is None:
                self.create(kind, name)
            elif dice.random() < 0.3:
                self.delete(kind, name)
            else:
                self.change(kind, name, number)


def _told(type_: str, obj: Obj) -> Told:
    return type_, obj["metadata"]["name"], obj["metadata"]["resourceVersion"]


def play(
    which: Which,
    act: Callable[[World], Awaitable[T]],
    seed: int = 1,
    make_loop: Callable[[], loop.SimulatedLoop] = loop.SimulatedLoop,
) -> T:
    """Let something happen in a world whose operators have this feed."""

    async def main() -> T:
        return await act(World(which, seed))

    log = logging.getLogger("kopf")
    level = log.level
    log.setLevel(logging.CRITICAL)  # as in the operator
    try:
        return loop.run(main(), make_loop)
    finally:
        log.setLevel(level)
