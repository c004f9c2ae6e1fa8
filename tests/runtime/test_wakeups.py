"""What concerns a Task wakes it, however it comes to be known: nobody waits for the sweep.

The sweep looks at every open Task each five minutes, and a step that is slow to start is looked at after 30 s: both
would hide what is missing here, so each of these ends before.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kubesaga.api.constants import FINALIZER
from kubesaga.kube.client import KubeError, tasks_path
from kubesaga.runtime.cache import Obj

from .objects import NS
from .world import World, done, endless, fails

SOON = 25.0


class Slow(World):
    """A world whose watches bring everything two seconds late, and where answers can be lost.

    ``loses`` picks the calls that the API server carries out without anybody hearing of it.
    """

    def __init__(self, *flags: str) -> None:
        super().__init__(*flags)
        self.lost = 0
        self._serve = self.kube._call
        self.kube._call = self._call  # type: ignore[method-assign]
        self.delay = 2.0

    def loses(self, _method: str, _path: str, _body: Any) -> bool:
        """Whether the answer to this call is lost."""
        return False

    async def _call(self, method: str, path: str, body: Any = None, **named: Any) -> Obj:
        answer = await self._serve(method, path, body, **named)
        if self.loses(method, path, body):
            self.lost += 1
            raise KubeError(0, "NoAnswer", "connection reset")
        return answer

    def _see(self, plural: str, type_: str, obj: Obj) -> None:
        if self._sink is None or plural != "tasks":
            super()._see(plural, type_, obj)
        else:
            asyncio.get_running_loop().call_later(self.delay, super()._see, plural, type_, obj)


class LosesTheEnd(Slow):
    """Loses the answer to the write that ends a Task of this name (the beginning of it)."""

    name = ""

    def loses(self, method: str, path: str, body: Any) -> bool:
        ends = any(
            op["path"] == "/status/state" and op["value"] == "Complete" for op in body or () if method == "PATCH"
        )
        return not self.lost and ends and f"/tasks/{self.name}" in path


def sub_workflow(world: World) -> None:
    world.template("leaf", {"name": "a"})
    world.template("top", {"name": "sub", "task": {"templateRef": {"name": "leaf"}}})
    world.task("t", "top")


def test_a_child_task_starts_although_its_creator_hears_of_it_before_the_watch_does() -> None:
    async def act(world: World) -> None:
        sub_workflow(world)
        await world.until(lambda: "a" in world.started, 10)

    World().play(act)


def test_a_child_whose_end_was_written_without_an_answer_is_the_end_of_its_parent() -> None:
    async def act(world: World) -> None:
        sub_workflow(world)
        await world.until(lambda: world.state("t") == "Complete", SOON)

    world = LosesTheEnd()
    world.name = "t-sub"
    world.play(act)
    assert world.lost == 1


def test_a_slot_that_became_free_without_an_answer_is_the_next_tasks() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.task("t", "order")
        await world.until(lambda: world.started == ["a"])
        world.task("u", "order")
        await world.until(lambda: world.state("u") == "Complete", SOON)

    world = LosesTheEnd("--max-running-tasks", "1")
    world.name, world.delay = "t/", 0.0
    world.play(act)
    assert world.lost == 1


def test_a_create_that_finds_nothing_where_its_task_lives_is_tried_again() -> None:
    async def act(world: World) -> None:
        failed: list[str] = []

        def broken(method: str, path: str) -> KubeError | None:
            if method == "POST" and path.endswith("/jobs") and not failed:
                failed.append(path)
                return KubeError(404, "NotFound", "the server could not find the requested resource")
            return None

        world.kube.broken = broken
        world.template("order", {"name": "a"})
        await asyncio.sleep(5)
        world.task("t", "order")
        await world.until(lambda: world.state("t") == "Complete", SOON)
        assert failed

    assert World().play(act).started == ["a"]


def test_an_ended_task_is_cleaned_up_on_time_although_the_operator_first_found_an_action_on_it() -> None:
    async def ends(world: World) -> None:
        world.template("order", {"name": "a"})
        world.task("t", "order", ttlAfterFinished="10s")
        await world.until_state("t", "Complete")

    async def goes(world: World) -> None:
        await world.until(lambda: world.state("t") is None, SOON)

    world = World().play(ends)
    world.act("again", "t", "GiveUp")
    world.play(goes)
    assert world.verdict("again")[0] == "Rejected"


def test_all_tasks_of_a_terminating_namespace_go_though_only_one_is_the_first_to_notice() -> None:
    names = [f"t{i}" for i in range(4)]

    async def act(world: World) -> None:
        world.template("order", {"name": "a", "compensation": {}}, failureStrategy="Compensate")
        world.script["a"] = [endless()]
        for name in names:
            world.task(name, "order")
        await world.until(lambda: len(world.started) == len(names))
        assert all(FINALIZER in world.kube.at(tasks_path(NS, name))["metadata"]["finalizers"] for name in names)
        world.kube.terminating.add(NS)
        world.kube.latency = 0.2  # so that all of them are under way at the same time
        for name in names:
            await world.delete(name)
        await world.until(lambda: world.tasks() == [], SOON)

    World().play(act)


def test_what_was_written_is_told_although_what_follows_from_it_fails() -> None:
    async def act(world: World) -> None:
        refused: list[str] = []

        def broken(method: str, path: str) -> KubeError | None:
            if method == "POST" and path.endswith("/jobs") and len(refused) < 3:
                refused.append(path)
                return KubeError(500, "InternalError", "etcdserver: request timed out")
            return None

        world.kube.broken = broken
        world.template("order", {"name": "a"})
        world.task("t", "order")
        await world.until_state("t", "Complete")
        assert len(refused) == 3

    reasons = [event["reason"] for event in World().play(act).kube.all("events")]
    assert (reasons.count("TaskStarted"), reasons.count("TaskSucceeded")) == (1, 1)


def test_a_label_that_is_refused_keeps_no_step_from_its_start() -> None:
    async def act(world: World) -> None:
        def broken(method: str, path: str) -> KubeError | None:
            forbidden = method == "PATCH" and path == tasks_path(NS, "t")
            return KubeError(403, "Forbidden", "labels are somebody else's here") if forbidden else None

        world.kube.broken = broken
        world.template("order", {"name": "a"}, {"name": "b", "dependsOn": ["a"]}, lifecycle={"total": "5s"})
        world.script["a"] = [done(seconds=20.0)]
        world.task("t", "order")
        await world.until(lambda: world.state("t") == "Complete", 200)
        assert world.started == ["a", "b"]

    World().play(act)


def test_tasks_that_wait_for_a_template_share_one_look_at_the_api_server() -> None:
    def lists(world: World) -> int:
        return sum(method == "GET" and path.endswith("/tasktemplates") for method, path in world.kube.calls)

    async def act(world: World) -> None:
        for i in range(30):
            world.task(f"t{i}", "missing")
        await world.until(lambda: all(world.status(f"t{i}").get("conditions") for i in range(30)))
        before = lists(world)
        world.template("another", {"name": "a"})
        await asyncio.sleep(5)
        assert lists(world) - before <= world._settings.workers  # each of which may look before the first has seen
        world.template("missing", {"name": "a"})
        await world.until(lambda: all(world.state(f"t{i}") == "Complete" for i in range(30)), SOON)

    World().play(act)


def without_revision() -> World:
    """A world whose deleted Task is being undone, and whose operator has ended; template and revision are gone."""

    async def undoing(world: World) -> None:
        world.template("order", {"name": "a", "compensation": {}}, failureStrategy="Compensate")
        world.script |= {"a": [endless()], "a~": [endless()]}
        world.task("t", "order")
        await world.until(lambda: world.started == ["a"])
        await world.delete("t")
        await world.until(lambda: world.state("t") == "Compensating")

    world = World().play(undoing)
    for path in list(world.kube.objects):
        if "/controllerrevisions/" in path or "/tasktemplates/" in path:
            del world.kube.objects[path]
    return world


def test_a_task_whose_namespace_took_its_revision_first_is_let_go_too() -> None:
    async def goes(world: World) -> None:
        await world.until(lambda: world.tasks() == [], 120)

    world = without_revision()
    world.kube.terminating.add(NS)
    world.play(goes)


def test_a_task_whose_revision_is_gone_stays_where_its_namespace_does() -> None:
    async def stays(world: World) -> None:
        await asyncio.sleep(200)
        held = {each["type"]: each["reason"] for each in world.status("t")["conditions"] if each["status"] == "True"}
        assert held["NeedsAttention"] == "RevisionMissing"

    world = without_revision()
    assert world.play(stays).tasks() == ["t"]


def test_a_task_whose_revision_another_version_recorded_says_that_it_cannot_be_read() -> None:
    async def begins(world: World) -> None:
        world.template("order", {"name": "a"}, {"name": "b", "dependsOn": ["a"]})
        world.task("t", "order")
        await world.until(lambda: world.started == ["a"])

    async def waits(world: World) -> None:
        await world.until(lambda: "RevisionUnreadable" in str(world.status("t").get("conditions")))
        message = world.status("t")["message"]
        assert "cannot read the ControllerRevision" in message
        assert "sinceTheFuture" in message
        world.kube.put(path, recorded)
        await world.until_state("t", "Complete")

    world = World().play(begins)
    path = next(each for each in world.kube.objects if "/controllerrevisions/" in each)
    recorded = world.kube.at(path)
    world.kube.put(path, {**recorded, "data": {**recorded["data"], "sinceTheFuture": True}})
    assert world.play(waits).started == ["a", "b"]


class LatePods(World):
    """A world in which the watch of pods lags behind all others."""

    def _see(self, plural: str, type_: str, obj: Obj) -> None:
        self.feed_delay = 10.0 if plural == "pods" else 0.0
        super()._see(plural, type_, obj)


def test_why_an_attempt_failed_is_asked_for_when_the_watch_of_pods_is_late() -> None:
    async def act(world: World) -> None:
        world.script["a"] = [fails("Declined", retryable=False)]
        world.template("order", {"name": "a"})
        world.task("t", "order")
        await world.until_state("t", "Error")

    world = LatePods().play(act)
    (step,) = world.status("t")["steps"]
    assert (step["attempt"], step["error"]["type"]) == (1, "Declined")


def test_an_attempt_that_did_its_work_is_not_run_again_when_the_watch_of_pods_is_late() -> None:
    """Its Job is known to be complete while its pod is still seen to run, or has not been seen at all."""

    async def act(world: World) -> None:
        world.template("order", {"name": "a", "retry": {"maxAttempts": 3}}, {"name": "b", "dependsOn": ["a"]})
        world.task("t", "order")
        await world.until_state("t", "Complete")

    world = LatePods().play(act)
    assert world.started == ["a", "b"]
    assert [(step["attempt"], step.get("outcomeUnknown")) for step in world.status("t")["steps"]] == [(1, None)] * 2
