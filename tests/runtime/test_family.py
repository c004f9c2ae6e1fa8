"""Relatives are woken by what they decide upon, and by nothing else."""

from __future__ import annotations

from typing import Any

from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.family import Family
from kubesaga.runtime.queue import WorkQueue

from .objects import child_of, task


class House:
    """Tasks in a cache, and a family that watches them."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.queue = WorkQueue()
        self.family = Family(self.cache, self.queue)
        self._version = 0

    def put(self, obj: Obj) -> Obj:
        self._version += 1
        obj["metadata"] |= {"uid": f"uid-{obj['metadata']['name']}", "resourceVersion": str(self._version)}
        self.cache.upsert(Kind.TASK, obj)
        return obj

    def parent(self, **status: Any) -> Obj:
        steps = [{"name": f"s{i}", "childName": f"c{i}", "state": "InProgress", "attempt": 1} for i in range(3)]
        spec = status.pop("spec", {})
        return self.put(task("p", "StepsInProcess", status={"steps": steps, **status}, spec=spec))

    def woken(self) -> list[str]:
        names = sorted(key[1] for key in self.queue._ready)
        self.queue._ready.clear()
        self.queue._dirty.clear()
        return names


def settled_house() -> House:
    house = House()
    parent = house.parent()
    for i in range(3):
        house.family.changed(house.put(child_of(parent, f"s{i}", f"c{i}", "StepsInProcess")))
    house.family.changed(parent)
    house.woken()
    return house


def test_a_child_that_moves_on_wakes_its_parent_and_not_its_siblings() -> None:
    house = settled_house()
    house.family.changed(house.put(child_of(house.parent(), "s1", "c1", "Complete")))
    assert house.woken() == ["p"]


def test_what_the_parent_has_heard_already_wakes_nobody() -> None:
    house = settled_house()
    same = child_of(house.parent(), "s1", "c1", "StepsInProcess", status={"message": "step 2 of 9"})
    house.family.changed(house.put(same))
    assert house.woken() == []


def test_a_parent_wakes_only_the_child_that_it_says_something_new_to() -> None:
    house = settled_house()
    steps = [{"name": f"s{i}", "state": "InProgress", "attempt": 1} for i in range(3)]
    steps[1]["stop"] = {"reason": "Cancelled"}
    house.family.changed(house.parent(steps=steps))
    assert house.woken() == ["c1"]
    house.family.changed(house.parent(steps=steps, message="still waiting"))
    assert house.woken() == []


def test_an_ending_concerns_every_child() -> None:
    house = settled_house()
    house.family.changed(house.parent(ending={"trigger": "Cancelled", "phase": "Quiescing"}))
    assert house.woken() == ["c0", "c1", "c2"]


def test_a_suspension_reaches_grandchildren() -> None:
    house = settled_house()
    child = house.put(child_of(house.parent(), "s1", "c1", "StepsInProcess"))
    house.family.changed(house.put(child_of(child, "t", "grandchild", "StepsInProcess")))
    house.woken()
    house.family.changed(house.parent(spec={"desiredState": "Suspended"}))
    assert house.woken() == ["c0", "c1", "c2", "grandchild"]


def test_a_parent_that_goes_wakes_its_children_and_a_child_that_goes_its_parent() -> None:
    house = settled_house()
    child = house.cache.get(Kind.TASK, "shop", "c2")
    assert child is not None
    house.cache.remove(Kind.TASK, child)
    house.family.gone(child)
    assert house.woken() == ["p"]
    parent = house.parent()
    house.cache.remove(Kind.TASK, parent)
    house.family.gone(parent)
    assert house.woken() == ["c0", "c1"]


def test_a_hundred_children_that_each_move_once_cause_a_hundred_looks_at_their_parent_at_most() -> None:
    house = House()
    parent = house.put(
        task("p", "StepsInProcess", status={"steps": [{"name": f"s{i}", "attempt": 1} for i in range(100)]})
    )
    for i in range(100):
        house.family.changed(house.put(child_of(parent, f"s{i}", f"c{i}", "StepsInProcess")))
    house.family.changed(parent)
    house.woken()
    for i in range(100):
        house.family.changed(house.put(child_of(parent, f"s{i}", f"c{i}", "Complete")))
        house.family.changed(parent)
    assert house.queue.adds <= 1 + 100 + 1  # at first the parent and every child, then the parent
