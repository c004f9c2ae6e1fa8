"""The floor: the least that has to be done to run a workflow as Jobs, done as fast as a watch allows.

It knows the graph beforehand and creates the next Job in the very moment in which its watch shows that the last
container it waits for has ended. It records nothing, retries nothing and would lose everything with its process: no
orchestrator that promises anything can be faster on the same cluster.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from hack.bench.cluster import Cluster
from hack.bench.watch import Place, Watcher
from hack.bench.workloads import Workload
from kubesaga.kube.client import jobs_path

Obj = dict[str, Any]
MakeJobs = Callable[[Workload, str, str], dict[str, Obj]]
"""From a workload, a run's name and a namespace to the Jobs of its steps."""


class Floor:
    """Runs one workload. Its Jobs are made beforehand: that costs the floor no time."""

    def __init__(
        self,
        cluster: Cluster,
        watcher: Watcher,
        workload: Workload,
        prefix: str,
        make_jobs: MakeJobs = Workload.step_jobs,
    ) -> None:
        self._cluster = cluster
        self._watcher = watcher
        self._workload = workload
        self._runs = workload.runs(prefix)
        self._jobs = {
            Place(run, step): job
            for run in self._runs
            for step, job in make_jobs(workload, run, cluster.namespace).items()
        }
        self._waits_for = {place: len(workload.graph[place.step]) for place in self._jobs}
        self._creations: set[asyncio.Task[Obj]] = set()

    @property
    def places(self) -> list[Place]:
        """All that it runs."""
        return list(self._jobs)

    async def run(self, limit: float) -> float:
        """Run the workload; the time at which it began. Raises BenchError after `limit` seconds, and KubeError."""
        ended = self._watcher.ended
        ended.listen(self._on_ended)
        try:
            began = time.perf_counter()
            for place in [place for place, count in self._waits_for.items() if count == 0]:
                self._create(place)
            await ended.all(self.places, limit)
            # A pod may have ended before the answer to its Job's creation was read.
            await asyncio.gather(*self._creations)
            return began
        finally:
            ended.forget(self._on_ended)
            for creation in self._creations:
                creation.cancel()

    def _on_ended(self, place: Place) -> None:
        if place not in self._jobs:
            return
        for child in self._workload.children[place.step]:
            next_place = Place(place.run, child)
            self._waits_for[next_place] -= 1
            if self._waits_for[next_place] == 0:
                self._create(next_place)

    def _create(self, place: Place) -> None:
        path = jobs_path(self._cluster.namespace)
        self._creations.add(asyncio.create_task(self._cluster.kube.create(path, self._jobs[place])))
