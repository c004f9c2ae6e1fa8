"""Ended Tasks: what is left alone, what goes, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubesaga.api.constants import (
    CONTENT_INPUT,
    LABEL_CONTENT,
    LABEL_DEAD_LETTER,
    LABEL_ROLE,
    LABEL_RUN,
    LABEL_TASK_UID,
)
from kubesaga.api.times import rfc3339
from kubesaga.kube.client import actions_path, configmaps_path, jobs_path, tasks_path
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.cleaning import Cleaner
from kubesaga.runtime.dead_letters import DeadLetters
from kubesaga.runtime.queue import WorkQueue
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.settled import Settled

from . import virtual
from .api_server import ApiServer
from .objects import NS, action, child_of, task

RETENTION = 100.0


class Yard:
    """Ended Tasks and their cleaner, fed by what the API server tells."""

    def __init__(self) -> None:
        self.kube = ApiServer()
        self.cache = Cache()
        self.queue = WorkQueue()
        self.kube.watchers.append(self._see)
        dead_letters = DeadLetters(self.kube, self.cache)
        self.cleaner = Cleaner(self.kube, self.cache, self.queue, Refusals(), dead_letters, RETENTION)
        self.settled = Settled(self.cache)

    def _see(self, plural: str, type_: str, obj: Obj) -> None:
        if plural in set(Kind):
            kind = Kind(plural)
            if type_ == "DELETED":
                self.cache.remove(kind, obj)
            else:
                self.cache.upsert(kind, obj)

    def ended(self, name: str, at: float = 0, state: str = "Complete", **parts: Any) -> Obj:
        status = {"finishedAt": rfc3339(at), **parts.pop("status", {})}
        stored = self.kube.add(tasks_path(NS), task(name, state, status=status, **parts))
        labels = {LABEL_TASK_UID: stored["metadata"]["uid"], LABEL_RUN: "1", LABEL_ROLE: "forward"}
        self.work(f"{name}-job", labels)
        for content in (CONTENT_INPUT, "result"):
            meta = {"name": f"{name}-{content}", "labels": {**labels, LABEL_CONTENT: content}}
            self.kube.add(configmaps_path(NS), {"metadata": meta})
        return stored

    def work(self, name: str, labels: dict[str, str]) -> None:
        """A Job of such labels."""
        self.kube.add(jobs_path(NS), {"metadata": {"name": name, "labels": labels}})

    def clean(self, name: str, now: float) -> None:
        cached = self.cache.get(Kind.TASK, NS, name)
        assert cached is not None

        async def main() -> None:
            await self.cleaner.clean(cached, now)

        virtual.run(main())

    def left(self, plural: str) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in self.kube.all(plural))


def test_jobs_and_their_inputs_go_after_the_retention_and_results_stay_while_the_task_lives() -> None:
    yard = Yard()
    yard.ended("t", at=50)
    yard.clean("t", now=50 + RETENTION - 1)
    assert yard.left("jobs") == ["t-job"]
    yard.clean("t", now=50 + RETENTION)
    assert (yard.left("jobs"), yard.left("configmaps"), yard.left("tasks")) == ([], ["t-result"], ["t"])
    writes = yard.kube.writes()
    yard.clean("t", now=9999)
    assert yard.kube.writes() == writes


def test_a_task_goes_when_its_own_time_is_over_and_not_before() -> None:
    yard = Yard()
    yard.ended("t", at=50, spec={"ttlAfterFinished": "1m"})
    yard.clean("t", now=109)
    assert yard.left("tasks") == ["t"]
    yard.clean("t", now=110)
    assert yard.left("tasks") == []


def test_a_task_that_was_taken_up_again_is_not_deleted() -> None:
    yard = Yard()
    yard.ended("t", spec={"ttlAfterFinished": "1m"})
    cached = yard.cache.get(Kind.TASK, NS, "t")
    assert cached is not None
    obj = yard.kube.at(tasks_path(NS, "t"))
    yard.kube.put(tasks_path(NS, "t"), {**obj, "status": {"state": "EvaluatingResults"}})
    asyncio.run(yard.cleaner.clean(cached, 1000.0))
    assert yard.left("tasks") == ["t"]


def test_a_child_stays_as_long_as_its_parent() -> None:
    yard = Yard()
    parent = yard.ended("p")
    yard.kube.add(
        tasks_path(NS),
        child_of(
            parent,
            "s",
            "c",
            "Complete",
            spec={"ttlAfterFinished": "1s"},
            status={"finishedAt": rfc3339(0)},
        ),
    )
    yard.clean("c", now=50)
    assert yard.left("tasks") == ["c", "p"]
    yard.cache.remove(Kind.TASK, parent)
    yard.clean("c", now=50)
    assert yard.left("tasks") == ["p"]


def test_a_dead_letter_label_that_a_crash_left_wrong_is_put_right() -> None:
    yard = Yard()
    yard.ended("t", status={"stale": True})
    yard.clean("t", now=1)
    assert yard.kube.at(tasks_path(NS, "t"))["metadata"]["labels"] == {LABEL_DEAD_LETTER: "true"}
    writes = yard.kube.writes()
    yard.clean("t", now=2)
    assert yard.kube.writes() == writes


def settled(yard: Yard, name: str) -> bool:
    cached = yard.cache.get(Kind.TASK, NS, name)
    assert cached is not None
    return yard.settled.is_settled(cached)


def test_an_ended_task_is_settled_until_somebody_acts_on_it() -> None:
    yard = Yard()
    yard.ended("t", state="Error")
    assert settled(yard, "t")
    yard.kube.add(actions_path(NS), action("again", "t"))
    assert not settled(yard, "t")


def test_a_live_task_is_never_settled_and_a_dying_one_only_without_the_finalizer() -> None:
    yard = Yard()
    for name, finalizers in (("plain", ["other"]), ("held", ["kubesaga.dev/compensate"])):
        meta = {"finalizers": finalizers}
        yard.kube.add(tasks_path(NS), task(name, "StepsInProcess", metadata=meta))
        assert not settled(yard, name)
        asyncio.run(yard.kube.delete(tasks_path(NS, name)))
    assert settled(yard, "plain")
    assert not settled(yard, "held")


def test_an_ended_child_is_settled_until_its_parent_wants_something_new_of_it() -> None:
    yard = Yard()
    parent = yard.ended("p", state="StepsInProcess")
    link = {"name": "p", "uid": parent["metadata"]["uid"], "step": "s", "attempt": 1}
    child = child_of(parent, "s", "c", "Error", status={"parent": link, "finishedAt": rfc3339(0)})
    yard.kube.add(tasks_path(NS), child)

    def parent_says(**step: Any) -> bool:
        obj = yard.kube.at(tasks_path(NS, "p"))
        status = {"state": "StepsInProcess", "steps": [{"name": "s", **step}]}
        yard.kube.put(tasks_path(NS, "p"), {**obj, "status": status})
        return settled(yard, "c")

    assert parent_says(state="Error", attempt=1)
    assert parent_says(state="InProgress", attempt=1)
    assert not parent_says(state="Enqueued", attempt=2)
    assert parent_says(state="Enqueued", attempt=2, stop={"reason": "Cancelled"})
    assert not parent_says(state="Complete", attempt=1, compensation={"state": "Enqueued"})
    assert parent_says(state="Complete", attempt=1, compensation={"state": "Complete"})


def test_the_jobs_of_a_task_that_was_taken_up_again_unseen_stay() -> None:
    yard = Yard()
    yard.ended("t")
    yard.kube.watchers.clear()
    yard.kube._patch(tasks_path(NS, "t"), {"status": {"state": "StepsInProcess"}}, "merge")
    yard.clean("t", RETENTION + 1)
    assert jobs_path(NS, "t-job") in yard.kube.objects


def test_the_jobs_of_a_run_that_begins_before_the_answer_is_here_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    yard = Yard()
    uid = yard.ended("t")["metadata"]["uid"]
    asked = yard.kube.get

    async def answered_late(path: str) -> Obj:
        answer = await asked(path)
        yard.work("t-again", {LABEL_TASK_UID: uid, LABEL_RUN: "2", LABEL_ROLE: "forward"})
        return answer

    monkeypatch.setattr(yard.kube, "get", answered_late)
    yard.clean("t", RETENTION + 1)
    assert yard.left("jobs") == ["t-again"]
