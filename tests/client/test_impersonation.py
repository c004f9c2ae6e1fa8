"""A kubeconfig's user that acts as somebody else does so in every request, as with kubectl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubesaga.client import Misconfigured
from kubesaga.client.base import Base
from kubesaga.client.impersonation import impersonation
from kubesaga.kube.client import Kube, tasks_path
from tests.kube.server import Api, ok, serve


def requests_as(folder: Path, **fields: Any) -> Api:
    """What a server is asked by the client of a kubeconfig whose user has these fields besides."""
    api = Api(ok({"kind": "Task"}))

    def extend(file: Path) -> None:
        config = json.loads(file.read_text("utf-8"))
        config["users"][0]["user"].update(fields)
        file.write_text(json.dumps(config), "utf-8")

    async def connect(path: str) -> Kube:
        extend(Path(path))
        return (await Base.open(path)).kube

    async def use(kube: Kube) -> None:
        await kube.get(tasks_path("shop", "order-1"))
        await kube.merge_patch(tasks_path("shop", "order-1"), {"spec": {}})

    serve(folder, api, use, connect)
    return api


def test_every_request_says_whom_it_is_made_as(tmp_path: Path) -> None:
    more = {"as-groups": ["sales", "ops"], "as-uid": "7", "as-user-extra": {"Scopes/a": ["x", "y"]}}
    api = requests_as(tmp_path, **{"as": "alice", **more})
    assert len(api.requests) == 2
    for request in api.requests:
        assert request.headers["Authorization"] == "Bearer t0"
        said = [(name, value) for name, value in request.headers.items() if name.startswith("Impersonate-")]
        assert said == [
            ("Impersonate-User", "alice"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Group", "sales"),
            ("Impersonate-Group", "ops"),
            ("Impersonate-Extra-scopes%2Fa", "x"),
            ("Impersonate-Extra-scopes%2Fa", "y"),
        ]


def test_a_user_of_their_own_is_nobody_else(tmp_path: Path) -> None:
    (request, _) = requests_as(tmp_path).requests
    assert [name for name in request.headers if name.startswith("Impersonate-")] == []


def test_groups_without_a_user_are_refused() -> None:
    with pytest.raises(Misconfigured, match="has as-groups and no as"):
        impersonation({"as-groups": ["sales"]})
