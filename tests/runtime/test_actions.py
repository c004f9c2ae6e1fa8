"""TaskActions: read in their order, answered once, refused where there is no Task."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.engine.decision import Verdict
from kubesaga.engine.vocabulary import ActionPhase, ActionType
from kubesaga.kube.client import KubeError, actions_path
from kubesaga.runtime import actions
from kubesaga.runtime.actions import Answers
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.events import EventRecorder

from .api_server import ApiServer
from .objects import NS, action
from .world import World, endless


class Desk:
    """An API server, a cache that has seen all of it, and Answers."""

    def __init__(self) -> None:
        self.kube = ApiServer()
        self.cache = Cache()
        self.events = EventRecorder(self.kube, instance="test")
        self.answers = Answers(self.kube, self.cache, self.events)

    def ask(self, name: str, on: str = "t", **parts: object) -> Obj:
        stored = self.kube.add(actions_path(NS), action(name, on, **parts))  # type: ignore[arg-type]
        self.cache.upsert(Kind.ACTION, stored)
        return stored

    def status(self, name: str) -> Obj:
        found: Obj = self.kube.at(actions_path(NS, name)).get("status", {})
        return found

    def names(self, on: str = "t") -> list[str]:
        return [each.name for each in actions.pending(self.cache, NS, on)]


def test_actions_wait_in_the_order_of_their_creation_and_then_of_their_names() -> None:
    desk = Desk()
    desk.ask("late", created=9)
    desk.ask("b", created=3)
    desk.ask("a", created=3)
    desk.ask("elsewhere", on="other")
    assert desk.names() == ["a", "b", "late"]


def test_an_action_is_read_as_it_was_written() -> None:
    desk = Desk()
    desk.ask(
        "done-by-hand",
        type_="Complete",
        created=7,
        step="charge",
        result=None,
        reason="paid in cash",
        expectedAttempt=2,
        taskRef={"name": "t", "uid": "u"},
    )
    (read,) = actions.pending(desk.cache, NS, "t")
    assert (read.type, read.step, read.has_result, read.result) == (ActionType.COMPLETE, "charge", True, None)
    assert (read.created_at, read.expected_attempt, read.task_uid) == (7, 2, "u")
    assert (read.reason, read.requested_by) == ("paid in cash", "ann")


def test_an_action_without_a_result_has_none() -> None:
    desk = Desk()
    desk.ask("again")
    assert not actions.pending(desk.cache, NS, "t")[0].has_result


def test_a_verdict_is_written_once_and_ends_the_waiting() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        verdict = Verdict(asked["metadata"]["uid"], "again", ActionPhase.APPLIED, "step charge: attempt 2")
        await desk.answers.answer(NS, verdict, None)
        await desk.answers.answer(NS, verdict, None)
        assert desk.status("again") == {
            "observedGeneration": 1,
            "phase": "Applied",
            "message": "step charge: attempt 2",
        }
        assert desk.kube.writes() == 1
        assert desk.names() == []

    asyncio.run(main())


def test_a_refusal_that_comes_late_does_not_overwrite_what_another_leader_answered() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        await desk.kube.merge_patch(actions_path(NS, "again", "status"), {"status": {"phase": "Applied"}})
        await desk.answers.answer(NS, Verdict(asked["metadata"]["uid"], "again", ActionPhase.REJECTED, "late"), None)
        assert desk.status("again") == {"phase": "Applied"}

    asyncio.run(main())


@pytest.mark.parametrize("told", [False, True])
def test_what_was_applied_is_said_even_where_another_leader_has_refused_it(told: bool) -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        refused = {"status": {"phase": "Rejected", "message": "too early"}}
        written = await desk.kube.merge_patch(actions_path(NS, "again", "status"), refused)
        if told:
            desk.cache.upsert(Kind.ACTION, written)
        await desk.answers.answer(NS, Verdict(asked["metadata"]["uid"], "again", ActionPhase.APPLIED, "done"), None)
        assert (desk.status("again")["phase"], desk.status("again")["message"]) == ("Applied", "done")

    asyncio.run(main())


def test_what_another_leader_has_answered_waits_no_longer() -> None:
    async def main() -> None:
        desk = Desk()
        desk.ask("again")
        desk.ask("gone")
        desk.ask("waits")
        await desk.kube.merge_patch(actions_path(NS, "again", "status"), {"status": {"phase": "Rejected"}})
        await desk.kube.delete(actions_path(NS, "gone"))
        waiting = await desk.answers.waiting(NS, "t", look=False)
        assert [each.name for each in waiting] == ["waits"]
        assert "again" not in desk.names()

    asyncio.run(main())


def test_what_no_watch_has_told_of_is_found_where_one_looks_and_of_this_task_only() -> None:
    async def main() -> None:
        desk = Desk()
        desk.kube.add(actions_path(NS), action("unheard", "t"))
        desk.kube.add(actions_path(NS), action("elsewhere", "other"))
        assert await desk.answers.waiting(NS, "t", look=False) == ()
        assert [each.name for each in await desk.answers.waiting(NS, "t", look=True)] == ["unheard"]
        assert desk.names() == ["unheard"]
        assert desk.names("other") == []  # the watch's event for it has to wake its Task

    asyncio.run(main())


@pytest.mark.parametrize(("timeout", "lists"), [("10s", 1), ("10h", 0)])
def test_a_timeout_of_an_approval_costs_one_look_and_an_open_one_none(timeout: str, lists: int) -> None:
    async def act(world: World) -> None:
        ok = {"name": "ok", "approval": {"timeout": timeout, "onTimeout": "Approve"}}
        world.template("order", ok, {"name": "wait", "dependsOn": ["ok"]})
        world.script["wait"] = [endless()]
        world.task("t", "order")
        await asyncio.sleep(60)

    world = World().play(act)
    assert world.kube.calls.count(("GET", actions_path(NS))) == lists


def test_a_flood_of_actions_costs_one_request() -> None:
    async def main() -> None:
        desk = Desk()
        for n in range(actions.MOST_ONE_BY_ONE + 1):
            desk.ask(f"again-{n}")
        waiting = await desk.answers.waiting(NS, "t", look=False)
        assert (len(waiting), len(desk.kube.calls)) == (actions.MOST_ONE_BY_ONE + 1, 1)

    asyncio.run(main())


def test_a_refusal_that_met_another_answer_ends_the_waiting() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        await desk.kube.merge_patch(actions_path(NS, "again", "status"), {"status": {"phase": "Applied"}})
        await desk.answers.answer(NS, Verdict(asked["metadata"]["uid"], "again", ActionPhase.REJECTED, "late"), None)
        assert desk.names() == []

    asyncio.run(main())


def test_a_refusal_of_an_action_that_was_touched_meanwhile_is_to_be_written_again() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        verdict = Verdict(asked["metadata"]["uid"], "again", ActionPhase.REJECTED, "too early")
        desk.kube.put(actions_path(NS, "again"), asked)
        with pytest.raises(KubeError) as caught:
            await desk.answers.answer(NS, verdict, None)
        assert caught.value.conflict
        await desk.answers.answer(NS, verdict, None)
        assert desk.status("again")["phase"] == "Rejected"

    asyncio.run(main())


def test_a_verdict_never_meets_an_action_that_has_taken_the_others_name() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        await desk.kube.delete(actions_path(NS, "again"))
        desk.kube.add(actions_path(NS), action("again", "t"))
        await desk.answers.answer(NS, Verdict(asked["metadata"]["uid"], "again", ActionPhase.APPLIED, ""), None)
        assert desk.status("again") == {}

    asyncio.run(main())


def test_a_verdict_on_an_action_that_is_gone_is_no_error() -> None:
    async def main() -> None:
        desk = Desk()
        asked = desk.ask("again")
        await desk.kube.delete(actions_path(NS, "again"))
        await desk.answers.answer(NS, Verdict(asked["metadata"]["uid"], "again", ActionPhase.APPLIED, ""), None)

    asyncio.run(main())


def test_an_action_on_a_task_that_does_not_exist_is_rejected_with_the_reason() -> None:
    async def main() -> None:
        desk = Desk()
        desk.ask("again", on="nobody")
        await desk.answers.refuse_all(NS, "nobody")
        assert desk.status("again")["phase"] == "Rejected"
        assert "there is no Task nobody in namespace shop" in desk.status("again")["message"]

    asyncio.run(main())


def test_an_answered_action_is_kept_as_little_more_than_its_answer() -> None:
    desk = Desk()
    stored = desk.ask("again", reason="x" * 1000)
    stored["status"] = {"phase": "Applied", "message": "y" * 1000}
    stored["metadata"]["resourceVersion"] = "999"
    desk.cache.upsert(Kind.ACTION, stored)
    kept = desk.cache.get(Kind.ACTION, NS, "again")
    assert kept is not None
    assert kept["spec"] == {"taskRef": {"name": "t"}}
    assert kept["status"] == {"phase": "Applied"}
    assert desk.names() == []
