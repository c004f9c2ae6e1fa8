"""Several replicas of the operator on the cluster: who leads, and what can befall the process that does.

`test_high_availability` calls this. What is done to a process is done on the node, where it can be seen and signalled,
so that only the project's own clusters will do. The node's clock is the one that the replicas date their writes by.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hack.cluster import providers
from hack.cluster.errors import ClusterError
from hack.cluster.paths import CHECKOUT, Paths
from kubesaga.api.times import epoch
from tests.cluster import installation
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.tasks import name_of

_SIGNAL = """
pid=$(grep -lzsx "KUBESAGA_OPERATOR_IDENTITY=$1" /proc/[0-9]*/environ | cut -d/ -f3)
date +%s.%N
kill -s "$2" $pid
"""
_STIR = """
pid=$(grep -lzsx "KUBESAGA_OPERATOR_IDENTITY=$1" /proc/[0-9]*/environ | cut -d/ -f3)
kill -s CONT $pid
sleep "$2"
date +%s.%N
kill -s STOP $pid
"""
# The kubelet's probes get through: who is cut off from the API server is well in the eyes of its node.
_FILTER = """
date +%s.%N
iptables -w "$1" INPUT -s "$2" -p tcp ! --sport 8080 -j DROP
iptables -w "$1" OUTPUT -d "$2" -p tcp ! --dport 8080 -j DROP
"""


@dataclass(frozen=True)
class Leadership:
    """One process's time as the leader, as its Lease tells: the ``number`` counts such times, ``since`` in epoch
    seconds."""

    holder: str
    number: int
    since: float

    @classmethod
    def of(cls, lease: Manifest) -> Leadership:
        """What a Lease says."""
        spec = lease["spec"]
        return cls(spec.get("holderIdentity", ""), spec["leaseTransitions"], epoch(spec["acquireTime"]))


@dataclass(frozen=True)
class PodProcess:
    """The operator's process in a pod."""

    pod: str

    def kill(self) -> float:
        """End it by SIGKILL; returns when."""
        return self._signal(_SIGNAL, "KILL")

    def freeze(self) -> float:
        """Stop it by SIGSTOP; returns when."""
        return self._signal(_SIGNAL, "STOP")

    def thaw(self) -> float:
        """Let it go on where it was; returns when."""
        return self._signal(_SIGNAL, "CONT")

    def stir(self, seconds: float) -> float:
        """Let it go on for a moment; returns when it was stopped again."""
        return self._signal(_STIR, str(seconds))

    def _signal(self, script: str, argument: str) -> float:
        return float(on_node("sh", "-euc", script, "sh", self.pod, argument))


class Replicas:
    """The operator's pods. Times in seconds since the epoch."""

    def __init__(self, operator: Kubectl) -> None:
        self._operator = operator

    def leadership(self) -> Leadership:
        """Who leads, as soon as it is a pod that is there."""

        def held_by_a_pod(lease: Manifest) -> bool:
            return Leadership.of(lease).holder in map(name_of, self._operator.get_all("pods", installation.PODS))

        return Leadership.of(self._operator.until("lease", installation.DEPLOYMENT, held_by_a_pod, "held by a pod"))

    def successor(self, before: Leadership) -> Leadership:
        """The next leadership, as soon as there is one; by a process of the same pod, it may be."""
        lease = self._operator.until(
            "lease", installation.DEPLOYMENT, lambda found: Leadership.of(found).number > before.number, "taken over"
        )
        return Leadership.of(lease)

    def wait_renewed(self) -> None:
        """Wait until whoever leads has renewed the Lease."""
        wait_renewed(self._operator, installation.DEPLOYMENT)

    def wait_ready(self) -> None:
        """Wait until each of them is ready, so that another can take over from whichever leads."""
        installation.wait_ready(self._operator)

    def restarts(self, pod: str) -> int:
        """How often the container of a pod has been started again."""
        return _restarts(self._operator.get("pod", pod))

    def wait_restarted(self, pod: str, before: int) -> None:
        """Wait until it has been started again; until it has ended it may say that it is ready."""
        self._operator.until("pod", pod, lambda found: _restarts(found) > before, "restarted")

    def cut_off(self, pod: str) -> float:
        """Have nothing pass between a pod and the API server any more, connections that are open too; returns when."""
        return self._filter("-I", pod)

    def heal(self, pod: str) -> None:
        """Let it through again."""
        self._filter("-D", pod)

    def _filter(self, change: str, pod: str) -> float:
        address = self._operator.get("pod", pod)["status"]["podIP"]
        return float(on_node("sh", "-euc", _FILTER, "sh", change, address))


def wait_renewed(kubectl: Kubectl, lease: str) -> None:
    """Wait until a Lease is renewed from now on."""
    before = kubectl.get("lease", lease)["spec"]["renewTime"]
    kubectl.until("lease", lease, lambda found: found["spec"]["renewTime"] != before, "renewed")


def _restarts(pod: Manifest) -> int:
    (container,) = pod["status"]["containerStatuses"]
    return int(container["restartCount"])


def on_node(*command: str) -> str:
    """Run a command on the cluster's node."""
    provider = providers.choose(None, Paths.from_environment())
    try:
        return provider.on_node(*command)
    except ClusterError as error:
        if provider.name == "current":
            pytest.skip(str(error))
        raise


@contextmanager
def several(operator: Kubectl, count: int) -> Iterator[Replicas]:
    """The release with so many replicas for as long as the block runs, then as it was; new pods before and after.

    A pod whose container has ended several times is started again ever later, which would be counted as a takeover.
    """
    before = _helm(operator, "get", "values", installation.DEPLOYMENT, "--all", "--output=json")
    _scale(operator, count)
    try:
        yield Replicas(operator)
    finally:
        _scale(operator, json.loads(before)["replicaCount"])


def _scale(operator: Kubectl, count: int) -> None:
    chart = str(CHECKOUT / "charts" / "kubesaga")
    _helm(operator, "upgrade", installation.DEPLOYMENT, chart, "--reuse-values", f"--set=replicaCount={count}")
    operator.run("delete", "pod", "-l", installation.PODS)
    installation.wait_ready(operator)


def _helm(operator: Kubectl, *words: str) -> str:
    built = Paths.from_environment().bin / "helm"
    helm = str(built) if built.is_file() else shutil.which("helm")
    assert helm, "no helm in .cache/bin or on PATH: run `make cluster-up`, which builds it"
    where = [f"--kubeconfig={operator.kubeconfig}", f"--namespace={operator.namespace}"]
    done = subprocess.run([helm, *words, *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
