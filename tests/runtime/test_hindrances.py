"""What the API server keeps refusing for one step holds up nothing else of its Task, through the whole operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kubesaga.kube.client import KubeError, actions_path, configmaps_path, jobs_path, tasks_path

from .objects import NS
from .world import World, done, endless, fails

CANCEL = {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate"}}


def job_of(world: World, step: str) -> str:
    """The name of the Job of a step's latest attempt, in the Task ``t``."""
    return str(next(each["jobName"] for each in world.status("t")["steps"] if each["name"] == step))


def attention(world: World) -> str:
    """Why the Task ``t`` needs a human."""
    conditions = {each["type"]: each for each in world.status("t")["conditions"]}
    assert conditions["NeedsAttention"]["status"] == "True"
    return str(conditions["NeedsAttention"]["reason"])


def is_stopped(world: World, step: str) -> bool:
    """Whether the step's Job has been told to stop."""
    return bool(world.kube.at(jobs_path(NS, job_of(world, step)))["spec"].get("parallelism") == 0)


def refusing(method: str, path: str, why: str) -> Callable[[str, str], KubeError | None]:
    """An API server that forbids this one call."""
    return lambda asked, at: KubeError(403, "Forbidden", why) if (asked, at) == (method, path) else None


def test_what_runs_is_stopped_although_the_job_of_another_step_is_refused() -> None:
    async def act(world: World) -> None:
        asked: list[str] = []

        def full(method: str, path: str) -> KubeError | None:
            if method != "POST" or path != jobs_path(NS):
                return None
            asked.append(path)
            return None if len(asked) == 1 else KubeError(403, "Forbidden", "exceeded quota: jobs")

        world.template("order", {"name": "a"}, {"name": "b"})
        world.script["a"] = [endless()]
        world.kube.broken = full
        world.task("t", "order")
        await world.until(lambda: "a" in world.started)
        world.change("t", **CANCEL)
        await world.until(lambda: is_stopped(world, "a"))
        await world.until(lambda: world.steps("t")["a"] == "Cancelled")
        await asyncio.sleep(600)
        assert attention(world) == "FenceRefused"
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Cancelled")

    assert World().play(act).started == ["a"]


def test_a_lost_job_whose_fence_is_refused_is_named_with_what_helps() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.script["a"] = [endless(), done()]
        world.task("t", "order")
        await world.until(lambda: world.steps("t") == {"a": "InProgress"})
        world.kube.broken = refusing("POST", jobs_path(NS), "exceeded quota: jobs")
        await world.kube.delete(jobs_path(NS, job_of(world, "a")))
        await asyncio.sleep(600)
        assert attention(world) == "FenceRefused"
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Complete")

    assert World().play(act).started == ["a", "a"]


def test_a_result_that_a_quota_keeps_from_being_stored_is_named_once_and_goes_on_when_there_is_room() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, {"name": "b", "dependsOn": ["a"]})
        world.script["a"] = [done("x" * 5000)]
        world.kube.broken = refusing("POST", configmaps_path(NS), "exceeded quota: configmaps")
        world.task("t", "order")
        await world.until(lambda: "exceeded quota: configmaps" in world.status("t").get("message", ""))
        assert attention(world) == "ResultNotStored"
        version = world.kube.at(tasks_path(NS, "t"))["metadata"]["resourceVersion"]
        await asyncio.sleep(600)
        assert world.kube.at(tasks_path(NS, "t"))["metadata"]["resourceVersion"] == version
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Complete")
        assert "attention" not in world.status("t")["message"]

    assert World().play(act).started == ["a", "b"]


def test_a_claim_that_a_quota_refuses_is_told_where_a_human_looks() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, identityStrategy="Strict")
        world.kube.broken = refusing("POST", configmaps_path(NS), "exceeded quota: configmaps")
        world.task("t", "order")
        await world.until(lambda: "ClaimRefused" in [event["reason"] for event in world.kube.all("events")])
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Complete")

    assert World().play(act).started == ["a"]


def test_what_can_be_stopped_is_stopped_although_another_stop_is_refused() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, {"name": "b"})
        world.script |= {"a": [endless()], "b": [endless()]}
        world.task("t", "order")
        await world.until(lambda: {"a", "b"} <= {*world.started})
        world.kube.broken = refusing("PATCH", jobs_path(NS, job_of(world, "a")), "a webhook's mood")
        world.change("t", **CANCEL)
        await world.until(lambda: is_stopped(world, "b"))
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Cancelled")

    World().play(act)


def test_work_goes_on_although_the_answer_to_an_action_is_refused() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, {"name": "b", "dependsOn": ["a"]})
        world.script["a"] = [fails()]
        world.task("t", "order")
        await world.until_state("t", "Error")
        world.script["a"] = []
        world.kube.broken = refusing("PATCH", actions_path(NS, "again", "status"), "a webhook's mood")
        world.act("again", "t", "Retry")
        await world.until_state("t", "Complete")
        assert world.verdict("again")[0] == ""
        world.kube.broken = lambda _method, _path: None
        await world.until(lambda: world.verdict("again")[0] == "Applied")

    assert World().play(act).started == ["a", "a", "b"]


@pytest.mark.parametrize("asked", [0.0, 86_400.0])
def test_a_server_that_asks_to_come_again_at_once_or_tomorrow_is_asked_again_in_good_time(asked: float) -> None:
    refused: list[str] = []

    async def act(world: World) -> None:
        def busy(method: str, path: str) -> KubeError | None:
            if method != "POST" or path != jobs_path(NS):
                return None
            refused.append(path)
            return KubeError(429, "TooManyRequests", "later", retry_after=asked)

        world.template("order", {"name": "a"})
        world.kube.broken = busy
        world.task("t", "order")
        await asyncio.sleep(120)
        assert 2 <= len(refused) <= 20
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", "Complete")

    World().play(act)
