"""A cluster of an API server and workloads for tests: Jobs are started by hand, programs go as a script says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

from kubesaga.api import constants as c
from kubesaga.runtime.jobs import STOP_PATCH
from tests.simulation import loop
from tests.simulation.plan import Obj, Outcome
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads.handlers import Execution
from tests.simulation.workloads.job_sightings import has, pod_line
from tests.simulation.workloads.workloads import Workloads
from tests.simulation.world import EPOCH, elapsed, later

NAMESPACE = "default"
Script = Mapping[str, tuple[Outcome, ...]]
ENDLESS = Outcome(None)
DEAF = Outcome(None, grace=None)


class Bench:
    """An API server with workloads, and who uses them."""

    def __init__(self, script: Script, nodes: int = 2, seed: int = 1) -> None:
        self.server = ApiServer(lambda: EPOCH + elapsed(), later)
        self.workloads = Workloads(self.server, Random(seed), script, later, lambda: EPOCH + elapsed(), nodes)
        self.changes: list[str] = []
        self.running: Counter[str] = Counter()
        self.most_running = 0
        self.server.observers.append(self._see)
        self.workloads.observers.append(self._count)

    def start(self, name: str, step: str = "work", role: str = "forward", task: str = "t", **pod: Any) -> None:
        """Create a Job as the operator does; ``pod`` adds to its pods' spec, ``input`` is its input document."""
        environment = [{"name": c.ENV_INPUT, "value": json.dumps(pod.pop("input", {})).replace("$", "$$")}]
        labels = {c.LABEL_TASK: task, c.LABEL_TASK_UID: f"uid-{task}", c.LABEL_STEP: step, c.LABEL_ROLE: role}
        container = {"name": c.MAIN_CONTAINER, "image": "img", "env": environment}
        rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        spec = {
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [rule]},
            "template": {
                "metadata": {"labels": {**labels, c.LABEL_ATTEMPT: "1"}},
                "spec": {"restartPolicy": "Never", "containers": [container], **pod},
            },
        }
        self.server.create({"kind": "Job", "metadata": {"name": name, "labels": labels}, "spec": spec})

    def stop(self, name: str) -> None:
        """As the operator does."""
        self.server.merge("jobs", NAMESPACE, name, STOP_PATCH)

    def job(self, name: str) -> Obj:
        """A Job as it is."""
        found = self.server.peek("jobs", NAMESPACE, name)
        assert found is not None
        return found

    def pods(self, job: str) -> list[Obj]:
        """The pods that there are of a Job."""
        return [pod for pod in self.server.all("pods") if pod["metadata"]["labels"]["job-name"] == job]

    def pod(self, job: str) -> Obj:
        """Its only pod."""
        (only,) = self.pods(job)
        return only

    def says(self, job: str) -> str:
        """What the API server says of the Job's only pod."""
        return pod_line("MODIFIED", self.pod(job))

    def node_of(self, job: str) -> int:
        """Where its only pod is."""
        return int(self.pod(job)["spec"]["nodeName"].removeprefix("node-"))

    @property
    def runs(self) -> list[Execution]:
        """What truly ran."""
        return self.workloads.executions

    async def until(self, holds: Callable[[], object], seconds: float = 120.0) -> None:
        """Let time pass until something holds."""
        ends = elapsed() + seconds
        while not holds():
            assert elapsed() < ends, [pod_line("MODIFIED", pod) for pod in self.server.all("pods")]
            await asyncio.sleep(0.1)

    async def until_running(self, job: str) -> None:
        """Let time pass until the API server says that the Job's pod runs."""
        await self.until(lambda: any(pod["status"]["phase"] == "Running" for pod in self.pods(job)))

    async def until_over(self, job: str, end: str, seconds: float = 120.0) -> None:
        """Let time pass until the Job has ended so."""
        await self.until(lambda: has(self.job(job), end), seconds)

    def _see(self, change: Change) -> None:
        meta = change.after["metadata"]
        self.changes.append(f"{elapsed():.6f} {change.user} {change.type} {change.resource} {meta['name']}")

    def _count(self, what: str, execution: Execution) -> None:
        self.running[execution.job] += 1 if what == "started" else -1
        self.most_running = max(self.most_running, *self.running.values())


def play(act: Callable[[Bench], Awaitable[None]], script: Script | None = None, **settings: Any) -> Bench:
    """Have something done on a bench of its own."""

    async def main() -> Bench:
        bench = Bench(script or {}, **settings)
        await act(bench)
        return bench

    return loop.run(main())


def has_ended(job: Obj) -> bool:
    return has(job, "Complete") or has(job, "Failed")
