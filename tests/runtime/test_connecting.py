"""The operator's calls: who it says it is, and what is counted of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesaga import __version__
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime import metrics
from kubesaga.runtime.connecting import connect_kube
from tests.kube.server import Api, failure, serve


def test_calls_are_made_as_the_operator_and_counted_by_verb_resource_and_code(tmp_path: Path) -> None:
    labels = {"verb": "GET", "resource": "tasks/status", "code": "404"}
    before = metrics.REGISTRY.get_sample_value("kubesaga_api_requests_total", labels) or 0

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError):
            await kube.get(tasks_path("shop", "a", "status"))

    api = Api(failure(404, "NotFound"))
    serve(tmp_path, api, use, connect_kube)
    assert metrics.REGISTRY.get_sample_value("kubesaga_api_requests_total", labels) == before + 1
    assert api.requests[0].headers["User-Agent"] == f"kubesaga-operator/{__version__}"
