"""The figures latency and writes, over the same chains: what lies between one step and the next.

latency: from the moment at which the benchmark's watch shows a step's container terminated to the moment at which it
shows the next step's pod created. writes: what the operator wrote meanwhile, by the API server's audit log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from hack.bench.audit import AuditLog, Write, by_kind, of_users, without_leases
from hack.bench.cluster import OPERATOR_USERS, Cluster
from hack.bench.errors import BenchError
from hack.bench.floor import Floor
from hack.bench.race import time_limit
from hack.bench.report import Figure, Target
from hack.bench.stats import spread
from hack.bench.subject import Subject
from hack.bench.watch import Place, Watcher
from hack.bench.workloads import Size, Workload, chain
from hack.cluster.progress import say

LENGTH = 10
P50_MS, P99_MS = 50.0, 150.0
WRITES_PER_STEP = 3.0
EVENTS_SECONDS = 3.0  # the operator's Kubernetes Events follow its other writes


@dataclass
class Handovers:
    """What was measured: seconds of each hand-over on both sides, and all of the operator's writes meanwhile.

    `steps` is how many Kubesaga ran. Without an audit log `writes` is None and `no_audit` says why.
    """

    subject: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    writes: list[Write] | None = None
    steps: int = 0
    no_audit: str = ""


async def run_chains(cluster: Cluster, watcher: Watcher, size: Size) -> Handovers:
    """Run the chains one after another, the floor's evenly between Kubesaga's."""
    found = Handovers()
    audit: AuditLog | None = None
    try:
        audit = AuditLog.open()
    except BenchError as error:
        found.no_audit = str(error)
    workload = chain(LENGTH)
    floor_after = size.chains // size.floor_chains
    try:
        for number in range(size.chains):
            if number % floor_after == 0:
                await _floor(cluster, watcher, workload, number, found)
            await _subject(cluster, watcher, workload, number, found)
        if audit:
            await asyncio.sleep(EVENTS_SECONDS)
            found.writes = of_users(audit.read(), OPERATOR_USERS)
    finally:
        if audit:
            audit.close()
    return found


async def _floor(cluster: Cluster, watcher: Watcher, workload: Workload, number: int, found: Handovers) -> None:
    floor = Floor(cluster, watcher, workload, f"handover-floor{number}")
    await floor.run(time_limit(workload))
    found.floor += handovers(watcher, workload, floor.places)
    await cluster.clear()


async def _subject(cluster: Cluster, watcher: Watcher, workload: Workload, number: int, found: Handovers) -> None:
    subject = Subject(cluster, watcher, workload, f"handover-saga{number}")
    await subject.prepare()
    await subject.run(time_limit(workload))
    found.subject += handovers(watcher, workload, subject.places)
    found.steps += workload.steps
    await cluster.clear()
    say(f"latency: {len(found.subject)} hand-overs, the last {found.subject[-1] * 1000:.0f} ms")


def handovers(watcher: Watcher, workload: Workload, places: Iterable[Place]) -> list[float]:
    """Seconds from the end of each step's predecessor to its pod's creation, as the watch saw them."""
    return [
        watcher.created.at[place] - max(watcher.ended.at[Place(place.run, parent)] for parent in parents)
        for place in places
        if (parents := workload.graph[place.step])
    ]


def latency_figure(found: Handovers) -> Figure:
    """The figure `latency`."""
    subject, floor = spread(found.subject, 1000), spread(found.floor, 1000)
    return Figure(
        "latency",
        "from a step's container seen terminated to the next step's pod seen created, milliseconds",
        {
            "kubesagaMilliseconds": subject,
            "floorMilliseconds": floor,
            "ratioOfP50": round(subject["p50"] / max(floor["p50"], 0.1), 2),
        },
        [Target("p50 ms", subject["p50"], P50_MS), Target("p99 ms", subject["p99"], P99_MS)],
    )


def writes_figure(found: Handovers, namespace: str) -> Figure:
    """The figure `writes`, of the benchmark's `namespace`. Raises BenchError without an audit log."""
    if found.writes is None:
        raise BenchError(found.no_audit)
    no_leases = without_leases(found.writes)
    own = [write for write in no_leases if write.namespace == namespace]
    per_step = len(own) / found.steps
    return Figure(
        "writes",
        "the operator's own API writes per sequential step, by the API server's audit log, the Lease's left out",
        {
            "writesPerStep": round(per_step, 3),
            "writes": len(own),
            "steps": found.steps,
            "tasks": found.steps // LENGTH,
            "byKind": by_kind(own),
            "leaseWrites": len(found.writes) - len(no_leases),
        },
        [Target("writesPerStep", per_step, WRITES_PER_STEP)],
    )
