"""What the engine records survives the way to the API server and back."""

from __future__ import annotations

from kubesaga.api.status import epoch, read_status, rfc3339, write_status
from kubesaga.engine.plan import Compensation, Plan, Step
from kubesaga.engine.vocabulary import FailureStrategy
from tests.engine.world import Outcome, World, fails, scripted


def failing_world() -> World:
    steps = (
        Step("a", compensation=Compensation()),
        Step("b", depends_on=("a",), compensation=Compensation()),
    )
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    return World(plan, scripted({("a", 1): fails(retryable=True), "b": fails()}, undo={"a": Outcome(result=[1])}))


def test_every_status_on_the_way_of_a_task_is_read_back_as_it_was_written() -> None:
    world = failing_world()
    wire = None
    for _ in range(200):
        decision = world.pass_once()
        wire = write_status(decision.status, wire, decision.transitions, 1, world.now)
        assert read_status(wire) == decision.status
        if world.ended:
            break
        world.now += 0.5
    assert world.ended


def conditions(wire: dict[str, object]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in wire["conditions"]}  # type: ignore[attr-defined]


def test_conditions_follow_kstatus() -> None:
    world = failing_world()
    first = world.pass_once()
    running = write_status(first.status, None, first.transitions, 1, world.now)
    assert conditions(running) == {
        "Ready": "False", "Succeeded": "Unknown", "Finished": "False", "Reconciling": "True", "Stalled": "False",
        "NeedsAttention": "False",
    }  # fmt: skip
    world.run()
    ended = write_status(world.status, running, (), 1, world.now)
    assert conditions(ended) == {
        "Ready": "False", "Succeeded": "False", "Finished": "True", "Reconciling": "False", "Stalled": "True",
        "NeedsAttention": "False",
    }  # fmt: skip


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    world = failing_world()
    first = world.pass_once()
    before = write_status(first.status, None, first.transitions, 1, 1_000.0)
    after = write_status(first.status, before, (), 1, 2_000.0)
    assert before["conditions"] == after["conditions"]


def test_a_status_that_was_never_written_is_that_of_a_pending_task() -> None:
    assert read_status(None) == read_status({}) == read_status({"observedGeneration": -1})


def test_the_history_is_a_ring_of_the_newest_transitions() -> None:
    world = failing_world().run()
    wire = None
    for _ in range(60):
        for decision in world.decisions:
            wire = write_status(decision.status, wire, decision.transitions, 1, world.now)
    assert wire is not None
    assert len(wire["transitions"]) == 256
    assert wire["transitions"][-1]["to"] == "Error"


def test_one_entry_tells_all_that_a_state_machine_went_through_in_a_pass() -> None:
    world = failing_world()
    first = world.pass_once()
    wire = write_status(first.status, None, first.transitions, 1, world.now)
    assert [{**each, "at": None} for each in wire["transitions"]] == [
        {
            "at": None,
            "from": "Pending",
            "to": "StepsInProcess",
            "events": ["Start", "StepsReady", "StepsEnqueued"],
        },
        {"at": None, "step": "a", "attempt": 1, "from": "Pending", "to": "Enqueued", "events": ["Enqueue"]},
    ]


def test_times_keep_their_microseconds() -> None:
    assert rfc3339(1_700_000_000.123456) == "2023-11-14T22:13:20.123456Z"
    assert epoch("2023-11-14T22:13:20.123456Z") == 1_700_000_000.123456
