"""What the tests on a real cluster share: the cluster, the operator on it, and a namespace for each test.

Nothing here skips: without a cluster one is brought up, and what cannot be brought up is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.paths import CHECKOUT, Paths
from tests.cluster import dead_node, installation
from tests.cluster.kubectl import PATIENCE, Kubectl, KubectlError
from tests.cluster.namespaces import fresh_namespace

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder; what needs the most time to get ready comes last."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)
    items.sort(key=_is_about_the_stranded)


def _is_about_the_stranded(item: pytest.Item) -> bool:
    return "stranded" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Kubectl:
    """The cluster that KUBECONFIG names; else the project's own test cluster, brought up where it is down.

    A cluster that was brought up stays up, as after `make cluster-up`. From here on KUBECONFIG is set for everything.
    """
    named = os.environ.get("KUBECONFIG")
    if not named:
        _hack_cluster("up")
        named = _hack_cluster("kubeconfig").strip()
        os.environ["KUBECONFIG"] = named
    built = Paths.from_environment().bin / "kubectl"
    program = str(built) if built.is_file() else shutil.which("kubectl")
    if program is None:
        pytest.fail("no kubectl in .cache/bin or on PATH: run `make cluster-up`, which builds it", pytrace=False)
    kubectl = Kubectl(Path(program), Path(named))
    _wait_ready(kubectl)
    return kubectl


@pytest.fixture(scope="session")
def operator(cluster: Kubectl) -> Kubectl:
    """The operator of these very sources, installed and ready; a Kubectl in its namespace."""
    installation.ensure(cluster)
    return cluster.within(installation.NAMESPACE)


@pytest.fixture(scope="session")
def stranded(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace of Tasks whose node has died."""
    with dead_node.stranded(operator) as own:
        yield own


@pytest.fixture(scope="session", autouse=True)
def _strand_early(request: pytest.FixtureRequest) -> None:
    """What `stranded` needs minutes for passes while the other tests run."""
    if any(map(_is_about_the_stranded, request.session.items)):
        request.getfixturevalue("stranded")


@pytest.fixture
def namespace(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace of this test's own, which the operator serves."""
    with fresh_namespace(operator) as own:
        yield own


def _wait_ready(kubectl: Kubectl) -> None:
    """Wait until the API server says that it is ready, which one whose disk is busy takes back for a moment."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            kubectl.raw("/readyz")
        except KubectlError as error:
            if time.monotonic() > deadline:
                pytest.fail(f"the cluster of {kubectl.kubeconfig} is not ready: {error}", pytrace=False)
        else:
            return
        time.sleep(0.5)


def _hack_cluster(command: str) -> str:
    words = [sys.executable, "-m", "hack.cluster", command]
    done = subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"`python -m hack.cluster {command}` failed; its own words are above", pytrace=False)
    return done.stdout
