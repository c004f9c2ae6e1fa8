"""The simulated workloads' half of their contract with Kubernetes: every case shows what a real cluster shows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from kubesaga.runtime.jobs import STOP_PATCH
from tests.simulation import loop
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads.job_case import STEP, Act, JobCase, is_due
from tests.simulation.workloads.job_cases import CASES
from tests.simulation.workloads.job_sightings import Sightings
from tests.simulation.workloads.workloads import Workloads
from tests.simulation.world import EPOCH, elapsed, later

NAMESPACE = "default"
_LONGEST = 120.0
_QUIET = 15.0
_SEEDS = 8


class Player:
    """Plays one case."""

    def __init__(self, case: JobCase, seed: int) -> None:
        self.case = case
        self.seen = Sightings()
        self.server = ApiServer(lambda: EPOCH + elapsed(), later)
        script = {STEP: (case.outcome,)}
        self.workloads = Workloads(self.server, Random(seed), script, later, lambda: EPOCH + elapsed())
        self.server.observers.append(self._see)
        self._acts = list(case.acts)
        self._job = ""

    async def run(self) -> Sightings:
        """Create the Job, do what is to be done, and wait until nothing more is seen."""
        self._job = self.server.create(self.case.body(NAMESPACE))["metadata"]["name"]
        news = -1
        while not (self.seen.news == news and not self._acts and self.seen.is_over is self.case.ends):
            assert elapsed() < _LONGEST, self.seen
            news = self.seen.news
            await asyncio.sleep(_QUIET)
        return self.seen

    def _see(self, change: Change) -> None:
        if change.resource in ("jobs", "pods"):
            self.seen.see(change.resource, change.type, change.after)
            if self._acts and is_due(self._acts[0].when, self.seen):
                act = self._acts.pop(0)
                later(act.after, lambda: self._do(act))

    def _do(self, act: Act) -> None:
        server, job, pod = self.server, self._job, self.seen.newest_pod
        name = pod["metadata"]["name"] if pod is not None else ""
        deeds: dict[str, Callable[[], object]] = {
            "stop": lambda: server.merge("jobs", NAMESPACE, job, STOP_PATCH),
            "resume": lambda: server.merge("jobs", NAMESPACE, job, {"spec": {"suspend": False}}),
            "delete pod": lambda: server.delete("pods", NAMESPACE, name),
            "force pod": lambda: server.delete("pods", NAMESPACE, name, force=True),
            "evict": lambda: self.workloads.evict(NAMESPACE, name),
        }
        deeds.get(act.what, lambda: server.delete("jobs", NAMESPACE, job, propagation=act.what))()


async def play(case: JobCase, seed: int) -> Sightings:
    return await Player(case, seed).run()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_simulated_job_shows_what_a_real_one_shows(case: JobCase) -> None:
    for seed in range(_SEEDS):
        seen = loop.run(play(case, seed))
        assert (broken := case.broken_by(seen)) is None, f"seed {seed}: {broken}"
