"""Tasks: submitted, listed, waited for, watched, cancelled, deleted; on the simulated API server, over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from kubesaga.client import (
    AlreadyExists,
    AsyncKubesaga,
    DesiredState,
    Invalid,
    NoResult,
    NotFound,
    RunningSteps,
    TaskFailed,
    TaskOutcome,
    TaskRequest,
    TaskState,
    WaitTimeout,
    patient,
    watching,
)
from kubesaga.kube.client import tasks_path
from tests.client.cluster import NAMESPACE, Cluster, pass_time, play, until

ENDED = {"state": "Complete", "outcome": "Succeeded", "message": "all steps are done"}


def test_a_request_is_stored_as_it_is_asked_for(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(
            TaskRequest(
                "orders/fulfil@^1", {"order": 4711}, tags=["a"], initiator="shop", priority=3, labels={"team": "x"}
            )
        )
        assert task.name.startswith("fulfil-")
        assert task.state is TaskState.PENDING
        assert (task.outcome, task.finished, task.template) == (None, False, None)
        stored = cluster.server.peek("tasks", NAMESPACE, task.name)
        assert stored is not None
        assert stored["spec"]["templateRef"] == {"domain": "orders", "name": "fulfil", "version": "^1"}
        assert stored["spec"]["context"] == {"order": 4711}
        assert stored["metadata"]["labels"] == {"team": "x"}

    play(tmp_path, act)


def test_the_same_request_under_the_same_name_is_the_same_task(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        request = TaskRequest("fulfil", {"order": 1}, name="order-1")
        first = await saga.submit(request)
        assert (await saga.submit(request)).uid == first.uid
        await saga.suspend("order-1")  # what may change makes no other request of it
        assert (await saga.submit(request)).uid == first.uid
        with pytest.raises(AlreadyExists, match="order-1 in namespace shop that asks for something else") as refused:
            await saga.submit(TaskRequest("fulfil", {"order": 2}, name="order-1"))
        assert "another name" in refused.value.remedy
        assert len(cluster.server.all("tasks")) == 1

    play(tmp_path, act)


def test_an_answer_that_is_lost_does_not_make_a_second_task(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        cluster.lost = 2
        task = await saga.submit(TaskRequest("fulfil"))
        assert [found["metadata"]["uid"] for found in cluster.server.all("tasks")] == [task.uid]
        cluster.lost = 1
        await saga.delete(task.name)
        assert cluster.server.all("tasks") == []

    play(tmp_path, act)


def test_a_dry_run_is_checked_and_stores_nothing(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="try"), dry_run=True)
        assert task.name == "try"
        assert cluster.server.all("tasks") == []

    play(tmp_path, act)


def test_tasks_are_listed_by_what_they_are(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for name, template in (("a", "fulfil@^1"), ("b", "orders/fulfil"), ("c", "fulfil")):
            await saga.submit(TaskRequest(template, name=name, labels={"name": name}))
        await saga.submit(TaskRequest("fulfil", name="elsewhere"), namespace="default")
        cluster.status("c", **ENDED)
        assert [task.name for task in await saga.list()] == ["a", "b", "c"]
        assert [task.name for task in await saga.list(all_namespaces=True)] == ["a", "b", "c", "elsewhere"]
        assert [task.name for task in await saga.list(namespace="default")] == ["elsewhere"]
        assert [task.name for task in await saga.list(state=TaskState.COMPLETE)] == ["c"]
        assert [task.name for task in await saga.list(outcome=TaskOutcome.SUCCEEDED)] == ["c"]
        assert [task.name for task in await saga.list(template="fulfil")] == ["a", "c"]
        assert [task.name for task in await saga.list(template="fulfil@^1")] == ["a"]
        assert [task.name for task in await saga.list(selector={"name": "b"})] == ["b"]
        assert [task.name for task in await saga.list(selector="name in (a,b)")] == ["a", "b"]

    play(tmp_path, act)


def test_waiting_ends_with_the_task(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        waiting = asyncio.create_task(saga.wait("a", timeout=30))
        await until(lambda: cluster.watches() == 1)
        cluster.status("a", state="StepsInProcess", progress="0/1")
        cluster.status("a", **ENDED, progress="1/1")
        task = await waiting
        assert (task.outcome, task.progress, task.succeeded) == (TaskOutcome.SUCCEEDED, "1/1", True)
        assert task.raise_for_outcome() is task
        assert (await saga.wait("a")).uid == task.uid
        assert cluster.watches() == 1

    play(tmp_path, act)


def test_waiting_survives_dropped_watches_servers_that_fail_and_a_lost_history(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        waiting = asyncio.create_task(saga.wait("a"))
        await until(lambda: cluster.watches() == 1)
        cluster.drop()
        await until(lambda: cluster.watches() == 2)
        cluster.refuse(503, "ServiceUnavailable", times=6)
        cluster.drop()
        await until(lambda: cluster.watches() == 9)
        cluster.refuse(410, "Expired")
        cluster.drop()
        await until(lambda: cluster.watches() == 11)
        assert not waiting.done()
        cluster.status("a", state="Error", outcome="Aborted", message="step pay failed")
        task = await waiting
        assert not task.succeeded
        with pytest.raises(TaskFailed, match="Task a ended Aborted: step pay failed"):
            task.raise_for_outcome()

    play(tmp_path, act)


def test_a_server_that_fails_right_after_a_lost_history_is_waited_for_too(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        waiting = asyncio.create_task(saga.wait("a"))
        await until(lambda: cluster.watches() == 1)
        cluster.refuse(410, "Expired")
        cluster.refuse(503, "ServiceUnavailable", times=patient.TRIES)
        cluster.drop()
        await until(lambda: cluster.watches() == 3)
        cluster.status("a", **ENDED)
        assert (await waiting).succeeded

    play(tmp_path, act)


def test_a_server_that_fails_right_after_the_task_was_read_is_waited_for_too(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="a"))
        cluster.status("a", **ENDED)
        cluster.refuse(503, "ServiceUnavailable", times=2 * patient.TRIES)
        selection = watching.Selection(tasks_path(NAMESPACE))
        async with aclosing(watching.changes(saga.kube, selection, [dict(task.raw)])) as told:
            type_, found = await anext(told)
        assert (type_, found["status"]["state"]) == ("MODIFIED", "Complete")

    play(tmp_path, act)


def test_what_happened_while_the_history_was_lost_is_told(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for name in ("a", "b"):
            await saga.submit(TaskRequest("fulfil", name=name))
        async with aclosing(saga.watch()) as tasks:
            assert {(await anext(tasks)).name, (await anext(tasks)).name} == {"a", "b"}
            reading = asyncio.ensure_future(anext(tasks))
            await until(lambda: cluster.watches() == 1)
            cluster.refuse(410, "Expired")
            cluster.drop()
            cluster.server.delete("tasks", NAMESPACE, "a")
            cluster.status("b", state="StepsInProcess")
            gone, changed = await reading, await anext(tasks)
            assert (gone.name, gone.deleted) == ("a", True)
            assert (changed.name, changed.state) == ("b", TaskState.STEPS_IN_PROCESS)
            reading = asyncio.ensure_future(anext(tasks))
            await until(lambda: cluster.watches() == 3)
            cluster.status("b", **ENDED)
            assert (await reading).finished

    play(tmp_path, act)


def test_one_task_is_watched_until_it_is_deleted(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        seen = []
        async for task in saga.watch("a"):
            seen.append((str(task.state), task.deleted))
            if len(seen) == 1:
                cluster.status("a", **ENDED)
            elif not task.deleted:
                await saga.delete("a")
        assert seen == [("Pending", False), ("Complete", False), ("Complete", True)]

    play(tmp_path, act)


def test_a_wait_that_is_in_vain_says_why(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        with pytest.raises(NotFound, match="a"):
            await saga.wait("a")
        await saga.submit(TaskRequest("fulfil", name="a"))
        waiting = asyncio.create_task(saga.wait("a", timeout=9))
        await until(lambda: cluster.watches() == 1)
        pass_time(9)
        with pytest.raises(WaitTimeout, match="Task a has not ended within 9 s: it is Pending") as late:
            await waiting
        assert "operator" in late.value.remedy
        attention = {"type": "NeedsAttention", "status": "True", "reason": "StepNotStopped", "message": "confirm it"}
        cluster.status("a", state="Compensating", message="undoing", conditions=[attention | _RULES])
        waiting = asyncio.create_task(saga.wait("a", timeout=9))
        await until(lambda: cluster.watches() == 2)
        pass_time(9)
        with pytest.raises(WaitTimeout) as late:
            await waiting
        assert late.value.remedy == "confirm it"
        assert late.value.task is not None
        task = await saga.wait("a", attention=True)
        assert task.needs_attention is not None
        assert task.needs_attention.reason == "StepNotStopped"
        with pytest.raises(NoResult, match="has not ended: it is Compensating"):
            task.raise_for_outcome()
        waiting = asyncio.create_task(saga.wait("a"))
        await until(lambda: cluster.watches() == 3)
        await saga.delete("a")
        with pytest.raises(NotFound, match="was deleted while it was waited for"):
            await waiting

    play(tmp_path, act)


def test_a_task_is_suspended_resumed_and_cancelled(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, _: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        assert (await saga.suspend("a")).desired_state is DesiredState.SUSPENDED
        assert (await saga.resume("a")).desired_state is DesiredState.RUNNING
        task = await saga.cancel("a", compensate=True)
        assert task.desired_state is DesiredState.CANCELLED
        assert task.spec["cancellation"] == {"mode": "Drain", "compensate": True}
        task = await saga.cancel("a", mode=RunningSteps.TERMINATE)
        assert task.spec["cancellation"] == {"mode": "Terminate", "compensate": True}
        with pytest.raises(NotFound):
            await saga.cancel("b")

    play(tmp_path, act)


def test_a_rule_that_is_broken_is_told_with_its_causes(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        details = {"causes": [{"field": "spec", "message": "desiredState cannot be changed once it is Cancelled"}]}
        cluster.refuse_with(422, {"reason": "Invalid", "message": "Task a is invalid", "details": details})
        with pytest.raises(Invalid, match="resuming Task a: spec: desiredState cannot be changed") as refused:
            await saga.resume("a")
        assert [cause.field for cause in refused.value.causes] == ["spec"]

    play(tmp_path, act)


_RULES = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
