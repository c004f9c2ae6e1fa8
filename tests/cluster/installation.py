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
from tests.cluster.kubectl import Kubectl

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
    """Wait until the newest operator is ready and the older ones are gone."""
    cluster.within(NAMESPACE).run("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=120s")


@contextmanager
def suspended(operator: Kubectl) -> Iterator[None]:
    """No operator on the cluster for as long as the block runs, whatever happens in it."""
    operator.run("scale", "deployment", DEPLOYMENT, "--replicas=0")
    try:
        operator.run("wait", "pod", "-l", PODS, "--for=delete", "--timeout=60s")
        yield
    finally:
        operator.run("scale", "deployment", DEPLOYMENT, "--replicas=1")
        wait_ready(operator)
