"""The real half of the contract that the simulated workloads keep with Kubernetes: every case shows what it says.

``tests/simulation/job_cases`` has the cases, ``tests/simulation/test_job_cases`` plays them in the simulation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from kubesaga.runtime.jobs import STOP_PATCH
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.watching import Watches, watches
from tests.simulation.workloads.job_case import Act, JobCase, is_due
from tests.simulation.workloads.job_cases import CASES
from tests.simulation.workloads.job_sightings import Sightings

# Some lines are about who is quicker, and what others start on the node keeps the kubelet from its usual pace.
pytestmark = pytest.mark.alone

AT_ONCE = 8
"""Cases side by side; more would do the same."""
_LONGEST = 300.0
_QUIET = 6.0
_WATCHED = ("/apis/batch/v1/namespaces/{}/jobs", "/api/v1/namespaces/{}/pods")
_JOB_NAME = "batch.kubernetes.io/job-name"


@dataclass
class Player:
    """One case that is being played."""

    kubectl: Kubectl
    case: JobCase
    job: str
    seen: Sightings = field(default_factory=Sightings)
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    done: int = 0
    act_at: float | None = None

    def see(self, kind: str, type_: str, obj: Manifest) -> None:
        """An event of the Job or of a pod of it."""
        self.heard = time.monotonic()
        self.seen.see(kind, type_, obj)
        if self.act_at is None and self.done < len(self.case.acts):
            act = self.case.acts[self.done]
            if is_due(act.when, self.seen):
                self.act_at = self.heard + act.after

    def act(self) -> None:
        """Do what is due."""
        if self.act_at is not None and time.monotonic() >= self.act_at:
            self._do(self.case.acts[self.done])
            self.done, self.act_at = self.done + 1, None
            self.heard = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be seen: all that was to come has come, and nothing since; or it never will."""
        now = time.monotonic()
        if now - self.began > _LONGEST:
            return True
        is_at_rest = self.done == len(self.case.acts) and self.seen.is_over is self.case.ends
        return is_at_rest and now - self.heard > _QUIET and self.case.broken_by(self.seen) is None

    def _do(self, act: Act) -> None:
        pod = (self.seen.newest_pod or {}).get("metadata", {}).get("name", "")
        match act.what:
            case "stop":
                self._patch(STOP_PATCH)
            case "resume":
                self._patch({"spec": {"suspend": False}})
            case "delete pod":
                self.kubectl.delete("pod", pod)
            case "force pod":
                self.kubectl.delete("pod", pod, "--force", "--grace-period=0")
            case "evict":
                self._evict(pod)
            case _:
                self.kubectl.delete("job", self.job, f"--cascade={act.what.lower()}")

    def _patch(self, patch: Manifest) -> None:
        self.kubectl.run("patch", "job", self.job, "--type=merge", "-p", json.dumps(patch))

    def _evict(self, pod: str) -> None:
        path = f"/api/v1/namespaces/{self.kubectl.namespace}/pods/{pod}/eviction"
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        self.kubectl.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


@pytest.fixture(scope="module")
def shown(cluster: Kubectl) -> Iterator[dict[str, Sightings]]:
    """What every case has shown, by its name."""
    with fresh_namespace(cluster) as own, watches(own, *_WATCHED) as news:
        yield {case.name: seen for case, seen in _played(own, news)}


def _played(kubectl: Kubectl, news: Watches) -> Iterator[tuple[JobCase, Sightings]]:
    waiting, playing = list(reversed(CASES)), dict[str, Player]()  # the longest first
    while waiting or playing:
        while waiting and len(playing) < AT_ONCE:
            player = _begun(kubectl, waiting.pop(0))
            playing[player.job] = player
        for type_, obj in news.read(0.1):
            meta = obj["metadata"]
            is_job = obj["kind"] == "Job"
            concerned = playing.get(meta["name"] if is_job else meta["labels"].get(_JOB_NAME, ""))
            if concerned is not None:
                concerned.see("jobs" if is_job else "pods", type_, obj)
        for job, each in list(playing.items()):
            each.act()
            if each.is_over:
                del playing[job]
                yield each.case, each.seen


def _begun(kubectl: Kubectl, case: JobCase) -> Player:
    body = case.body(kubectl.namespace)
    player = Player(kubectl, case, body["metadata"]["name"])
    kubectl.create(body)
    return player


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_real_job_shows_what_a_simulated_one_shows(shown: dict[str, Sightings], case: JobCase) -> None:
    broken = case.broken_by(shown[case.name])
    assert broken is None, broken
