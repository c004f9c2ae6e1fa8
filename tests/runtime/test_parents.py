"""Parents: believed only by their own record, and read for what they say to the child."""

from __future__ import annotations

import asyncio
from typing import Any

from kubesaga.api.constants import MAX_DEPTH
from kubesaga.api.status import read_status
from kubesaga.engine.records import ParentLink
from kubesaga.engine.snapshot import Parent, TemplateProblem
from kubesaga.engine.vocabulary import RunningSteps
from kubesaga.kube.client import tasks_path
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.parents import Parents, lineage_problems
from kubesaga.runtime.revisions import Revisions

from .api_server import ApiServer
from .objects import NS, child_of, task


class House:
    """A parent, its child, and an operator that has seen both."""

    def __init__(self, state: str = "StepsInProcess", **parent: Any) -> None:
        self.kube = ApiServer()
        self.cache = Cache()
        step = {"name": "pack", "state": "Enqueued", "attempt": 2, "childName": "c", **parent.pop("step", {})}
        status = {"steps": [step], **parent.pop("status", {})}
        self.parent = self.kube.add(tasks_path(NS), task("p", state, status=status, **parent))
        self.child = self.kube.add(tasks_path(NS), child_of(self.parent, "pack", "c"))
        for obj in (self.parent, self.child):
            self.cache.upsert(Kind.TASK, obj)

    def start(self) -> None:
        """The child has started: its link is recorded."""
        link = self.seen().link
        self.child["status"] = {
            "state": "StepsInProcess",
            "parent": {
                "name": link.name,
                "uid": link.uid,
                "step": link.step,
                "rootKey": link.root_key,
                "path": list(link.path),
                "templates": list(link.templates),
                "attempt": 1,
            },
        }

    def take_in(self, kind: Kind, _: str | None, obj: Obj) -> None:
        self.cache.upsert(kind, obj)

    def look(self, child: Obj | None = None) -> Parent | TemplateProblem | None:
        parents = Parents(self.kube, self.cache, Revisions(self.kube), self.take_in)
        obj = child or self.child
        return asyncio.run(parents.look(obj, read_status(obj.get("status"))))

    def seen(self, child: Obj | None = None) -> Parent:
        found = self.look(child)
        assert isinstance(found, Parent)
        return found


def test_a_child_named_by_its_parents_record_gets_its_place_below_it() -> None:
    house = House(spec={"templateRef": {"name": "order", "domain": "shop"}, "idempotencyKey": "order-7"})
    assert house.seen().link == ParentLink(
        name="p",
        uid=house.parent["metadata"]["uid"],
        step="pack",
        root_key="order-7",
        path=("pack",),
        templates=("shop/order",),
        attempt=2,
    )


def test_a_grandchilds_place_goes_on_from_its_parents() -> None:
    above = {
        "name": "root",
        "uid": "uid-root",
        "step": "ship",
        "rootKey": "uid-root",
        "path": ["ship"],
        "templates": ["default/all"],
        "attempt": 1,
    }
    link = House(status={"parent": above}).seen().link
    assert (link.root_key, link.path, link.templates) == (
        "uid-root",
        ("ship", "pack"),
        ("default/all", "default/order"),
    )


def test_labels_alone_make_nobody_a_child() -> None:
    house = House()
    forged = house.kube.add(tasks_path(NS), child_of(house.parent, "pack", "forged"))
    found = house.look(forged)
    assert isinstance(found, TemplateProblem)
    assert found.reason == "ParentNotFound"


def test_a_parent_that_the_cache_has_not_seen_name_its_child_is_asked_for_live() -> None:
    house = House()
    stale = task("p", "Pending", metadata={**house.parent["metadata"], "resourceVersion": "1"})
    house.cache = Cache()
    house.cache.upsert(Kind.TASK, stale)
    assert house.seen().wanted


def test_a_task_that_started_without_a_parent_has_none_whatever_its_labels_say() -> None:
    house = House()
    house.child["status"] = {"state": "StepsInProcess"}
    assert house.look() is None


def test_a_started_child_keeps_its_parent_when_its_labels_are_taken_away() -> None:
    house = House()
    house.start()
    house.child["metadata"]["labels"] = {}
    assert house.seen().wanted


def test_a_live_step_wants_its_child_and_one_that_is_stopped_stops_it() -> None:
    assert House().seen().wanted
    stopped = House(step={"stop": {"reason": "Cancelled", "at": "2026-01-01T00:00:00Z", "action": "Cancel"}}).seen()
    assert (stopped.wanted, stopped.stop) == (False, RunningSteps.TERMINATE)


def test_a_parent_that_is_cancelled_drains_its_children() -> None:
    ending = {"trigger": "Cancelled", "at": "2026-01-01T00:00:00Z", "phase": "Quiescing", "outcome": "Cancelled"}
    seen = House(status={"ending": ending}).seen()
    assert (seen.stop, seen.ending, seen.ended) == (RunningSteps.DRAIN, True, False)


def test_a_suspended_parent_suspends_its_children() -> None:
    assert not House().seen().suspended
    assert House(spec={"desiredState": "Suspended"}).seen().suspended


def test_a_parent_that_is_gone_has_ended() -> None:
    house = House()
    house.start()
    house.kube.objects.pop(tasks_path(NS, "p"))
    house.cache.remove(Kind.TASK, house.parent)
    assert house.seen().ended


def test_an_ended_parent_is_read_live_because_the_cache_has_its_head_only() -> None:
    house = House(state="Error", step={"state": "Error"})
    house.start()
    seen = house.seen()
    assert (seen.ended, seen.wanted, seen.attempt) == (True, False, 2)


def test_a_namesake_of_the_parent_is_not_the_parent() -> None:
    house = House()
    house.start()
    house.kube.objects.pop(tasks_path(NS, "p"))
    house.cache.remove(Kind.TASK, house.parent)
    steps = [{"name": "pack", "state": "Enqueued", "attempt": 2, "childName": "c"}]
    house.kube.add(tasks_path(NS), task("p", "StepsInProcess", status={"steps": steps}))
    assert house.seen().ended


def link(*templates: str) -> ParentLink:
    return ParentLink("p", "u", "s", "u", tuple("s" for _ in templates), templates)


def test_a_workflow_cannot_run_inside_itself_nor_too_deep() -> None:
    assert lineage_problems(task("t"), link("default/other")) == ()
    (cycle,) = lineage_problems(task("t"), link("default/order", "default/other"))
    assert "default/order -> default/other -> default/order" in cycle
    deep = [f"default/t{i}" for i in range(MAX_DEPTH)]
    assert lineage_problems(task("t"), link(*deep[:-1])) == ()
    (too_deep,) = lineage_problems(task("t"), link(*deep))
    assert str(MAX_DEPTH) in too_deep
