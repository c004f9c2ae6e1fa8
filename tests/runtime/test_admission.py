"""The operator-wide limit: never more than it says, the urgent first, and nobody forgotten."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubesaga.runtime.admission import PASSED_OVER_SECONDS, Admission
from kubesaga.runtime.cache import Cache, Kind, Lane, Obj
from kubesaga.runtime.queue import Key, WorkQueue

from .objects import child_of, task

LAUNCHED = {"steps": [{"name": "a", "attempt": 1}]}


class Queue(WorkQueue):
    """Remembers who is to come back later, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.later: list[tuple[str, float]] = []

    def add_after(self, key: Key, seconds: float) -> None:
        self.later.append((key[1], seconds))


class Gate:
    """A limit, and Tasks at it."""

    def __init__(self, limit: int) -> None:
        self.cache = Cache()
        self.queue = Queue()
        self.now = 0.0
        self.admission = Admission(self.cache, self.queue, limit, lambda: self.now)
        self._version = 0

    def put(self, name: str, state: str = "WaitingForDependencies", **parts: Any) -> Obj:
        self._version += 1
        obj = task(name, state, **parts)
        obj["metadata"] |= {"uid": f"uid-{name}", "resourceVersion": str(self._version)}
        self.cache.upsert(Kind.TASK, obj)
        return obj

    def start(self, name: str) -> None:
        self.put(name, "StepsInProcess", status=LAUNCHED)
        self.admission.settle(f"uid-{name}")

    def next(self) -> list[str]:
        """Who was woken, in that order."""
        woken = [key[1] for key in self.queue._ready]
        self.queue._ready.clear()
        self.queue._dirty.clear()
        return woken


def test_without_a_limit_everybody_starts() -> None:
    gate = Gate(0)
    assert all(gate.admission.slot(gate.put(f"t{i}")) for i in range(50))


def test_as_many_start_as_there_are_slots_even_before_their_starts_are_written() -> None:
    gate = Gate(2)
    tasks = [gate.put(f"t{i}") for i in range(5)]
    assert [gate.admission.slot(each) for each in tasks] == [True, True, False, False, False]
    gate.start("t0")
    gate.start("t1")
    assert [gate.admission.slot(each) for each in tasks[2:]] == [False, False, False]


def test_the_higher_priority_is_first_then_the_older_one() -> None:
    gate = Gate(1)
    young = gate.put("young", created=9)
    old = gate.put("old", created=3)
    urgent = gate.put("urgent", created=10, spec={"priority": 5})
    assert not gate.admission.slot(young)
    assert not gate.admission.slot(old)
    assert gate.admission.slot(urgent)


def test_a_task_that_runs_keeps_its_slot_and_a_sub_workflow_needs_none() -> None:
    gate = Gate(1)
    running = gate.put("running", "WaitingForRetry", status=LAUNCHED)
    child = child_of(running, "a", "child")
    assert gate.admission.slot(running)
    assert gate.admission.slot(child)
    assert not gate.admission.slot(gate.put("other"))


def test_the_end_of_one_wakes_the_next() -> None:
    gate = Gate(1)
    gate.put("running", "StepsInProcess", status=LAUNCHED)
    gate.put("b", created=2)
    gate.put("a", created=1)
    gate.admission.wake()
    assert gate.next() == []
    gate.put("running", "Complete")
    gate.admission.wake()
    assert gate.next() == ["a"]


def test_who_makes_no_use_of_its_turn_lets_the_next_pass_for_a_while() -> None:
    gate = Gate(1)
    idle, second = gate.put("idle", created=1), gate.put("second", created=2)
    assert gate.admission.slot(idle)
    gate.admission.settle("uid-idle")
    assert gate.next() == ["second"]
    assert gate.queue.later == [("idle", PASSED_OVER_SECONDS)]
    assert gate.admission.slot(second)
    gate.admission.settle("uid-second")
    gate.now += PASSED_OVER_SECONDS + 1
    assert not gate.admission.slot(second)


def test_those_that_cannot_start_anyway_stand_in_nobodys_way() -> None:
    gate = Gate(1)
    gate.put("suspended", created=1, spec={"desiredState": "Suspended"})
    gate.put("no-template", "Pending", created=2)
    gate.put("going", created=3, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    gate.put("ended", "Error", created=4)
    assert gate.admission.slot(gate.put("ready", created=5))


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60))
def test_never_more_run_than_the_limit_and_a_free_slot_is_always_offered(
    limit: int, moves: list[tuple[int, int]]
) -> None:
    gate = Gate(limit)
    for number, (who, what) in enumerate(moves):
        name = f"t{who}"
        if what == 0:
            gate.put(name, created=number)
        elif what == 1:
            waiting = gate.cache.lane(Lane.WAITING).get(f"uid-{name}")
            if waiting is not None and gate.admission.slot(waiting):
                gate.start(name)
        elif what == 2:
            gate.put(name, "Complete")
            gate.admission.wake()
        running = len(gate.cache.lane(Lane.RUNNING))
        waiting_now = len(gate.cache.lane(Lane.WAITING))
        assert running <= limit
        gate.next()
        gate.admission.wake()
        assert len(gate.next()) == min(limit - running, waiting_now)


def test_one_that_is_refused_while_a_slot_becomes_free_is_woken_once_it_stands_in_line() -> None:
    gate = Gate(1)
    first, second = gate.put("first", "Pending"), gate.put("second", "Pending")
    assert gate.admission.slot(first)
    assert not gate.admission.slot(second)
    gate.put("first", "Error")  # a duplicate, say: it never launched anything
    gate.admission.settle("uid-first")
    assert gate.next() == []
    gate.put("second")
    gate.admission.settle("uid-second")
    assert gate.next() == ["second"]
