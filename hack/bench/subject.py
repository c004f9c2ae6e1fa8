"""What is measured: the same workload, given to Kubesaga as Tasks."""

from __future__ import annotations

import asyncio
import time

from hack.bench.cluster import Cluster
from hack.bench.errors import BenchError
from hack.bench.watch import Place, Watcher
from hack.bench.workloads import Workload
from kubesaga.engine.vocabulary import TaskOutcome
from kubesaga.kube.client import KubeError, tasks_path, templates_path

READY_SECONDS = 30.0


class Subject:
    """Runs one workload by Kubesaga. Call `prepare` first: templates are there before Tasks are."""

    def __init__(self, cluster: Cluster, watcher: Watcher, workload: Workload, prefix: str) -> None:
        self._cluster = cluster
        self._watcher = watcher
        self._workload = workload
        self.tasks = workload.runs(prefix)

    @property
    def places(self) -> list[Place]:
        """All that it runs."""
        return [Place(task, step) for task in self.tasks for step in self._workload.graph]

    async def prepare(self) -> None:
        """Have the workload's template, and wait until it is Ready. Raises BenchError when it is not."""
        namespace = self._cluster.namespace
        try:
            await self._cluster.kube.create(templates_path(namespace), self._workload.template(namespace))
        except KubeError as error:
            if not error.already_exists:
                raise
        deadline = time.monotonic() + READY_SECONDS
        while True:
            template = await self._cluster.kube.get(templates_path(namespace, self._workload.name))
            conditions = (template.get("status") or {}).get("conditions") or ()
            if any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
                return
            if time.monotonic() > deadline:
                raise BenchError(
                    f"template {self._workload.name} is not Ready after {READY_SECONDS:.0f} s; does the operator "
                    f"serve this namespace? Conditions: {list(conditions)}"
                )
            await asyncio.sleep(0.1)

    async def run(self, limit: float) -> float:
        """Run the workload to the last Task's end; the time at which it began. Raises BenchError and KubeError."""
        namespace = self._cluster.namespace
        bodies = [self._workload.task(name, namespace) for name in self.tasks]
        began = time.perf_counter()
        await asyncio.gather(*(self._cluster.kube.create(tasks_path(namespace), body) for body in bodies))
        await self._watcher.finished.all(self.tasks, limit)
        await self._watcher.ended.all(self.places, limit)
        await self._check_outcomes()
        return began

    async def _check_outcomes(self) -> None:
        tasks, _ = await self._cluster.kube.list(tasks_path(self._cluster.namespace))
        for task in tasks:
            status = task.get("status") or {}
            if task["metadata"]["name"] in self.tasks and status.get("outcome") != TaskOutcome.SUCCEEDED:
                raise BenchError(
                    f"Task {task['metadata']['name']} ended {status.get('outcome')}: {status.get('message')}"
                )
