"""Commands that go on, against the simulated API server over HTTP: what they say meanwhile, and how they end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from kubesaga.client import AsyncKubesaga, TaskRequest
from kubesaga.engine.vocabulary import ActionType, DesiredState
from tests.cli import stories
from tests.cli.recorded import recorded
from tests.client.cluster import NAMESPACE, Cluster, play, template, until
from tests.client.pod_logs import pod
from tests.engine.world import World

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]


def record(cluster: Cluster, played: World) -> None:
    """As the operator: the Task's status, as the engine has made it."""
    cluster.status("order-1", **recorded(played)["status"])


def ended() -> World:
    """The Task after its approval was given."""
    played = stories.unanswered()
    played.applied(ActionType.APPROVE, "signature")
    return played.run()


def on_cluster(folder: Path) -> list[str]:
    return ["-n", NAMESPACE, "--kubeconfig", str(folder / "kubeconfig")]


def in_time(folder: Path) -> list[str]:
    """A thread that waits for ever would keep the test from failing."""
    return ["--timeout", "30s", *on_cluster(folder)]


@pytest.mark.parametrize("words", [["wait", "order-1"], ["submit", "fulfil", "--name", "order-1", "--wait"]])
def test_who_waits_is_told_what_is_asked_of_humans_and_how_to_answer(
    words: list[str], tmp_path: Path, capsys: Capture
) -> None:
    options = in_time(tmp_path)

    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        cluster.server.create(template())
        record(cluster, stories.unanswered())
        waiting = asyncio.create_task(asyncio.to_thread(main, [*words, *options]))
        await until(cluster.watches)
        record(cluster, ended())
        assert await waiting == ExitCode.DONE

    play(tmp_path, act)
    out, err = capsys.readouterr()
    assert out.startswith("Task order-1 ended Complete, outcome Succeeded")
    told = err.splitlines()
    at = told.index("Task order-1 waits for an answer to the approval signature: approve it or reject it")
    assert told[at + 1] == f"hint: kubesaga approve order-1 signature -n shop --kubeconfig {tmp_path}/kubeconfig"
    assert sum(line in told[at] for line in told) == 1


def test_what_a_sub_workflow_asks_is_told_to_who_waits_for_its_parent(tmp_path: Path, capsys: Capture) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        parent = await saga.submit(TaskRequest("fulfil", name="parent"))
        labels = {"kubesaga.dev/parent-uid": parent.uid, "kubesaga.dev/parent-step": "below"}
        await saga.submit(TaskRequest("fulfil", name="order-1", labels=labels))
        cluster.status(
            "parent",
            state="WaitingForDependencies",
            steps=[{"name": "below", "state": "InProgress", "attempt": 1, "childName": "order-1"}],
        )
        record(cluster, stories.unanswered())
        waiting = asyncio.create_task(asyncio.to_thread(main, ["wait", "parent", *in_time(tmp_path)]))
        await until(cluster.watches)
        await until(lambda: cluster.requests.count(("GET", CHILDREN)) >= 2)
        cluster.status("parent", state="Complete", outcome="Succeeded")
        assert await waiting == ExitCode.DONE

    play(tmp_path, act)
    assert "hint: kubesaga approve order-1 signature -n shop" in capsys.readouterr().err


CHILDREN = f"/apis/kubesaga.dev/v1alpha1/namespaces/{NAMESPACE}/tasks"


def test_a_task_that_needs_attention_ends_the_waiting_with_the_way_to_its_remedies(
    tmp_path: Path, capsys: Capture
) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        record(cluster, stories.stuck())
        code = await asyncio.to_thread(main, ["wait", "order-1", *in_time(tmp_path)])
        assert code == ExitCode.NEEDS_HUMAN

    play(tmp_path, act)
    out, err = capsys.readouterr()
    assert out.startswith("Task order-1 needs attention: could not undo: charge")
    assert err == (f"hint: see what you can do: kubesaga explain order-1 -n shop --kubeconfig {tmp_path}/kubeconfig\n")


def test_a_task_that_was_just_resumed_needs_no_attention_any_more(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        await saga.suspend("order-1")
        played = stories.stuck()
        played.applied(ActionType.RETRY_COMPENSATION, "charge")
        played.desired = DesiredState.SUSPENDED
        played.pass_once()
        held = played.status.attention
        assert held is not None
        assert held.reason == "Suspended"
        record(cluster, played)
        assert (await saga.wait("order-1", attention=True)).needs_attention is not None
        await saga.resume("order-1")
        waiting = asyncio.create_task(asyncio.to_thread(main, ["wait", "order-1", *in_time(tmp_path)]))
        await until(cluster.watches)
        record(cluster, stories.compensated())
        assert await waiting == ExitCode.COMPENSATED

    play(tmp_path, act)


def test_a_reader_who_has_gone_ends_logs_that_are_followed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kubesaga.cli", "logs", "order-1", "--follow", *on_cluster(tmp_path)]

    def read_nothing() -> subprocess.CompletedProcess[str]:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            return subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
        finally:
            os.close(writing)

    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="order-1"))
        step = {"name": "pay", "state": "InProgress", "attempt": 1, "jobName": "order-1-pay"}
        cluster.status("order-1", state="StepsInProcess", steps=[step])
        cluster.pod(pod("order-1-pay-x", dict(task.raw), "pay", 1))
        cluster.logs.write("order-1-pay-x", "one", "two")
        left = await asyncio.to_thread(read_nothing)
        assert (left.returncode, left.stderr) == (ExitCode.BROKEN_PIPE, "")

    play(tmp_path, act)


def test_the_log_of_a_step_is_followed_before_its_task_has_started(tmp_path: Path, capsys: Capture) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="order-1"))
        following = asyncio.create_task(
            asyncio.to_thread(main, ["logs", "order-1", "pay", "-f", *on_cluster(tmp_path)])
        )
        await until(cluster.watches)
        cluster.pod(pod("order-1-pay-x", dict(task.raw), "pay", 1), "Succeeded")
        cluster.logs.write("order-1-pay-x", "one", "two")
        cluster.logs.end("order-1-pay-x")
        step = {"name": "pay", "state": "Complete", "outcome": "Succeeded", "attempt": 1, "jobName": "order-1-pay"}
        cluster.status("order-1", state="StepsInProcess", steps=[step])
        assert await following == ExitCode.DONE

    play(tmp_path, act)
    assert capsys.readouterr() == ("one\ntwo\n", "")


def test_attempts_that_passed_while_the_watch_was_cut_off_are_read_too(tmp_path: Path, capsys: Capture) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="order-1"))
        for attempt in (1, 2, 3):
            cluster.pod(pod(f"pay-{attempt}", dict(task.raw), "pay", attempt), "Succeeded")
            cluster.logs.write(f"pay-{attempt}", f"attempt {attempt}")
            cluster.logs.end(f"pay-{attempt}")
        step = {"name": "pay", "state": "InProgress", "attempt": 1, "jobName": "order-1-pay"}
        cluster.status("order-1", state="StepsInProcess", steps=[step])
        following = asyncio.create_task(
            asyncio.to_thread(main, ["logs", "order-1", "pay", "-f", *on_cluster(tmp_path)])
        )
        await until(cluster.watches)
        cluster.status("order-1", steps=[{**step, "state": "Complete", "outcome": "Succeeded", "attempt": 3}])
        assert await following == ExitCode.DONE

    play(tmp_path, act)
    out, err = capsys.readouterr()
    assert (sorted(out.splitlines()), err) == (["attempt 1", "attempt 2", "attempt 3"], "")


def test_a_step_that_the_task_turns_out_not_to_have_is_not_followed(tmp_path: Path, capsys: Capture) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="order-1"))
        following = asyncio.create_task(
            asyncio.to_thread(main, ["logs", "order-1", "pya", "-f", *on_cluster(tmp_path)])
        )
        await until(cluster.watches)
        cluster.status("order-1", state="StepsInProcess", steps=[{"name": "pay", "state": "Pending"}])
        assert await following == ExitCode.NOT_FOUND

    play(tmp_path, act)
    assert capsys.readouterr().err == "error: Task order-1 has no step 'pya'\nhint: did you mean pay?\n"


def test_logs_that_are_followed_onto_a_full_disk_end_with_a_word_about_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kubesaga.cli", "logs", "order-1", "--follow", *on_cluster(tmp_path)]

    def write_nowhere() -> subprocess.CompletedProcess[str]:
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            return subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)

    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="order-1"))
        step = {"name": "pay", "state": "InProgress", "attempt": 1, "jobName": "order-1-pay"}
        cluster.status("order-1", state="StepsInProcess", steps=[step])
        cluster.pod(pod("order-1-pay-x", dict(task.raw), "pay", 1))
        cluster.logs.write("order-1-pay-x", "one")
        left = await asyncio.to_thread(write_nowhere)
        assert (left.returncode, left.stderr.splitlines()[0]) == (ExitCode.USAGE, "error: no space left on device")

    play(tmp_path, act)
