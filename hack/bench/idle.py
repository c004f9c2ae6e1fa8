"""The figure idle: what an operator costs that has nothing to do, with many finished Tasks in its cache.

The finished Tasks are made in two ways, and the document says how many in which: some are run to their end; the rest
get the status of a chain of ten steps that really ran, written by the benchmark through the status subresource, since
ten thousand pods would take an hour and leave the operator with the very same objects. These Tasks name a template
that does not exist, so that the operator leaves them alone until their status says that they have ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from hack.bench.audit import AuditLog, by_kind, of_users, without_leases
from hack.bench.cluster import HTTP_PORT, OPERATOR_NAMESPACE, OPERATOR_USERS, Cluster
from hack.bench.errors import BenchError
from hack.bench.race import time_limit
from hack.bench.report import Figure, Target
from hack.bench.subject import Subject
from hack.bench.watch import Watcher
from hack.bench.workloads import Size, chain, single, task
from hack.cluster.progress import say
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import pods_path, tasks_path

CPU_PERCENT, RSS_MIB = 1.0, 200.0
REAL_TASKS = 100
CREATED_AT_ONCE = 20
QUIET_SECONDS = 5.0
QUIET_LIMIT = 120.0
SETTLING_SECONDS = 15.0
READS = frozenset({"GET", "HEAD"})
MIB = 2**20


@dataclass(frozen=True)
class Reading:
    """The operator's metrics at one moment; `at` is time.perf_counter()."""

    at: float
    started: float
    cpu_seconds: float
    rss_bytes: float
    own_writes: float
    sweeps: frozenset[float]
    """When each kind was last listed completely."""

    @classmethod
    async def take(cls, cluster: Cluster) -> Reading:
        """Read them through the API server. Raises BenchError."""
        pod = (await cluster.operator_pod())["metadata"]["name"]
        page = await cluster.text(f"{pods_path(OPERATOR_NAMESPACE, pod)}:{HTTP_PORT}/proxy/metrics")
        return cls.parse(page, time.perf_counter())

    @classmethod
    def parse(cls, page: str, at: float) -> Reading:
        """From Prometheus' text format. Raises BenchError when a metric is missing."""
        samples = list(_samples(page))

        def one(name: str) -> float:
            found = [value for sample, _, value in samples if sample == name]
            if not found:
                raise BenchError(f"the operator's /metrics has no {name}")
            return found[0]

        return cls(
            at=at,
            started=one("process_start_time_seconds"),
            cpu_seconds=one("process_cpu_seconds_total"),
            rss_bytes=one("process_resident_memory_bytes"),
            own_writes=sum(
                value
                for name, labels, value in samples
                if name == "kubesaga_api_requests_total"
                and labels["verb"] not in READS
                and labels["resource"] != "leases"
            ),
            sweeps=frozenset(value for name, _, value in samples if name == "kubesaga_resync_last_timestamp_seconds"),
        )


def _samples(page: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


async def measure(cluster: Cluster, watcher: Watcher, size: Size) -> Figure:
    """Make the finished Tasks, let the operator come to rest, and watch it rest. Raises BenchError."""
    audit = AuditLog.open()
    try:
        before = await Reading.take(cluster)
        real, copied = await _finish_tasks(cluster, watcher, size.finished_tasks)
        say(f"idle: {real + copied} finished Tasks are there; waiting for the operator to come to rest")
        await _wait_for_rest(cluster)
        await _check_alone(cluster)
        audit.read()
        first = await Reading.take(cluster)
        await asyncio.sleep(size.idle_seconds)
        last = await Reading.take(cluster)
        writes = of_users(audit.read(), OPERATOR_USERS)
        await _check_alone(cluster)
    finally:
        audit.close()
        await cluster.clear()
    if last.started != first.started:
        raise BenchError("the operator was restarted while it was watched at rest")
    own = without_leases(writes)
    cpu = (last.cpu_seconds - first.cpu_seconds) / (last.at - first.at) * 100
    return Figure(
        "idle",
        "the operator at rest with finished Tasks in its cache",
        {
            "seconds": round(last.at - first.at, 1),
            "finishedTasks": {"run": real, "withStatusCopiedFromARealChainOf10": copied},
            "cpuPercentOfOneCore": round(cpu, 3),
            "rssMiB": round(last.rss_bytes / MIB, 1),
            "rssBeforeMiB": round(before.rss_bytes / MIB, 1),
            "sweepsInThatTime": len(last.sweeps - first.sweeps),
            "writesByKind": by_kind(own),
            "leaseWrites": len(writes) - len(own),
        },
        [
            Target("cpuPercentOfOneCore", cpu, CPU_PERCENT, below=True),
            Target("rssMiB", last.rss_bytes / MIB, RSS_MIB, below=True),
            Target("writes but the Lease's", len(own), 0),
        ],
    )


async def _finish_tasks(cluster: Cluster, watcher: Watcher, count: int) -> tuple[int, int]:
    """Have `count` finished Tasks; how many of them were run, and how many got a copied status."""
    long, short = chain(10), single(min(REAL_TASKS, count // 2))
    for workload in (long, short):
        subject = Subject(cluster, watcher, workload, "idle")
        await subject.prepare()
        await subject.run(time_limit(workload))
    finished = await cluster.kube.get(tasks_path(cluster.namespace, long.runs("idle")[0]))
    run = long.copies + short.copies
    slots = asyncio.Semaphore(CREATED_AT_ONCE)

    async def copy(number: int) -> None:
        name = f"copied-{number}"
        async with slots:
            body = task(name, cluster.namespace, "absent")
            await cluster.kube.create(tasks_path(cluster.namespace), body)
            status: dict[str, Any] = {"status": finished["status"]}
            await cluster.kube.merge_patch(tasks_path(cluster.namespace, name, "status"), status)

    await asyncio.gather(*(copy(number) for number in range(count - run)))
    return run, count - run


async def _check_alone(cluster: Cluster) -> None:
    """Raise BenchError if any Task of the cluster has not ended: an operator at work is not at rest."""
    tasks, _ = await cluster.kube.list(tasks_path(None))
    live = [one["metadata"] for one in tasks if (one.get("status") or {}).get("state") not in TERMINAL_TASK_STATES]
    if live:
        raise BenchError(
            f"{len(live)} Tasks of others are at work, such as {live[0]['namespace']}/{live[0]['name']}: the operator "
            "is not at rest; measure on a cluster that nobody else uses"
        )


async def _wait_for_rest(cluster: Cluster) -> None:
    """Wait until the operator has written nothing for a while, and the cluster has done its own tidying."""
    deadline = time.monotonic() + QUIET_LIMIT
    reading = await Reading.take(cluster)
    while True:
        await asyncio.sleep(QUIET_SECONDS)
        now = await Reading.take(cluster)
        if now.own_writes == reading.own_writes:
            break
        reading = now
        if time.monotonic() > deadline:
            raise BenchError(f"the operator still writes {QUIET_LIMIT:.0f} s after the last Task has ended")
    await asyncio.sleep(SETTLING_SECONDS)
