"""Faults of the cluster around a running Task: conflicting writers, servers that restart, things that are deleted."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hack.cluster.paths import CHECKOUT
from kubesaga.api.constants import LABEL_TASK_UID
from tests.cluster import tasks
from tests.cluster.installation import wait_ready
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, running_pod
from tests.cluster.namespaces import fresh_namespace

pytestmark = pytest.mark.alone

# After a failure they wait for up to half a minute before they ask the API server again; started anew they do not.
ITS_CLIENTS = ("kube-controller-manager", "kube-scheduler", "kubelet")


def chain(name: str, length: int, seconds: float) -> list[Manifest]:
    """A workflow of steps one after the other, each of which takes its time."""
    steps = [
        tasks.sh(f"step_{number}", tasks.sleep(seconds), dependsOn=[f"step_{number - 1}"] if number else [])
        for number in range(length)
    ]
    return tasks.workflow(name, *steps)


def at_step(kubectl: Kubectl, name: str, step: str) -> Manifest:
    """The Task as soon as that step has been enqueued."""
    return kubectl.until(tasks.TASK, name, lambda t: tasks.step(t, step).get("attempt"), f"at {step}")


def assert_ran_once(kubectl: Kubectl, name: str) -> None:
    """See the Task to its good end, every step of it at its first attempt."""
    found = kubectl.until(tasks.TASK, name, tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert {each["attempt"] for each in found["status"]["steps"]} == {1}
    tasks.assert_nothing_ran_twice(kubectl, found)


@contextmanager
def another_writer(kubectl: Kubectl, name: str) -> Iterator[list[str]]:
    """Somebody who writes to the Task all the time, so that the operator's own writes meet conflicts."""
    stop, written = threading.Event(), list[str]()

    def write() -> None:
        while not stop.is_set():
            written.append(
                kubectl.run("annotate", tasks.TASK, name, "--overwrite", f"example.com/count={len(written)}")
            )

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def hack_cluster(command: str, *component: str) -> None:
    """Do something to the cluster's own parts."""
    words = [sys.executable, "-m", "hack.cluster", command, *component]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if "uses your cluster as it is" in done.stderr:
        pytest.skip(f"this cluster's {component[0]} is not ours to {command}")
    assert done.returncode == 0, done.stderr


def crash(*components: str) -> None:
    """End parts of the cluster by SIGKILL, and have them started again."""
    for component in components:
        hack_cluster("kill", component)
    hack_cluster("up")


def test_writes_of_somebody_else_delay_a_task_and_change_nothing(namespace: Kubectl) -> None:
    namespace.apply(*chain("busy", 3, 0.5))
    with another_writer(namespace, "busy") as written:
        assert_ran_once(namespace, "busy")
    assert len(written) > 3


def test_a_crash_of_the_api_server_cuts_every_watch_and_costs_no_step(operator: Kubectl, namespace: Kubectl) -> None:
    namespace.apply(*chain("cut-off", 3, 3))
    at_step(namespace, "cut-off", "step_0")
    crash("kube-apiserver", *ITS_CLIENTS)
    namespace.apply(*chain("newcomer", 1, 0))
    assert_ran_once(namespace, "cut-off")
    assert_ran_once(namespace, "newcomer")
    wait_ready(operator)


def test_an_api_server_away_for_longer_than_a_lease_costs_leadership_and_no_step(
    operator: Kubectl, namespace: Kubectl
) -> None:
    namespace.apply(*chain("leaderless", 2, 3))
    at_step(namespace, "leaderless", "step_0")
    hack_cluster("restart", "kube-apiserver")  # in order, which takes it more than the ten seconds of a Lease
    crash(*ITS_CLIENTS)
    assert_ran_once(namespace, "leaderless")
    wait_ready(operator)


def test_a_step_that_ends_while_the_job_controller_is_away_is_not_run_again(namespace: Kubectl) -> None:
    second = tasks.sh("second", "true", dependsOn=["first"])
    namespace.apply(*tasks.workflow("uncontrolled", tasks.sh("first", held()), second))
    pod = running_pod(namespace, "uncontrolled", "first")
    hack_cluster("kill", "kube-controller-manager")
    try:
        let_go(namespace, "uncontrolled", "first")
        namespace.until("pod", pod, lambda p: p["status"]["phase"] == "Succeeded", "over")
    finally:
        hack_cluster("up")
    assert_ran_once(namespace, "uncontrolled")


def test_a_task_deleted_while_it_runs_takes_its_jobs_and_pods_along(namespace: Kubectl) -> None:
    namespace.apply(*chain("deleted", 2, 600))
    uid = at_step(namespace, "deleted", "step_0")["metadata"]["uid"]
    selector = f"{LABEL_TASK_UID}={uid}"
    namespace.until_listed("pods", selector, lambda pods: [p for p in pods if _runs(p)], "running")
    namespace.delete(tasks.TASK, "deleted")
    for kind in ("jobs", "pods"):
        namespace.until_listed(kind, selector, lambda left: not left, "gone")
    assert namespace.find(tasks.TASK, "deleted") is None


def test_a_namespace_deleted_while_a_task_runs_goes_with_all_that_is_in_it(operator: Kubectl) -> None:
    with fresh_namespace(operator) as doomed:
        doomed.apply(*chain("doomed", 2, 600))
        at_step(doomed, "doomed", "step_0")
        doomed.run("delete", "namespace", doomed.namespace, f"--timeout={PATIENCE:g}s")
        assert operator.find("namespace", doomed.namespace) is None


def test_a_new_task_of_a_deleted_ones_name_has_jobs_of_its_own(namespace: Kubectl) -> None:
    namespace.apply(*chain("again", 1, 0))
    assert_ran_once(namespace, "again")
    first = namespace.get(tasks.TASK, "again")
    namespace.delete(tasks.TASK, "again")
    namespace.run("wait", f"{tasks.TASK}/again", "--for=delete", f"--timeout={PATIENCE:g}s")
    namespace.apply(tasks.task("again"))
    assert_ran_once(namespace, "again")
    second = namespace.get(tasks.TASK, "again")
    assert tasks.expected_job_names(first).isdisjoint(tasks.expected_job_names(second))


def test_a_finished_task_is_not_written_to_any_more(namespace: Kubectl) -> None:
    namespace.apply(*chain("at-rest", 1, 0))
    namespace.until(tasks.TASK, "at-rest", tasks.ended, "finished")
    # Its Job and its pod become terminal only after the Task has ended: news that must not lead to a write.
    namespace.run("wait", "jobs", "--all", "--for=condition=Complete", f"--timeout={PATIENCE:g}s")
    before = namespace.get(tasks.TASK, "at-rest")
    time.sleep(4)
    assert namespace.get(tasks.TASK, "at-rest") == before


def _runs(pod: Manifest) -> bool:
    return bool(pod["status"]["phase"] == "Running")
