"""What humans and namespaces do to Tasks, through the whole operator: actions, deletion, limits, identities, time."""

from __future__ import annotations

import pytest

from kubesaga.api import history
from kubesaga.api.constants import FINALIZER, LABEL_DEAD_LETTER
from kubesaga.kube.client import KubeError, configmaps_path, tasks_path

from .objects import NS
from .world import World, done, endless, fails

ENDS = ("Complete", "Error", "Cancelled", "ResolvedManually")
SAGA = {"failureStrategy": "Compensate"}
SOON = 30.0


def test_a_failed_task_goes_on_from_where_it_failed_when_a_human_says_so() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, {"name": "b", "dependsOn": ["a"]})
        world.script["b"] = [fails(), done()]
        world.task("t", "order")
        await world.until_state("t", "Error")
        world.act("again", "t", "Retry")
        await world.until_state("t", "Complete")

    world = World().play(act)
    assert world.started == ["a", "b", "b"]
    assert world.verdict("again")[0] == "Applied"


def test_an_action_is_applied_once_even_if_its_answer_was_lost() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.script["a"] = [fails()]
        world.task("t", "order")
        await world.until_state("t", "Error")
        lost: list[str] = []

        def losing(method: str, path: str) -> KubeError | None:
            if method == "PATCH" and "taskactions" in path and not lost:
                lost.append(path)
                return KubeError(500, "InternalError", "lost")
            return None

        world.kube.broken = losing
        world.act("again", "t", "Retry")
        await world.until(lambda: world.verdict("again")[0] != "")
        await world.until_state("t", "Error")
        assert lost

    world = World().play(act)
    assert world.verdict("again")[0] == "Applied"
    assert world.started == ["a", "a"]
    assert len(world.status("t")["actions"]) == 1


def test_actions_that_fit_nothing_are_rejected_with_the_reason() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.act("no-task", "nobody", "Retry")
        world.task("t", "order")
        await world.until_state("t", "Complete")
        world.act("no-step", "t", "Retry", step="zzz")
        world.act("too-late", "t", "GiveUp")
        world.act("another", "t", "Retry", taskRef={"name": "t", "uid": "of-another"})
        names = ("no-task", "no-step", "too-late", "another")
        await world.until(lambda: all(world.verdict(name)[0] for name in names))

    world = World().play(act)
    for name in ("no-task", "no-step", "too-late", "another"):
        phase, message = world.verdict(name)
        assert phase == "Rejected"
        assert len(message) > 20
    assert "there is no Task nobody" in world.verdict("no-task")[1]


def test_an_approval_waits_without_a_pod_for_a_humans_word() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "ok", "approval": {}}, {"name": "a", "dependsOn": ["ok"]})
        world.task("t", "order")
        await world.until_state("t", "WaitingForDependencies")
        world.act("yes", "t", "Approve", step="ok")
        await world.until_state("t", *ENDS)

    world = World().play(act)
    assert world.state("t") == "Complete"
    assert world.started == ["a"]


def test_a_deleted_saga_is_undone_before_it_goes_and_leaves_nothing() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "pay", "compensation": {}}, {"name": "wait", "dependsOn": ["pay"]}, **SAGA)
        world.script["wait"] = [endless()]
        world.task("t", "order")
        await world.until(lambda: "wait" in world.started)
        assert world.kube.at(tasks_path(NS, "t"))["metadata"]["finalizers"] == [FINALIZER]
        await world.delete("t")
        await world.until(lambda: world.state("t") is None)

    world = World().play(act)
    assert world.started == ["pay", "wait", "pay~"]
    assert not world.kube.all("jobs")


def test_a_saga_that_has_ended_is_released_as_it_is() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "pay", "compensation": {}}, **SAGA)
        world.task("t", "order")
        await world.until_state("t", "Complete")
        await world.delete("t")
        await world.until(lambda: world.state("t") is None)

    world = World().play(act)
    assert world.started == ["pay"]
    assert not world.kube.all("jobs")


def test_what_was_stored_for_a_saga_before_its_first_step_began_goes_with_it() -> None:
    async def act(world: World) -> None:
        approvals = [{"name": f"ok{n}", "approval": {}} for n in range(2)]
        world.template("order", *approvals, {"name": "pay", "dependsOn": ["ok0", "ok1"]}, **SAGA)
        world.task("t", "order")
        await world.until_state("t", "WaitingForDependencies")
        world.act("yes", "t", "Approve", step="ok0", result={"minutes": "x" * 5000})
        await world.until(lambda: world.steps("t")["ok0"] == "Complete")
        assert len(world.kube.all("configmaps")) == 1
        await world.delete("t")
        await world.until(lambda: world.state("t") is None)

    world = World().play(act)
    assert world.started == []
    assert not world.kube.all("configmaps")


def test_the_history_of_a_saga_without_a_step_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_TRANSITIONS", 8)
    monkeypatch.setattr(history, "BLOCK_LENGTH", 4)

    async def act(world: World) -> None:
        world.template("order", {"name": "ok", "approval": {}}, blockedTimeout="1h", **SAGA)
        world.task("t", "order")
        for n in range(4):
            await world.until_state("t", "WaitingForDependencies")
            world.act(f"no-{n}", "t", "Reject", step="ok")
            await world.until_state("t", "BlockedByFailures")
            world.act(f"again-{n}", "t", "Retry", step="ok")
        await world.until(lambda: world.status("t").get("historyBlocks", 0) > 0)
        assert world.kube.all("configmaps")
        await world.delete("t")
        await world.until(lambda: world.state("t") is None)

    assert not World().play(act).kube.all("configmaps")


def test_a_deleted_task_without_a_saga_takes_its_work_along_at_once() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.script["a"] = [endless()]
        world.task("t", "order")
        await world.until(lambda: world.started == ["a"])
        assert "finalizers" not in world.kube.at(tasks_path(NS, "t"))["metadata"]
        await world.delete("t")
        await world.until(lambda: not world.kube.all("jobs"))

    assert World().play(act).tasks() == []


def test_a_saga_with_sub_workflows_undoes_them_too_when_it_is_deleted() -> None:
    async def act(world: World) -> None:
        world.template("pack", {"name": "box", "compensation": {}})
        pack = {"name": "pack", "task": {"templateRef": {"name": "pack"}}}
        world.template("order", pack, {"name": "wait", "dependsOn": ["pack"]}, **SAGA)
        world.script["wait"] = [endless()]
        world.task("t", "order")
        await world.until(lambda: "wait" in world.started)
        await world.delete("t")
        await world.until(lambda: world.tasks() == [])

    assert World().play(act).started == ["box", "wait", "box~"]


async def go_with_its_namespace(world: World) -> None:
    """A Task that is half done is deleted, with the namespace that it is in."""
    world.template("order", {"name": "pay", "compensation": {}}, {"name": "wait", "dependsOn": ["pay"]}, **SAGA)
    world.script["wait"] = [endless()]
    world.task("t", "order")
    await world.until(lambda: "wait" in world.started)
    world.kube.terminating.add(NS)
    await world.delete("t")
    await world.until(lambda: world.state("t") is None)


def test_a_terminating_namespace_is_never_held_up() -> None:
    assert World().play(go_with_its_namespace).started == ["pay", "wait"]


def test_a_task_is_undone_in_a_namespace_whose_name_another_had_that_was_deleted() -> None:
    async def act(world: World) -> None:
        await go_with_its_namespace(world)
        world.kube.terminating.clear()
        world.task("t", "order")
        await world.until(lambda: world.started.count("wait") == 2, SOON)
        await world.delete("t")
        await world.until(lambda: world.state("t") is None)

    assert World().play(act).started == ["pay", "wait"] * 2 + ["pay~"]


def test_no_more_tasks_run_than_the_limit_and_the_urgent_ones_are_first() -> None:
    most = 0

    async def act(world: World) -> None:
        nonlocal most
        world.template("order", {"name": "a"})
        world.script["a"] = [done(seconds=10)]
        for i in range(6):
            world.task(f"t{i}", "order", priority=i)

        def all_done() -> bool:
            nonlocal most
            most = max(most, sum("InProgress" in world.steps(name).values() for name in world.tasks()))
            return all(world.state(name) == "Complete" for name in world.tasks())

        await world.until(all_done)

    world = World("--max-running-tasks", "2").play(act)
    assert most <= 2
    ended = sorted(world.tasks(), key=lambda name: str(world.status(name)["finishedAt"]))
    assert [set(ended[i : i + 2]) for i in (2, 4)] == [{"t4", "t5"}, {"t2", "t3"}]  # the first two found it empty


def test_of_many_requests_with_one_key_one_runs_and_the_others_name_it() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"}, identityStrategy="CallerProvided")
        for i in range(10):
            world.task(f"t{i}", "order", idempotencyKey="k")
        await world.until(lambda: all(world.state(name) in ENDS for name in world.tasks()))

    world = World().play(act)
    outcomes = [world.status(name)["outcome"] for name in world.tasks()]
    assert sorted(outcomes) == ["Duplicate"] * 9 + ["Succeeded"]
    (first,) = [name for name in world.tasks() if world.status(name)["outcome"] == "Succeeded"]
    assert all(first in world.status(name)["message"] for name in world.tasks() if name != first)
    assert world.started == ["a"]


def test_a_task_that_says_so_goes_after_its_end() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a"})
        world.task("t", "order", ttlAfterFinished="10m")
        await world.until_state("t", "Complete")
        ended = world.now()
        await world.until(lambda: world.state("t") is None)
        assert 595 < world.now() - ended < 660

    World().play(act)


def labels(world: World) -> dict[str, str]:
    return world.kube.at(tasks_path(NS, "t"))["metadata"].get("labels") or {}


def test_a_stale_task_is_labelled_and_loses_the_label_when_it_moves_on() -> None:
    async def act(world: World) -> None:
        lifecycle = {"waitingForDependencies": "5m"}
        world.template("order", {"name": "ok", "approval": {}}, lifecycle=lifecycle)
        world.task("t", "order")
        await world.until(lambda: labels(world).get(LABEL_DEAD_LETTER) == "true")
        world.act("yes", "t", "Approve", step="ok")
        await world.until_state("t", "Complete")
        await world.until(lambda: LABEL_DEAD_LETTER not in labels(world))

    World().play(act)


def test_a_lost_large_result_fails_what_needs_it_and_says_what_is_missing() -> None:
    async def before(world: World) -> None:
        needs = {"name": "b", "dependsOn": ["ok"], "when": "steps.a.result.size() > 0"}
        world.template("order", {"name": "a"}, {"name": "ok", "dependsOn": ["a"], "approval": {}}, needs)
        world.script["a"] = [done("ä" * 3500)]
        world.task("t", "order")
        await world.until(lambda: "resultRef" in str(world.status("t")))

    async def after_a_restart(world: World) -> None:
        world.act("yes", "t", "Approve", step="ok")
        await world.until_state("t", *ENDS)

    world = World().play(before)
    (stored,) = world.kube.all("configmaps")
    world.kube.objects.pop(configmaps_path(NS, stored["metadata"]["name"]))
    world.play(after_a_restart)
    assert world.state("t") == "Error"
    assert stored["metadata"]["name"] in str(world.status("t")["steps"][2]["error"])
    assert world.started == ["a"]


def test_an_ordinary_step_costs_one_patch_and_one_create() -> None:
    async def act(world: World) -> None:
        steps = [{"name": f"s{i}", **({"dependsOn": [f"s{i - 1}"]} if i else {})} for i in range(10)]
        world.template("order", *steps)
        await world.until(lambda: bool(world.kube.all("controllerrevisions")))
        world.kube.calls.clear()
        world.task("t", "order")
        await world.until_state("t", "Complete")

    world = World().play(act)
    mine = [path for method, path in world.kube.calls if method != "GET" and ("/tasks" in path or "/jobs" in path)]
    assert len(mine) == 2 * 10 + 1
