"""Sub-workflows through the whole operator: results and failures go up, commands go down, nothing runs twice."""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import LABEL_ATTEMPT
from kubesaga.kube.client import KubeError, tasks_path
from kubesaga.runtime.cache import Obj

from .objects import NS
from .world import World, done, endless, fails

ENDS = ("Complete", "Error", "Cancelled", "ResolvedManually")


def sub(name: str, template: str, *, context: Obj | None = None, **parts: Any) -> Obj:
    """A step that runs another template."""
    task: Obj = {"templateRef": {"name": template}}
    if context is not None:
        task["context"] = context
    return {"name": name, "task": task, **parts}


def order(world: World, *, pack: Obj | None = None, bill: Obj | None = None, **spec: Any) -> None:
    """Templates: ``order`` runs ``pack`` (box, then label) as a step, then bill; and a Task of it."""
    world.template("pack", {"name": "box", "compensation": {}}, {"name": "label", "dependsOn": ["box"]})
    last = {"name": "bill", "dependsOn": ["pack"], **(bill or {})}
    world.template("order", sub("pack", "pack", **(pack or {})), last, **spec)
    world.task("t", "order")


def test_a_childs_result_is_the_steps_and_its_work_runs_before_what_follows() -> None:
    async def act(world: World) -> None:
        world.script["label"] = [done({"code": 7})]
        order(world)
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.started == ["box", "label", "bill"]
    assert world.status("t")["steps"][0]["result"] == {"label": {"code": 7}}
    assert world.state(world.child("t", "pack")) == "Complete"


def test_a_childs_failure_is_the_steps_and_names_the_child() -> None:
    async def act(world: World) -> None:
        world.script["label"] = [fails()]
        order(world, pack={"retry": {"maxAttempts": 1}})
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Error"
    error = world.status("t")["steps"][0]["error"]
    assert error["type"] == "ChildFailed"
    assert world.child("t", "pack") in error["message"]


def test_a_retry_of_the_step_reopens_the_same_child_and_repeats_only_what_failed() -> None:
    async def act(world: World) -> None:
        world.script["label"] = [fails(), done()]
        order(world, pack={"retry": {"maxAttempts": 3, "initialInterval": "1s"}})
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.started == ["box", "label", "label", "bill"]
    assert len(world.tasks()) == 2
    assert world.status(world.child("t", "pack"))["run"] == 2


def test_a_humans_retry_of_the_parent_goes_down_to_the_step_that_failed() -> None:
    async def act(world: World) -> None:
        world.script["label"] = [fails(), done()]
        order(world, pack={"retry": {"maxAttempts": 1}})
        await world.until_state("t", "Error")
        world.act("again", "t", "Retry", step="pack")
        await world.until_state("t", "Complete")

    world = World().play(act)
    assert world.verdict("again")[0] == "Applied"
    assert world.started == ["box", "label", "label", "bill"]


def test_a_cancelled_parent_stops_its_child_and_is_cancelled_last() -> None:
    async def act(world: World) -> None:
        world.script["box"] = [endless()]
        order(world)
        await world.until(lambda: world.started == ["box"])
        world.change("t", desiredState="Cancelled", cancellation={"mode": "Terminate"})
        await world.until_state("t", *ENDS)
        assert world.state(world.child("t", "pack")) == "Cancelled"

    world = World().play(act)
    assert world.state("t") == "Cancelled"
    assert world.started == ["box"]


def test_a_draining_cancel_lets_the_childs_running_step_finish_and_starts_no_other() -> None:
    async def act(world: World) -> None:
        world.script["box"] = [done(seconds=60)]
        order(world)
        await world.until(lambda: world.started == ["box"])
        world.change("t", desiredState="Cancelled")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Cancelled"
    assert world.started == ["box"]
    assert world.steps(world.child("t", "pack"))["box"] == "Complete"


def test_a_suspended_parent_holds_its_child_until_it_is_resumed() -> None:
    async def act(world: World) -> None:
        world.script["box"] = [done(seconds=30)]
        order(world)
        await world.until(lambda: world.started == ["box"])
        world.change("t", desiredState="Suspended")
        await world.until(lambda: world.steps(world.child("t", "pack"))["box"] == "Complete")
        held_at = world.now()
        await world.until(lambda: world.now() > held_at + 600)
        assert world.started == ["box"]
        world.change("t", desiredState="Running")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"


def test_a_parent_that_fails_has_its_child_undo_what_it_did() -> None:
    async def act(world: World) -> None:
        world.script["bill"] = [fails()]
        order(world, failureStrategy="Compensate")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.status("t")["outcome"] == "Compensated"
    assert world.started == ["box", "label", "bill", "box~"]
    assert world.status(world.child("t", "pack"))["outcome"] == "Compensated"


def test_a_step_with_a_compensation_of_its_own_leaves_the_child_as_it_is() -> None:
    async def act(world: World) -> None:
        world.script["bill"] = [fails()]
        undo = {"handler": {"callable": "a:Undo"}}
        order(world, pack={"compensation": undo}, failureStrategy="Compensate")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.status("t")["outcome"] == "Compensated"
    assert world.started == ["box", "label", "bill", "pack~"]
    assert world.status(world.child("t", "pack"))["outcome"] == "Succeeded"


def test_a_child_deleted_by_hand_needs_a_human_who_then_says_how_to_go_on() -> None:
    async def act(world: World) -> None:
        world.script["box"] = [endless()]
        order(world)
        await world.until(lambda: world.started == ["box"] and world.steps("t")["pack"] == "InProgress")
        await world.delete(world.child("t", "pack"))
        await world.until(lambda: "ChildMissing" in str(world.status("t")["conditions"]))
        world.act("by-hand", "t", "Complete", step="pack", result={"code": 1})
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.verdict("by-hand")[0] == "Applied"


def test_a_child_deleted_while_its_step_waits_for_a_retry_is_missed_and_not_made_anew() -> None:
    async def act(world: World) -> None:
        world.script["label"] = [fails()]
        order(world, pack={"retry": {"maxAttempts": 2, "backoff": "Fixed", "initialInterval": "20s"}})
        await world.until(lambda: world.steps("t").get("pack") == "WaitingForRetry")
        await world.delete(world.child("t", "pack"))
        await world.until(lambda: "ChildMissing" in str(world.status("t")["conditions"]))
        assert world.tasks() == ["t"]
        world.act("by-hand", "t", "Complete", step="pack", result={"code": 1})
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.started == ["box", "label", "bill"]


def test_a_workflow_that_runs_itself_through_another_is_refused() -> None:
    async def act(world: World) -> None:
        world.template("ping", sub("next", "pong", retry={"maxAttempts": 1}))
        world.template("pong", sub("next", "ping", retry={"maxAttempts": 1}))
        world.task("t", "ping")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Error"
    assert len(world.tasks()) <= 3
    assert world.started == []


def test_a_stranger_under_the_childs_name_is_not_taken_for_it() -> None:
    async def act(world: World) -> None:
        world.template("pack", {"name": "box"})
        world.template("order", sub("pack", "pack", retry={"maxAttempts": 1}))

        def forge(method: str, path: str) -> KubeError | None:
            if method == "POST" and path == tasks_path(NS):
                world.kube.broken = lambda _method, _path: None
                name = world.child("t", "pack")
                labels = {
                    "kubesaga.dev/parent-uid": world.kube.at(tasks_path(NS, "t"))["metadata"]["uid"],
                    "kubesaga.dev/parent-step": "pack",
                }
                spec = {"templateRef": {"name": "pack"}, "context": {"amount": -1}}
                world.kube.add(tasks_path(NS), {"metadata": {"name": name, "labels": labels}, "spec": spec})
            return None

        world.kube.broken = forge
        world.task("t", "order")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Error"
    assert world.status("t")["steps"][0]["error"]["type"] == "NameTaken"


def test_a_refused_child_fails_its_step_with_the_api_servers_words() -> None:
    async def act(world: World) -> None:
        def refuse(method: str, path: str) -> KubeError | None:
            is_child = method == "POST" and path == tasks_path(NS) and world.state("t") is not None
            if not is_child:
                return None
            world.kube.broken = lambda _method, _path: None
            return KubeError(422, "Invalid", "spec.context: too long")

        world.kube.broken = refuse
        order(world, pack={"retry": {"maxAttempts": 1}})
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Error"
    assert "too long" in world.status("t")["steps"][0]["error"]["message"]


def test_a_child_that_was_never_created_can_be_after_all_when_its_step_is_retried() -> None:
    async def act(world: World) -> None:
        def refuse(method: str, path: str) -> KubeError | None:
            is_child = method == "POST" and path == tasks_path(NS) and world.state("t") is not None
            return KubeError(403, "Forbidden", "exceeded quota: tasks") if is_child else None

        world.script["side"] = [fails()]
        world.template("pack", {"name": "box"})
        world.template("order", sub("pack", "pack"), {"name": "side"})
        world.kube.broken = refuse
        world.task("t", "order")
        await world.until(lambda: world.steps("t").get("side") == "Error")
        world.kube.broken = lambda _method, _path: None
        await world.until_state("t", *ENDS)
        assert world.state(world.child("t", "pack")) in (None, "Cancelled", "Complete")
        world.script["side"] = [done()]
        world.act("again", "t", "Retry")
        await world.until_state("t", "Complete")

    world = World().play(act)
    assert world.started.count("box") == 1


def test_a_fence_comes_to_stand_for_the_next_attempt_where_that_is_given_up_too() -> None:
    async def act(world: World) -> None:
        def full(method: str, path: str) -> KubeError | None:
            is_child = method == "POST" and path == tasks_path(NS) and world.state("t") is not None
            return KubeError(403, "Forbidden", "exceeded quota: tasks") if is_child else None

        def kept(method: str, path: str) -> KubeError | None:
            is_fence = method == "DELETE" and path.startswith(tasks_path(NS))
            return KubeError(503, "ServiceUnavailable", "not now") if is_fence else None

        world.template("pack", {"name": "box"})
        world.template("order", sub("pack", "pack", retry={"maxAttempts": 2, "backoff": "None"}))
        world.kube.broken = full
        world.task("t", "order")
        await world.until(lambda: any("stop" in step for step in world.status("t").get("steps", ())))
        world.kube.broken = kept
        await world.until(lambda: world.status("t")["steps"][0]["attempt"] == 2)
        world.change("t", desiredState="Cancelled", cancellation={"mode": "Terminate"})
        await world.until_state("t", "Cancelled")
        fence = world.kube.at(tasks_path(NS, world.child("t", "pack")))
        assert fence["metadata"]["labels"][LABEL_ATTEMPT] == "2"

    assert World().play(act).started == []


def test_a_child_that_never_was_is_not_missed_when_its_next_attempt_cannot_create_it_at_once() -> None:
    async def act(world: World) -> None:
        refusals = [KubeError(422, "Invalid", "spec.context: too long"), KubeError(500, "InternalError", "not now")]

        def refuse(method: str, path: str) -> KubeError | None:
            is_child = method == "POST" and path == tasks_path(NS) and world.state("t") is not None
            due = is_child and (len(refusals) == 2 or (refusals and world.state("t") != "Error" and retried))
            return refusals.pop(0) if due else None

        retried: list[bool] = []
        world.kube.broken = refuse
        order(world)
        await world.until_state("t", "Error")
        retried.append(True)
        world.act("again", "t", "Retry")
        await world.until_state("t", *ENDS[:1])
        assert not refusals

    assert World().play(act).started == ["box", "label", "bill"]


def test_a_childs_large_result_reaches_the_steps_after_it() -> None:
    async def act(world: World) -> None:
        world.template("pack", {"name": "box"}, output="steps.box.result")
        world.template(
            "order",
            sub("pack", "pack"),
            {"name": "bill", "dependsOn": ["pack"], "when": "steps.pack.result.size() > 3000"},
        )
        world.script["box"] = [done("ä" * 3500)]
        world.task("t", "order")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.started == ["box", "bill"]
    assert "resultRef" in world.status("t")["steps"][0]


def test_a_slow_watch_does_not_keep_a_new_child_waiting_until_the_next_sweep() -> None:
    """Its creation's answer is in the cache before its news comes, which then tells nothing new."""
    world = World()
    world.feed_delay = 0.1
    began: list[float] = []

    async def act(world: World) -> None:
        order(world)
        await world.until(lambda: len(world.tasks()) == 2)
        began.append(world.now())
        await world.until(lambda: world.started == ["box"])
        began.append(world.now())

    world.play(act)
    assert began[1] - began[0] < 5  # of virtual time; the sweep comes every 300
