"""The operator on the cluster: installing it as a user would, and taking it away for a while.

Called by the session's fixtures, and by the tests that run an operator of their own.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hack.cluster.paths import CHECKOUT, Paths
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.tasks import condition

NAMESPACE = "kubesaga-system"
DEPLOYMENT = "kubesaga"
PODS = "app.kubernetes.io/name=kubesaga,app.kubernetes.io/component=operator"


def ensure(cluster: Kubectl) -> None:
    """Have `make install` install what these sources are, and wait until it is ready.

    It builds only what changed and restarts the operator only where its image did. Of several processes that run
    tests side by side the first does it, while the others wait.
    """
    with _one_after_another() as done_for:
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
        if not run or done_for.read_text() != run:
            _install(cluster)
            done_for.write_text(run)
    wait_ready(cluster)


def _install(cluster: Kubectl) -> None:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    done = subprocess.run(["make", "-s", "install"], cwd=CHECKOUT, env=environment, check=False)
    if done.returncode != 0:
        pytest.fail("`make install` failed; its own words are above", pytrace=False)


@contextmanager
def _one_after_another() -> Iterator[Path]:
    """A file that is this process's alone, and tells for which run of tests the operator was installed last."""
    path = Paths.from_environment().cache / "installed-for"
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def wait_ready(cluster: Kubectl) -> None:
    """Wait until as many pods as there are to be are there, the newest ones, all of them ready, and no others.

    The pods themselves are asked as well: what has just befallen one its Deployment may not have heard of yet.
    """
    own = cluster.within(NAMESPACE)
    own.run("rollout", "status", f"deployment/{DEPLOYMENT}", f"--timeout={PATIENCE:g}s")
    wanted = own.get("deployment", DEPLOYMENT)["spec"]["replicas"]
    own.until_listed("pods", PODS, lambda pods: [_is_ready(p) for p in pods if _lives(p)] == [True] * wanted, "ready")


def _lives(pod: Manifest) -> bool:
    """One that has ended for good may be left by a node that was short of something."""
    return pod["status"]["phase"] not in ("Failed", "Succeeded")


def _is_ready(pod: Manifest) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and condition(pod, "Ready").get("status") == "True"


@contextmanager
def suspended(operator: Kubectl) -> Iterator[None]:
    """No operator on the cluster for as long as the block runs, whatever happens in it."""
    operator.run("scale", "deployment", DEPLOYMENT, "--replicas=0")
    try:
        operator.run("wait", "pod", "-l", PODS, "--for=delete", f"--timeout={PATIENCE:g}s")
        yield
    finally:
        operator.run("scale", "deployment", DEPLOYMENT, "--replicas=1")
        wait_ready(operator)
