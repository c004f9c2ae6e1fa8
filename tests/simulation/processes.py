"""The operators of a simulation: the real ``Operator``, started, killed, frozen, cut off and replaced.

A process that ends, however it ends, is started again, as a kubelet does it, under the same identity: that of its pod.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from kubesaga.kube.client import Kube
from kubesaga.runtime.feed import Feed, FeedError
from kubesaga.runtime.leader import LostLeadership
from kubesaga.runtime.operator import Operator
from kubesaga.runtime.settings import OperatorSettings
from tests.simulation.feeds.feeds import make_feed
from tests.simulation.feeds.watching import Watching
from tests.simulation.loop import Process, current, spawn
from tests.simulation.plan import Crash, Plan
from tests.simulation.server.api_server import ApiServer
from tests.simulation.transport import Network, Transport
from tests.simulation.world import EPOCH, elapsed, later

LEASE_NAMESPACE = "kubesaga-system"
LEASE_NAME = "kubesaga-operator"
RESTART_AFTER = 1.0
GRACE = 30.0

Accuse = Callable[[str], None]
"""Says that an operator did what it must not do, whatever befalls it."""


class OperatorPod:
    """One replica: a sequence of processes under one identity."""

    def __init__(
        self, plan: Plan, number: int, server: ApiServer, network: Network, random: Random, accuse: Accuse
    ) -> None:
        self.number = number
        self.clock_offset = 0.0
        self._plan = plan
        self._server = server
        self._network = network
        self._random = random
        self._accuse = accuse
        self._flags: tuple[str, ...] = ()
        self._generation = 0
        self._is_cut = False
        self._is_over = False
        self._process: Process | None = None
        self._transport: Transport | None = None
        self._stop: asyncio.Event | None = None
        self._ended: asyncio.Task[None] | None = None
        self.watching: Watching | None = None

    def start(self) -> None:
        """A new process, unless one lives."""
        if self._process is not None or self._is_over:
            return
        self._process = process = Process(f"operator-{self.number}")
        transport = Transport(process, self._server, self._network, self._random, self._crashed)
        transport.is_cut = self._is_cut
        self._transport, self._stop = transport, asyncio.Event()
        self.watching = Watching(transport)
        kube = Kube(transport, "")
        self._ended = spawn(process, self._live(process, kube, make_feed(self._plan.feed, kube, self.watching)))

    def kill(self, down: float = RESTART_AFTER) -> None:
        """SIGKILL; it is started again after ``down`` seconds."""
        if self._process is None:
            return
        self._process.kill()
        self._bury(down)

    def bury_for_good(self) -> None:
        """The run is over."""
        self._is_over = True
        self.kill()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after that time if it still lives."""
        if self._process is None or self._process.is_frozen:
            return
        process = self._process
        process.freeze()
        later(seconds, process.thaw)

    def cut(self, seconds: float) -> None:
        """It reaches nobody for that time."""
        self._set_cut(True)
        later(seconds, self._set_cut, False)

    def disconnect(self) -> None:
        """The API server has gone away: every connection ends."""
        if self._transport is not None and self.watching is not None:
            self._transport.break_all()
            self.watching.break_all()

    async def replace(self, flags: tuple[str, ...]) -> None:
        """SIGTERM, patience as a kubelet has it, and another pod in its place, with more flags."""
        self._generation += 1
        self._flags += flags
        if self._stop is None or self._ended is None:
            return
        self._stop.set()
        await asyncio.wait({self._ended}, timeout=GRACE)
        self.kill()

    @property
    def identity(self) -> str:
        """The name of its pod."""
        return f"operator-{self.number}-{self._generation}"

    def now(self) -> float:
        """Its machine's wall clock."""
        return EPOCH + self.clock_offset + elapsed()

    def _settings(self) -> OperatorSettings:
        arguments = ["--health-port", "0", "--lease-namespace", LEASE_NAMESPACE, "--lease-name", LEASE_NAME]
        return _parsed((*arguments, "--identity", self.identity, *self._plan.flags, *self._flags))

    async def _live(self, process: Process, kube: Kube, feed: Feed) -> None:
        assert self._stop is not None
        try:
            await Operator(self._settings(), kube, feed, self.now).run(self._stop)
        except (LostLeadership, FeedError):
            pass
        except Exception as error:
            self._accuse(f"the operator died of {type(error).__name__}: {error}")
        if not process.is_dead:
            process.kill()
            later(0.0, self._bury, RESTART_AFTER)

    def _crashed(self, crash: Crash) -> None:
        self._bury(crash.down)

    def _bury(self, down: float) -> None:
        if self.watching is not None:
            self.watching.break_all()
        self._process = self._transport = self.watching = None
        later(down, self.start)

    def _set_cut(self, is_cut: bool) -> None:
        self._is_cut = is_cut
        if self._transport is not None:
            self._transport.is_cut = is_cut


@cache
def _parsed(arguments: tuple[str, ...]) -> OperatorSettings:
    return OperatorSettings.parse(arguments, {})


class Listener(logging.Handler):
    """Hears what an operator logs as an error of its own: a pass that failed for no reason that a cluster can have."""

    def __init__(self, accuse: Accuse) -> None:
        super().__init__(logging.ERROR)
        self._accuse = accuse

    def emit(self, record: logging.LogRecord) -> None:
        """Accuse whoever logs an exception."""
        if record.exc_info and record.exc_info[1] is not None and current() is not None:
            error: Any = record.exc_info[1]
            self._accuse(f"{record.getMessage()}: {type(error).__name__}: {error}")
