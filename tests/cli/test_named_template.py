"""A template that is not there: which one was meant; against the simulated API server over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from kubesaga.client import AsyncKubesaga
from tests.client.cluster import NAMESPACE, Cluster, play, template

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("fulfill", "did you mean default/fulfil@1.0.0?"),
        ("fulfil@^2", "did you mean default/fulfil@1.0.0?"),
        ("orders/fulfil", "did you mean default/fulfil@1.0.0?"),
        ("refund", "namespace shop has: default/fulfil@1.0.0, default/ship@1.0.0"),
    ],
)
def test_only_what_looks_like_it_was_meant(
    asked: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(_: AsyncKubesaga, cluster: Cluster) -> None:
        for name in ("fulfil", "ship"):
            cluster.server.create(template(name))
        words = ["templates", "show", asked, "-n", NAMESPACE, "--kubeconfig", f"{tmp_path}/kubeconfig"]
        assert await asyncio.to_thread(main, words) == ExitCode.NOT_FOUND

    play(tmp_path, act)
    assert capsys.readouterr().err.splitlines()[-1] == f"hint: {hint}"
