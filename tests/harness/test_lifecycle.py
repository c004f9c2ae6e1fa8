"""Whole clusters, brought up and taken down: they work, and nothing of them is left.

Each test has a cluster of its own beside any that is running. It takes what the local provider takes: root on Debian.
The state folder's name is longer than a socket's path may be.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from hack.cluster import base_image
from hack.cluster.engines import Docker
from hack.cluster.local import Local
from hack.cluster.network import network_of
from hack.cluster.paths import Paths
from tests.harness.machine_state import processes_in_namespaces_of, snapshot

pytestmark = [
    pytest.mark.cluster_lifecycle,
    pytest.mark.skipif(Docker.answers(), reason="this machine's clusters are made by kind, not by the local provider"),
]

# Names and services work soon after the node is ready; `up` does not wait for that.
PROBE = """
import socket, time
deadline = time.monotonic() + 100
while True:
    try:
        name = socket.gethostbyname("kubernetes.default")
        port = socket.create_connection((name, 443), 5).getpeername()[1]
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.5)
print("name", name)
print("service", port)
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print("outside", error.strerror)
"""
PATIENCE = "--timeout=180s"


class Trial:
    """A cluster of one test, and what the machine looked like before it."""

    def __init__(self) -> None:
        shared = Paths.from_environment()
        self.paths = Paths(shared.cache, f"trial-{'x' * 120}")
        self.local = Local(self.paths)
        self.local.down()
        self.group = f"kubesaga-{self.paths.identity}"
        self.before = snapshot(self.group)

    def kubectl(self, *arguments: str) -> str:
        command = [str(self.paths.bin / "kubectl"), "--kubeconfig", str(self.local.kubeconfig()), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_pod(self, name: str, *command: str) -> str:
        """Run a pod to its end, and return what it printed."""
        self.kubectl("run", name, "--restart=Never", f"--image={base_image.NAME}", "--", *command)
        phase = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=0"
        self.kubectl("wait", f"pod/{name}", f"--for={phase}", PATIENCE)
        return self.kubectl("logs", name)

    def assert_nothing_is_left(self) -> None:
        after = snapshot(self.group)
        differences = {
            kind: (sorted(set(after[kind]) - set(self.before[kind])), sorted(set(self.before[kind]) - set(after[kind])))
            for kind in after
            if after[kind] != self.before[kind]
        }
        assert differences == {}
        assert not self.paths.state.exists()
        assert self.local.machine.holder() is None


@pytest.fixture
def trial() -> Iterator[Trial]:
    made = Trial()
    try:
        yield made
    finally:
        made.local.down()


def test_a_cluster_runs_pods_that_reach_each_other_and_nothing_outside(trial: Trial) -> None:
    trial.local.up()
    trial.local.load([base_image.NAME])
    said = dict(line.split(" ", 1) for line in trial.run_pod("probe", "python3", "-c", PROBE).splitlines())
    assert said == {
        "name": network_of(trial.paths.state).api_service,
        "service": "443",
        "outside": "Network is unreachable",
    }


def test_what_is_left_of_a_cluster_after_down_is_nothing_however_often(trial: Trial) -> None:
    for _ in range(2):
        trial.local.up()
        trial.local.load([base_image.NAME])
        trial.run_pod("done", "true")
        trial.kubectl(
            "create", "deployment", "busy", "--replicas=2", f"--image={base_image.NAME}", "--", "sleep", "600"
        )
        trial.kubectl("rollout", "status", "deployment/busy", PATIENCE)
        holder = trial.local.machine.require_holder()
        inside = processes_in_namespaces_of(holder)
        assert len(inside) > len(trial.local.components())
        trial.local.down()
        # Those that launched the others end when they see that the others have.
        assert [process for process in inside if not process.wait_gone(30)] == []
        trial.assert_nothing_is_left()
    trial.local.down()
    trial.assert_nothing_is_left()


def test_up_leaves_a_running_cluster_alone_and_mends_a_broken_one(trial: Trial) -> None:
    trial.local.up()
    first = {name: trial.local.ledger.find(name) for name in trial.local.components()}
    assert None not in first.values()
    trial.local.up()
    assert {name: trial.local.ledger.find(name) for name in first} == first
    trial.local.kill("kube-scheduler")
    assert "kube-scheduler: down" in trial.local.status()
    trial.local.up()
    mended = {name: trial.local.ledger.find(name) for name in first}
    assert [name for name in first if mended[name] != first[name]] == ["kube-scheduler"]
    assert mended["kube-scheduler"] is not None


def test_every_component_can_be_killed_and_started_again_with_its_state(trial: Trial) -> None:
    trial.local.up()
    trial.local.load([base_image.NAME])
    trial.kubectl("create", "configmap", "kept", "--from-literal=word=still-here")
    for name in trial.local.components():
        trial.local.kill(name)
        assert trial.local.ledger.find(name) is None
        trial.local.restart(name)
    assert trial.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.word}") == "still-here"
    assert trial.run_pod("after", "echo", "works") == "works\n"


def test_a_cluster_whose_processes_were_all_killed_is_taken_down_without_a_trace(trial: Trial) -> None:
    trial.local.up()
    trial.local.load([base_image.NAME])
    trial.run_pod("done", "true")
    for process in processes_in_namespaces_of(trial.local.machine.require_holder()):
        process.signal(signal.SIGKILL)
    trial.local.down()
    trial.assert_nothing_is_left()


def test_what_is_meant_for_a_dead_cluster_does_not_take_the_default_route(trial: Trial) -> None:
    trial.local.up()
    plan = network_of(trial.paths.state)
    trial.local.machine.require_holder().signal(signal.SIGKILL)
    deadline = time.monotonic() + 90
    while plan.owner() is not None:  # the kernel takes the cable away in its own time
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for address in (plan.node, plan.api_service):
        asked = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True, check=False)
        assert asked.stderr.strip() == "RTNETLINK answers: No route to host"


def test_a_cluster_whose_state_folder_was_deleted_is_taken_down_without_a_trace(trial: Trial) -> None:
    trial.local.up()
    shutil.rmtree(trial.paths.state, ignore_errors=True)
    trial.local.down()
    trial.assert_nothing_is_left()


def test_a_cluster_comes_up_again_after_everything_was_killed(trial: Trial) -> None:
    trial.local.up()
    holder = trial.local.machine.require_holder()
    holder.signal(signal.SIGKILL)
    assert holder.wait_gone(30)
    trial.local.up()
    assert "node ready" in trial.local.status()


def test_the_audit_log_tells_who_wrote_and_nothing_of_who_read(trial: Trial) -> None:
    trial.local.up()
    trial.kubectl("create", "configmap", "written")
    trial.kubectl("get", "configmaps")
    events = [json.loads(line) for line in trial.local.audit_log().read_text().splitlines()]
    assert {event["verb"] for event in events} <= {"create", "update", "patch", "delete", "deletecollection"}
    (written,) = [event for event in events if event["objectRef"].get("name") == "written"]
    assert written["user"]["username"] == "kubernetes-admin"
    assert written["userAgent"].startswith("kubectl/")
