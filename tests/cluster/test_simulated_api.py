"""The cluster's API server does in every scenario what the simulated one does.

So what is proved in simulation is proved of a Kubernetes that exists. Under an API group of the scenarios' own, so that
an installed Kubesaga neither sees nor disturbs it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.kubectl import Kubectl
from tests.simulation.contract.comparison import differences
from tests.simulation.contract.real import RealServer
from tests.simulation.contract.scenarios import SCENARIOS, play
from tests.simulation.contract.simulated import SimulatedServer


@pytest.fixture(scope="module")
def server(cluster: Kubectl) -> Iterator[RealServer]:
    real = RealServer(cluster.kubeconfig)
    with real.serving():
        yield real


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_cluster_says_what_the_simulated_api_server_says(server: RealServer, name: str) -> None:
    told = differences(play(name, SimulatedServer()), play(name, server))
    assert not told, "\n".join(told)
