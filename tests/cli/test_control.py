"""``suspend`` and ``resume`` where they would change nothing, against the simulated API server over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from kubesaga.client import AsyncKubesaga, TaskRequest
from tests.client.cluster import NAMESPACE, Cluster, play

pytestmark = pytest.mark.slow


def test_what_is_suspended_with_its_parent_is_resumed_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="below"))
        parent = {"name": "above", "uid": "u", "step": "sub"}
        cluster.status(
            "below", state="WaitingForDependencies", suspendedSince="2026-01-01T00:00:00.000000Z", parent=parent
        )
        words = ["resume", "below", "-n", NAMESPACE, "--kubeconfig", f"{tmp_path}/kubeconfig"]
        assert await asyncio.to_thread(main, words) == ExitCode.REFUSED
        await saga.suspend("below")
        assert await asyncio.to_thread(main, words) == ExitCode.DONE

    play(tmp_path, act)
    out, err = capsys.readouterr()
    assert err == "error: Task below is suspended with its parent Task above\nhint: kubesaga resume above -n shop\n"
    assert out == "Task below goes on\n"


def test_what_is_not_suspended_is_not_said_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def act(saga: AsyncKubesaga, _: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        words = ["resume", "order-1", "-n", NAMESPACE, "--kubeconfig", f"{tmp_path}/kubeconfig"]
        assert await asyncio.to_thread(main, words) == ExitCode.DONE

    play(tmp_path, act)
    assert capsys.readouterr().out == "Task order-1 is not suspended\n"


@pytest.mark.parametrize("verb", ["suspend", "resume"])
def test_a_cancellation_cannot_be_taken_back(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def act(saga: AsyncKubesaga, _: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        await saga.cancel("order-1")
        words = [verb, "order-1", "-n", NAMESPACE, "--kubeconfig", f"{tmp_path}/kubeconfig"]
        assert await asyncio.to_thread(main, words) == ExitCode.REFUSED

    play(tmp_path, act)
    assert "error: Task order-1 is being cancelled, which cannot be taken back\n" in capsys.readouterr().err
