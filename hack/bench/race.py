"""The figures chain10, fan20 and tasks100: the wall time of a workload by Kubesaga beside that of the floor.

The two take turns in the same run on the same cluster, with the same pods, and the same watch ends the time of both:
from the first request to the moment at which the last container is seen terminated.
"""

from __future__ import annotations

from hack.bench.cluster import Cluster
from hack.bench.floor import Floor
from hack.bench.report import Figure, Target
from hack.bench.stats import median
from hack.bench.subject import Subject
from hack.bench.watch import Place, Watcher
from hack.bench.workloads import Workload
from hack.cluster.progress import say

FIXED_LIMIT = 60.0
STEP_LIMIT = 6.0


def time_limit(workload: Workload) -> float:
    """Seconds after which a run is given up: many times what it should take."""
    return FIXED_LIMIT + STEP_LIMIT * workload.steps


async def race(
    cluster: Cluster, watcher: Watcher, name: str, what: str, workload: Workload, runs: int, limit: float
) -> Figure:
    """Run the workload `runs` times on both sides; `limit` is the target of the ratio of the medians."""
    floor: list[float] = []
    subject: list[float] = []
    finished: list[float] = []
    for number in range(runs):
        floor.append(await _floor(cluster, watcher, workload, f"floor{number}"))
        wall, until_finished = await _subject(cluster, watcher, workload, f"saga{number}")
        subject.append(wall)
        finished.append(until_finished)
        say(f"{name} run {number + 1} of {runs}: floor {floor[-1]:.2f} s, kubesaga {subject[-1]:.2f} s")
    bare = await _floor(cluster, watcher, workload, "bare", bare=True)
    ratio = median(subject) / median(floor)
    return Figure(
        name,
        what,
        {
            "kubesagaSeconds": round(median(subject), 3),
            "floorSeconds": round(median(floor), 3),
            "ratio": round(ratio, 3),
            "kubesagaUntilFinishedSeconds": round(median(finished), 3),
            "barePodFloorSeconds": round(bare, 3),
            "runs": {"kubesaga": _rounded(subject), "floor": _rounded(floor)},
        },
        [Target("ratio", ratio, limit)],
    )


async def _floor(cluster: Cluster, watcher: Watcher, workload: Workload, prefix: str, *, bare: bool = False) -> float:
    jobs = Workload.bare_jobs if bare else Workload.step_jobs
    floor = Floor(cluster, watcher, workload, prefix, jobs)
    began = await floor.run(time_limit(workload))
    wall = _last_end(watcher, floor.places) - began
    await cluster.clear()
    return wall


async def _subject(cluster: Cluster, watcher: Watcher, workload: Workload, prefix: str) -> tuple[float, float]:
    """Wall time, and the time until the last Task's condition Finished."""
    subject = Subject(cluster, watcher, workload, prefix)
    await subject.prepare()
    began = await subject.run(time_limit(workload))
    wall = _last_end(watcher, subject.places) - began
    until_finished = max(watcher.finished.at[task] for task in subject.tasks) - began
    await cluster.clear()
    return wall, until_finished


def _last_end(watcher: Watcher, places: list[Place]) -> float:
    return max(watcher.ended.at[place] for place in places)


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 3) for value in values]
