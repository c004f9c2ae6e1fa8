"""Logs of steps: attempt after attempt, followed, and read on after a connection was cut."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubesaga.client import AsyncKubesaga, LogLine, NoResult, NotFound, Role, TaskRequest, patient
from tests.client.cluster import Cluster, play
from tests.client.pod_logs import pod

RUNNING = {"name": "pay", "state": "InProgress", "attempt": 1}
DONE = {"name": "pay", "state": "Complete", "outcome": "Succeeded", "attempt": 2}


async def begin(saga: AsyncKubesaga, cluster: Cluster, *steps: dict[str, object]) -> dict[str, object]:
    """A Task ``a`` whose steps are so far."""
    await saga.submit(TaskRequest("fulfil", name="a"))
    return cluster.status("a", state="StepsInProcess", steps=list(steps))


async def read(
    saga: AsyncKubesaga,
    step: str = "pay",
    attempt: int | None = None,
    role: Role = Role.FORWARD,
    follow: bool = False,
    tail: int | None = None,
) -> list[LogLine]:
    """All lines."""
    lines = saga.logs("a", step, attempt=attempt, role=role, follow=follow, tail=tail)
    return [line async for line in lines]


def test_the_logs_of_all_attempts_come_in_their_order(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, DONE, {"name": "ship", "state": "Pending"})
        for name, attempt, role in (("p2", 2, "forward"), ("p1", 1, "forward"), ("u1", 1, "compensation")):
            cluster.pod(pod(name, task, "pay", attempt, role), "Succeeded")
            cluster.logs.write(name, f"{name} one", f"{name} two")
        lines = await read(saga)
        assert [str(line) for line in lines] == ["p1 one", "p1 two", "p2 one", "p2 two"]
        assert [(line.attempt, line.pod, line.role) for line in lines[::2]] == [
            (1, "p1", Role.FORWARD),
            (2, "p2", Role.FORWARD),
        ]
        assert lines[1].at is not None
        assert lines[1].at.second == 1
        assert [str(line) for line in await read(saga, attempt=2)] == ["p2 one", "p2 two"]
        assert [str(line) for line in await read(saga, tail=1)] == ["p1 two", "p2 two"]
        assert [str(line) for line in await read(saga, role=Role.COMPENSATION)] == ["u1 one", "u1 two"]
        with pytest.raises(NoResult, match="it has not run"):
            await read(saga, "ship")
        with pytest.raises(NoResult, match="no pod of it is there"):
            await read(saga, attempt=3)
        with pytest.raises(NotFound, match="has no step pya"):
            await read(saga, "pya")

    play(tmp_path, act)


def test_a_step_is_followed_through_its_attempts_to_its_end(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, RUNNING)
        first = pod("p1", task, "pay", 1)
        cluster.pod(first, "Pending")
        cluster.logs.starting.add("p1")
        following = asyncio.create_task(read(saga, follow=True))
        await asyncio.sleep(0.05)
        cluster.logs.starting.clear()
        cluster.logs.write("p1", "one", "two")
        await asyncio.sleep(0.05)
        cluster.logs.write("p1", "three")
        cluster.logs.end("p1")
        cluster.pod(first, "Failed")
        await asyncio.sleep(0.05)
        assert not following.done()
        cluster.pod(pod("p2", task, "pay", 2), "Succeeded")
        cluster.logs.write("p2", "again")
        cluster.logs.end("p2")
        cluster.status("a", steps=[DONE])
        assert [(line.attempt, str(line)) for line in await following] == [
            (1, "one"),
            (1, "two"),
            (1, "three"),
            (2, "again"),
        ]

    play(tmp_path, act)


def test_what_begins_and_ends_between_two_looks_is_read_all_the_same(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, RUNNING)
        quick = pod("p1", task, "pay", 1)
        cluster.pod(quick, "Pending")
        cluster.logs.starting.add("p1")

        def run(name: str) -> None:
            cluster.logs.starting.clear()
            cluster.logs.write(name, "short")
            cluster.logs.end(name)
            cluster.pod(quick, "Succeeded")
            cluster.status("a", steps=[{**DONE, "attempt": 1}])

        cluster.logs.when_refused = run
        assert [str(line) for line in await read(saga, follow=True)] == ["short"]

    play(tmp_path, act)


@pytest.mark.parametrize("over", [True, False], ids=["over", "running"])
def test_a_log_that_the_kubelet_cannot_read_yet_is_asked_for_again(tmp_path: Path, over: bool) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, DONE)
        cluster.pod(pod("p1", task, "pay", 2), "Succeeded" if over else "Running")
        cluster.logs.write("p1", "here")
        cluster.logs.end("p1")
        cluster.logs.unreadable["p1"] = 3 if over else 25

        def end(name: str) -> None:
            if not cluster.logs.unreadable[name]:
                cluster.pod(pod("p1", task, "pay", 2), "Succeeded")

        cluster.logs.when_refused = end
        assert [str(line) for line in await read(saga, follow=not over)] == ["here"]

    play(tmp_path, act)


def test_a_log_is_followed_through_an_absence_of_the_api_server(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, RUNNING)
        running = pod("p1", task, "pay", 1)
        cluster.pod(running)
        cluster.logs.cuts = 1
        cluster.logs.write("p1", "one")
        lines = saga.logs("a", "pay", follow=True)
        assert str(await anext(lines)) == "one"
        cluster.refuse(503, "ServiceUnavailable", times=4 * patient.TRIES)
        cluster.logs.write("p1", "two")
        assert str(await anext(lines)) == "two"
        cluster.refuse(503, "ServiceUnavailable", times=4 * patient.TRIES)
        cluster.pod(running, "Succeeded")
        cluster.logs.end("p1")
        cluster.status("a", steps=[{**DONE, "attempt": 1}])
        assert [str(line) async for line in lines] == []

    play(tmp_path, act)


@pytest.mark.parametrize("follow", [True, False], ids=["follow", "once"])
def test_a_log_that_stays_unreadable_is_told_as_lost(tmp_path: Path, follow: bool) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, DONE)
        cluster.pod(pod("p1", task, "pay", 2), "Succeeded")
        cluster.logs.unreadable["p1"] = 1000
        with pytest.raises(NoResult, match="the log of pod p1 cannot be read: failed to try resolving") as error:
            await read(saga, follow=follow)
        assert "does not come back" in error.value.remedy
        assert 1000 - cluster.logs.unreadable["p1"] > 1

    play(tmp_path, act)


def test_a_pod_of_which_its_kubelet_has_not_heard_yet_is_waited_for(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, RUNNING)
        cluster.pod(pod("p1", task, "pay", 1), "Pending")
        cluster.logs.unknown.add("p1")
        refusals: list[str] = []

        def run(name: str) -> None:
            refusals.append(name)
            if len(refusals) < 8:
                return
            cluster.logs.unknown.clear()
            cluster.logs.write(name, "late")
            cluster.logs.end(name)
            cluster.pod(pod("p1", task, "pay", 1), "Succeeded")
            cluster.status("a", steps=[{**DONE, "attempt": 1}])

        cluster.logs.when_refused = run
        assert [str(line) for line in await read(saga, follow=True)] == ["late"]

    play(tmp_path, act)


def test_a_log_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, DONE)
        cluster.pod(pod("p1", task, "pay", 2), "Succeeded")
        cluster.logs.write("p1", "one", "two", "three", "four")
        cluster.logs.end("p1")
        cluster.logs.cuts = 2
        assert [str(line) for line in await read(saga, follow=True)] == ["one", "two", "three", "four"]

    play(tmp_path, act)


def test_the_log_of_a_pod_that_never_started_is_empty(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await begin(saga, cluster, RUNNING)
        cluster.pod(pod("p1", task, "pay", 1), "Pending")
        cluster.logs.starting.add("p1")
        assert await read(saga) == []

    play(tmp_path, act)
