"""Chaos in its short form: each kind of fault strikes at least once, and the books and the Tasks agree in the end.

`make chaos` is the long one.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.cluster.paths import Paths
from hack.cluster.providers import choose
from tests.chaos.cluster import connected
from tests.chaos.examples import examples
from tests.chaos.plan import IN_FIVE_MINUTES, Plan, draw
from tests.chaos.report import Document
from tests.chaos.run import play
from tests.cluster.installation import wait_ready
from tests.cluster.kubectl import Kubectl

pytestmark = pytest.mark.alone

SEED, MINUTES, TASKS, AT_ONCE = 5, 0.5, 20, 12
PATIENCE = 600.0


def test_half_a_minute_of_chaos_loses_doubles_and_leaves_nothing(operator: Kubectl) -> None:
    _require_own_cluster()
    document = asyncio.run(_run(draw(SEED, MINUTES, TASKS, examples())))
    wait_ready(operator)  # for the tests that come after
    assert document["deviations"] == [], f"all that was seen is in {document['evidence']}"
    assert document["tasks"]["ended"] == document["tasks"]["submitted"] == TASKS
    # Whoever comes to kill a step's container may find that it has just ended, every time.
    assert set(IN_FIVE_MINUTES) - set(document["faults"]["done"]) <= {"step-killed"}
    assert document["books"]["effects"] > document["books"]["undone"] > 0


async def _run(plan: Plan) -> Document:
    async with connected() as cluster:
        return await play(cluster, plan, AT_ONCE, PATIENCE, keep=None)


def _require_own_cluster() -> None:
    """Chaos kills the cluster's own parts: not those of a cluster of somebody's."""
    try:
        own = choose(None, Paths.from_environment()).kubeconfig()
    except ClusterError:
        own = Path()
    if Path(os.environ["KUBECONFIG"]) != own:
        pytest.skip("this cluster's parts are not ours to kill")
