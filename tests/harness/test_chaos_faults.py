"""How long a fault of chaos keeps at it: as long as the cluster is away, but not for what there is nothing of."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kubesaga.kube.client import Kube, KubeError
from tests.chaos import faults
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Faults
from tests.chaos.logs import OperatorLogs
from tests.chaos.plan import Fault

STEP = {
    "metadata": {"name": "a-step"},
    "status": {"containerStatuses": [{"state": {"running": {}}, "containerID": "containerd://0a1b"}]},
}
DELETION = Fault(at=0.0, kind="step-deleted", away=0.0, choice=0.5)


class Away:
    """An API server that does not answer for so many calls; then there are these pods."""

    def __init__(self, calls: int, *pods: dict[str, Any]) -> None:
        self.calls = calls
        self.pods = pods
        self.deleted: list[str] = []

    async def list(self, *_: object) -> tuple[list[dict[str, Any]], str]:
        self.calls -= 1
        if self.calls >= 0:
            raise KubeError(0, "NoAnswer", "nobody answers")
        return list(self.pods), "1"

    async def delete(self, path: str) -> None:
        self.deleted.append(path)


@pytest.fixture(autouse=True)
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PATIENCE", -1.0)
    monkeypatch.setattr(faults, "LOOK", 0.0)


def strike(kube: Away) -> Faults:
    cluster = Cluster(cast("Kube", kube), "chaos")
    struck = Faults(cluster, OperatorLogs(cluster))
    asyncio.run(struck.strike(DELETION))
    return struck


def test_a_fault_outlasts_an_api_server_that_other_faults_have_taken_away() -> None:
    kube = Away(3, STEP)
    struck = strike(kube)
    assert (dict(struck.done), dict(struck.missed)) == ({"step-deleted": 1}, {})
    assert kube.deleted == ["/api/v1/namespaces/chaos/pods/a-step"]


def test_a_fault_that_finds_nothing_to_strike_is_missed() -> None:
    struck = strike(Away(0))
    assert (dict(struck.done), dict(struck.missed)) == ({}, {"step-deleted": 1})


def test_an_api_server_that_never_comes_back_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "OUTAGE_PATIENCE", -1.0)
    struck = strike(Away(3, STEP))
    assert (dict(struck.done), dict(struck.missed)) == ({}, {"step-deleted": 1})
