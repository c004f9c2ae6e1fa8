"""Child Tasks: what the parent makes of them, and which ones it takes for its own."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.api.constants import LABEL_ATTEMPT, LABEL_FENCE, LABEL_PARENT_UID, LABEL_TASK_UID
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import ChildTask
from kubesaga.engine.snapshot import Child
from kubesaga.engine.vocabulary import DeletionPolicy, Role, TaskOutcome, TaskState
from kubesaga.kube.client import KubeError, tasks_path
from kubesaga.runtime import children
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.launches import Launcher
from kubesaga.runtime.namespaces import Terminating
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.results import Results

from .api_server import ApiServer
from .objects import NS, task

DELETE = DeletionPolicy.DELETE
PARENT = task("p", metadata={"uid": "uid-p"}, spec={"correlationId": "c-1", "reason": "audit", "context": {"a": 1}})
SUB = ChildTask("shop", "pack", "^2.1", lambda _scope: {})


def build(policy: DeletionPolicy = DELETE, context: Obj | None = None) -> Obj:
    return children.build_child(PARENT, "pack", "p-pack-1", SUB, context or {"order": 7}, policy)


def test_a_child_asks_for_the_template_with_the_mapped_context_and_says_who_wants_it() -> None:
    child = build()
    assert child["spec"] == {
        "templateRef": {"domain": "shop", "name": "pack", "version": "^2.1"},
        "context": {"order": 7},
        "initiator": "task/p",
        "correlationId": "c-1",
        "reason": "audit",
    }


def test_a_child_is_found_by_its_parent_and_is_never_taken_for_a_job_of_it() -> None:
    labels = build()["metadata"]["labels"]
    assert labels[LABEL_PARENT_UID] == "uid-p"
    assert LABEL_TASK_UID not in labels


def test_a_child_goes_with_its_parent_unless_that_is_undone_first() -> None:
    assert [owner["uid"] for owner in build()["metadata"]["ownerReferences"]] == ["uid-p"]
    assert build(DeletionPolicy.COMPENSATE)["metadata"]["ownerReferences"] == []


def test_a_fence_is_cancelled_from_the_start_and_says_for_which_attempts_it_stands() -> None:
    fence = children.build_fence(PARENT, "pack", "p-pack-1", SUB, 3, DELETE)
    assert fence["spec"]["desiredState"] == "Cancelled"
    assert children.fenced_attempt(fence) == 3
    assert children.fenced_attempt(build()) is None
    assert children.belongs_to(fence, PARENT, "pack")


def test_a_fence_whose_attempt_somebody_took_away_stands_for_none() -> None:
    fence = {"metadata": {"labels": {LABEL_FENCE: "true"}}}
    assert children.fenced_attempt(fence) == 0
    assert children.fenced_attempt({"metadata": {"labels": {LABEL_FENCE: "true", LABEL_ATTEMPT: "x"}}}) == 0


def test_another_parents_or_another_steps_child_is_a_stranger() -> None:
    assert children.belongs_to(build(), PARENT, "pack")
    assert not children.belongs_to(build(), PARENT, "ship")
    assert not children.belongs_to(build(), task("q", metadata={"uid": "uid-q"}), "pack")


def test_a_task_with_the_right_labels_and_another_request_is_no_child() -> None:
    forged = build(context={"order": 8})
    assert children.belongs_to(forged, PARENT, "pack")
    assert not children.asks_the_same(forged, build())
    assert children.asks_the_same(build(), build())


def read(obj: Obj, kube: ApiServer | None = None) -> Child:
    return asyncio.run(children.read_child(obj, Results(kube or ApiServer())))


def seen_after_the_end(status: Obj) -> Child:
    """What a parent sees through the cache, which keeps the head of an ended Task only."""
    child = build()
    child["metadata"] |= {"uid": "uid-c", "resourceVersion": "1"}
    child["status"] = status
    cache = Cache()
    cache.upsert(Kind.TASK, child)
    kept = cache.get(Kind.TASK, child["metadata"]["namespace"], "p-pack-1")
    assert kept is not None
    return read(kept)


LINK = {
    "name": "p",
    "uid": "uid-p",
    "step": "pack",
    "rootKey": "uid-p",
    "path": ["pack"],
    "templates": ["default/order"],
    "attempt": 2,
}


def test_an_ended_child_still_tells_its_result_and_which_attempt_it_served() -> None:
    child = seen_after_the_end(
        {"state": "Complete", "outcome": "Succeeded", "result": {"box": 3}, "parent": LINK, "message": "done"}
    )
    assert (child.state, child.outcome, child.result) == (TaskState.COMPLETE, TaskOutcome.SUCCEEDED, {"box": 3})
    assert (child.obeyed, child.undone, child.reopenable) == (2, False, False)


def test_a_failed_child_can_be_reopened_and_a_compensated_one_is_undone() -> None:
    failed = seen_after_the_end({"state": "Error", "outcome": "Failed", "parent": LINK})
    assert (failed.reopenable, failed.undone) == (True, False)
    undone = seen_after_the_end(
        {
            "state": "Error",
            "outcome": "Compensated",
            "parent": LINK,
            "compensation": {"trigger": "Requested", "plan": [{"step": "a", "after": []}]},
        }
    )
    assert (undone.reopenable, undone.undone) == (False, True)


def test_a_child_whose_large_result_is_gone_has_failed_and_says_so() -> None:
    lost = seen_after_the_end(
        {
            "state": "Complete",
            "outcome": "Succeeded",
            "parent": LINK,
            "resultRef": {"name": "big", "sha256": "0" * 64, "size": 9000},
        }
    )
    assert (lost.state, lost.reopenable) == (TaskState.ERROR, False)
    assert "big" in lost.message


def test_a_refused_child_is_hopeless_only_where_waiting_cannot_help() -> None:
    refused = children.refusal(KubeError(422, "Invalid", "spec.context: too long"))
    assert refused is not None
    assert refused.hopeless
    quota = children.refusal(KubeError(403, "Forbidden", "exceeded quota: tasks"))
    assert quota is not None
    assert (quota.hopeless, quota.error.type) == (False, "QuotaExceeded")
    assert children.refusal(KubeError(500, "InternalError", "etcd")) is None


def test_a_fence_that_a_finalizer_holds_back_is_waited_for_and_not_asked_for_at_once_again() -> None:
    async def main() -> None:
        kube, cache = ApiServer(), Cache()
        fence = children.build_fence(PARENT, "pack", "p-pack-1", SUB, 1, DELETE)
        fence["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["theirs"]}
        kube.add(tasks_path(NS), fence)
        launcher = Launcher(kube, cache, Refusals(), Results(kube), Terminating(), lambda _kind, _type, _obj: None)
        with pytest.raises(KubeError, match="FenceNotGone"):
            await launcher._create_child(PARENT, Attempt("pack", Role.FORWARD, 2), build())

    asyncio.run(main())
