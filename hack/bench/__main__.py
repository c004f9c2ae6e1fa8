"""`python -m hack.bench`: measure, print one JSON document, leave nothing behind.

Progress goes to standard error. A figure that cannot be measured is named with the reason, and the others are
measured all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from hack.bench import engine, handover, idle, report
from hack.bench.cluster import Cluster, connected
from hack.bench.errors import BenchError
from hack.bench.floor import Floor
from hack.bench.race import race, time_limit
from hack.bench.report import Figure
from hack.bench.subject import Subject
from hack.bench.watch import Watcher
from hack.bench.workloads import FULL, QUICK, Size, chain, fan, single
from hack.cluster.progress import say
from kubesaga.kube.client import KubeError

NAMES = ("engine", "chain10", "fan20", "tasks100", "latency", "writes", "idle")
Document = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when every figure was measured, whether or not it meets its target."""
    parser = argparse.ArgumentParser(
        prog="python -m hack.bench",
        description="Measures Kubesaga on the current cluster, side by side with a floor; prints JSON.",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--runs", type=_runs, metavar="N", help="how often each race is run on both sides (now: 3)")
    parser.add_argument("--quick", action="store_true", help="few of everything: to see that it works")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else FULL
    document: Document = {
        "startedAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": report.machine(),
        "versions": report.versions(),
        "cluster": None,
        "figures": [],
    }
    try:
        asyncio.run(_measure(document, options.only, size, options.runs or size.runs))
    except BenchError as error:
        return report.fail(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return report.fail("interrupted; the benchmark's namespace is being deleted")
    say(report.summary(document))
    print(json.dumps(document, indent=2))
    return int(any("error" in figure for figure in document["figures"]))


def _runs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


async def _measure(document: Document, names: Sequence[str], size: Size, runs: int) -> None:
    """Add all figures to the document. Raises BenchError when there is no cluster to measure on."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    figures: list[Document] = document["figures"]
    if "engine" in names:
        figures.append(engine.measure().write())
    if set(names) == {"engine"}:
        return
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(connected())
        watcher = await stack.enter_async_context(Watcher.started(cluster))
        document["cluster"] = await cluster.facts()
        await _warm_up(cluster, watcher)
        for name, measure in _races(cluster, watcher, size, runs).items():
            if name in names:
                figures.append(await _try(name, measure))
        figures.extend(await _chains(cluster, watcher, size, names))
        if "idle" in names:
            figures.append(await _try("idle", lambda: idle.measure(cluster, watcher, size)))


async def _try(name: str, measure: Callable[[], Awaitable[Figure]]) -> Document:
    say(f"measuring {name}")
    try:
        return (await measure()).write()
    except (BenchError, KubeError) as error:
        say(f"{name}: {error}")
        return report.unmeasured(name, str(error))


async def _warm_up(cluster: Cluster, watcher: Watcher) -> None:
    """One step on both sides: what is wrong with the cluster shows here, and the image is on the node after it."""
    say(f"warming up in namespace {cluster.namespace}")
    workload = single()
    await Floor(cluster, watcher, workload, "warm-floor").run(time_limit(workload))
    subject = Subject(cluster, watcher, workload, "warm")
    await subject.prepare()
    await subject.run(time_limit(workload))
    await cluster.clear()


def _races(cluster: Cluster, watcher: Watcher, size: Size, runs: int) -> dict[str, Callable[[], Awaitable[Figure]]]:
    count = size.tasks_at_once
    return {
        "chain10": lambda: race(
            cluster, watcher, "chain10", "ten one-container steps one after another", chain(10), runs, 1.10
        ),
        "fan20": lambda: race(
            cluster, watcher, "fan20", "one root, 20 steps side by side, a join", fan(20), runs, 1.25
        ),
        "tasks100": lambda: race(
            cluster, watcher, "tasks100", f"{count} one-step Tasks created at once", single(count), runs, 1.25
        ),
    }


async def _chains(cluster: Cluster, watcher: Watcher, size: Size, names: Sequence[str]) -> list[Document]:
    """The figures latency and writes, from one and the same run."""
    wanted = [name for name in ("latency", "writes") if name in names]
    if not wanted:
        return []
    say("measuring " + " and ".join(wanted))
    try:
        found = await handover.run_chains(cluster, watcher, size)
    except (BenchError, KubeError) as error:
        return [report.unmeasured(name, str(error)) for name in wanted]
    makers = {
        "latency": lambda: handover.latency_figure(found),
        "writes": lambda: handover.writes_figure(found, cluster.namespace),
    }
    figures = []
    for name in wanted:
        try:
            figures.append(makers[name]().write())
        except BenchError as error:
            figures.append(report.unmeasured(name, str(error)))
    return figures


if __name__ == "__main__":
    sys.exit(main())
