"""TaskActions: what is sent, who asks, and what becomes of the operator's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kubesaga.client import (
    UNSET,
    Action,
    ActionPhase,
    ActionRejected,
    ActionType,
    AsyncKubesaga,
    Forbidden,
    Invalid,
    NotFound,
    TaskRequest,
    WaitTimeout,
)
from tests.client.cluster import NAMESPACE, Cluster, play, until

VERBS: dict[ActionType, Callable[[AsyncKubesaga], Awaitable[Action]]] = {
    ActionType.RETRY: lambda saga: saga.retry("a", wait=False),
    ActionType.COMPLETE: lambda saga: saga.complete("a", "pay", {"id": 7}, wait=False),
    ActionType.RESOLVE: lambda saga: saga.resolve("a", result=None, wait=False),
    ActionType.SKIP: lambda saga: saga.skip("a", "pay", wait=False),
    ActionType.FAIL: lambda saga: saga.fail("a", "pay", wait=False),
    ActionType.APPROVE: lambda saga: saga.approve("a", "pay", wait=False),
    ActionType.REJECT: lambda saga: saga.reject("a", "pay", wait=False),
    ActionType.RETRY_COMPENSATION: lambda saga: saga.retry_compensation("a", "pay", wait=False),
    ActionType.MARK_COMPENSATED: lambda saga: saga.mark_compensated("a", "pay", wait=False),
    ActionType.CONFIRM_STOPPED: lambda saga: saga.confirm_stopped("a", "pay", wait=False),
    ActionType.GIVE_UP: lambda saga: saga.give_up("a", wait=False),
    ActionType.ABANDON: lambda saga: saga.abandon("a", wait=False),
}


async def answered(cluster: Cluster, phase: str, message: str) -> None:
    """As the operator: answer the one action that there is, once it is there."""
    await until(lambda: cluster.server.all("taskactions"))
    (action,) = cluster.server.all("taskactions")
    cluster.answer(action["metadata"]["name"], phase, message)


def test_every_type_of_action_has_a_verb_and_its_api_server_takes_it(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="a"))
        assert set(VERBS) == set(ActionType)
        for type_, verb in VERBS.items():
            action = await verb(saga)
            assert (action.type, action.task, action.phase) == (type_, "a", None)
            assert action.spec["taskRef"] == {"name": "a", "uid": task.uid}
            assert action.requested_by == "alice"
        results = {action.type: action.spec.get("result", UNSET) for action in await saga.actions("a")}
        assert results[ActionType.COMPLETE] == {"id": 7}
        assert results[ActionType.RESOLVE] is None
        assert results[ActionType.APPROVE] is UNSET
        assert sum(path.endswith("selfsubjectreviews") for _, path in cluster.requests) == 1

    play(tmp_path, act)


def test_an_action_is_waited_for_until_the_operator_has_done_it(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        operator = asyncio.create_task(answered(cluster, "Applied", "step pay runs again"))
        action = await saga.retry("a", "pay", reason="the bank is back", requested_by="bob", expected_attempt=3)
        await operator
        assert (action.phase, action.message) == (ActionPhase.APPLIED, "step pay runs again")
        spec = {"reason": "the bank is back", "requestedBy": "bob", "expectedAttempt": 3, "step": "pay"}
        assert spec.items() <= action.spec.items()

    play(tmp_path, act)


def test_a_rejected_action_is_an_error_with_the_operators_reason(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        operator = asyncio.create_task(answered(cluster, "Rejected", "the Task is not blocked"))
        with pytest.raises(ActionRejected, match="GiveUp of Task a was rejected: the Task is not blocked") as refused:
            await saga.give_up("a")
        await operator
        assert refused.value.action.phase is ActionPhase.REJECTED

    play(tmp_path, act)


def test_an_action_that_nobody_answers_says_so_and_stays(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        with pytest.raises(WaitTimeout, match=r"has not been answered within 0\.05 s") as late:
            await saga.retry("a", timeout=0.05)
        assert "operator" in late.value.remedy
        assert len(cluster.server.all("taskactions")) == 1

    play(tmp_path, act)


def test_what_cannot_be_asked_for_is_told_before_anything_is_created(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        with pytest.raises(NotFound, match="reading Task a"):
            await saga.retry("a")
        await saga.submit(TaskRequest("fulfil", name="a"))
        with pytest.raises(Invalid, match=r"GiveUp of Task a: spec\.step"):
            await saga.act("a", ActionType.GIVE_UP, step="pay")
        with pytest.raises(Invalid) as refused:
            await saga.act("a", ActionType.COMPLETE)
        assert [cause.field for cause in refused.value.causes] == ["spec.step"]
        assert cluster.server.all("taskactions") == []

    play(tmp_path, act)


def test_an_action_that_a_policy_refuses_is_forbidden_in_the_policys_words(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        await saga.whoami()
        cluster.refuse_write(403, "Forbidden", 'alice may not GiveUp: it takes the verb "giveup"')
        with pytest.raises(Forbidden, match='GiveUp of Task a: alice may not GiveUp: it takes the verb "giveup"'):
            await saga.give_up("a")

    play(tmp_path, act)


def test_an_answer_that_is_lost_does_not_make_a_second_action(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        await saga.whoami()
        cluster.lost = 1
        action = await saga.retry("a", wait=False)
        assert [each["metadata"]["uid"] for each in cluster.server.all("taskactions")] == [action.uid]

    play(tmp_path, act)


def test_an_action_that_is_answered_before_its_lost_create_is_repeated_is_not_waited_for(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        await saga.whoami()
        create = saga.kube.create

        async def answered_at_once(path: str, body: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
            await create(path, body, dry_run=dry_run)
            cluster.answer(body["metadata"]["name"], "Applied", "step pay runs again")
            return await create(path, body, dry_run=dry_run)

        saga.kube.create = answered_at_once  # type: ignore[method-assign]
        action = await saga.retry("a", "pay", timeout=5)
        assert (action.phase, cluster.watches()) == (ActionPhase.APPLIED, 0)

    play(tmp_path, act)


def test_only_the_actions_on_this_very_task_are_its_actions(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for name in ("a", "b"):
            await saga.submit(TaskRequest("fulfil", name=name))
        await saga.retry("a", wait=False)
        await saga.retry("b", wait=False)
        await saga.delete("a")
        await saga.submit(TaskRequest("fulfil", name="a"))
        assert await saga.actions("a") == []
        assert [action.task for action in await saga.actions("b")] == ["b"]
        assert len(cluster.server.all("taskactions", NAMESPACE)) == 2

    play(tmp_path, act)
