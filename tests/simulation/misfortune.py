"""Plays the mishaps of a plan that befall watches, processes and machines; those of calls are the transport's, those
that people do are theirs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.simulation.feeds.watching import Watching
from tests.simulation.plan import (
    ClockStep,
    Cut,
    DelayWatch,
    DrainNode,
    DropWatch,
    Freeze,
    Kill,
    LoseNode,
    MachineFault,
    Mishap,
    NoAnswer,
    Outage,
    RepeatWatch,
    StaleList,
    Upgrade,
    Usurp,
    WatchFault,
)
from tests.simulation.processes import LEASE_NAME, LEASE_NAMESPACE, OperatorPod
from tests.simulation.server.api_server import Refusal
from tests.simulation.world import later

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


class Misfortune:
    """``over_at``: when the last mishap of a known time is over, in virtual seconds."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._mishaps = [each for each in simulation.plan.mishaps if isinstance(each, MachineFault | WatchFault)]
        self._replacing: set[asyncio.Task[None]] = set()
        self.over_at = max((_over(each) for each in simulation.plan.mishaps), default=0.0)

    def schedule(self) -> None:
        """Have everything happen at its time."""
        for mishap in self._mishaps:
            later(mishap.at, self._happen, mishap)

    def _happen(self, mishap: Mishap) -> None:
        self._simulation.network.happened[type(mishap).__name__] += 1
        if isinstance(mishap, WatchFault):
            for operator in self._simulation.operators:
                if operator.watching is not None:
                    _disturb(operator.watching, mishap, self._simulation)
        elif isinstance(mishap, Kill | Freeze | Cut):
            self._strike(mishap, self._simulation.operators[mishap.operator % len(self._simulation.operators)])
        else:
            self._befall(mishap)

    def _strike(self, mishap: Mishap, operator: OperatorPod) -> None:
        match mishap:
            case Kill():
                operator.kill(mishap.down)
            case Freeze():
                operator.freeze(mishap.seconds)
            case Cut():
                operator.cut(mishap.seconds)

    def _befall(self, mishap: Mishap) -> None:
        simulation = self._simulation
        match mishap:
            case Usurp():
                self._usurp()
            case Outage():
                self._outage(away=True)
                later(mishap.seconds, lambda: self._outage(away=False))
            case Upgrade():
                replacing = asyncio.get_running_loop().create_task(self._upgrade(mishap.flags))
                self._replacing.add(replacing)
                replacing.add_done_callback(self._replacing.discard)
            case ClockStep(operator=None):
                simulation.guards.clock_error += abs(mishap.seconds)
                simulation.server_offset += mishap.seconds
            case ClockStep():
                simulation.guards.clock_error += abs(mishap.seconds)
                operator = simulation.operators[(mishap.operator or 0) % len(simulation.operators)]
                operator.clock_offset += mishap.seconds
            case LoseNode():
                simulation.workloads.lose(mishap.node)
                if mishap.seconds is not None:
                    later(mishap.seconds, simulation.workloads.find, mishap.node)
            case DrainNode():
                simulation.workloads.drain(mishap.node)

    def _usurp(self) -> None:
        try:
            self._simulation.server.merge(
                "leases", LEASE_NAMESPACE, LEASE_NAME, {"spec": {"holderIdentity": ""}}, user="human"
            )
        except Refusal:
            return  # nobody leads yet

    def _outage(self, *, away: bool) -> None:
        simulation = self._simulation
        simulation.network.away = simulation.workloads.away = away
        if away:
            for operator in simulation.operators:
                operator.disconnect()

    async def _upgrade(self, flags: tuple[str, ...]) -> None:
        for operator in self._simulation.operators:
            await operator.replace(flags)


def _disturb(watching: Watching, mishap: WatchFault, simulation: Simulation) -> None:
    match mishap:
        case DropWatch():
            if mishap.compacted:
                simulation.server.compact()
            watching.drop(mishap.kind, compacted=mishap.compacted)
        case DelayWatch():
            watching.delay(mishap.kind, mishap.seconds, mishap.late)
        case RepeatWatch():
            watching.repeat(mishap.kind, mishap.events)
        case StaleList():
            watching.stale(mishap.kind, mishap.events)


def _over(mishap: Mishap) -> float:
    """When it is over, as far as that is known."""
    begins: float = getattr(mishap, "at", 0.0)
    if isinstance(mishap, NoAnswer):
        return mishap.seconds
    lasts = getattr(mishap, "seconds", 0.0)
    return begins + (0.0 if isinstance(mishap, ClockStep) else lasts or 0.0)
