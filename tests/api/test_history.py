"""A Task's history stays whole: what a status has no room for leaves it in blocks, each made once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubesaga.api.history import BLOCK_LENGTH, history_name, spill
from kubesaga.api.status import write_status
from kubesaga.engine.records import TaskStatus, Transition
from kubesaga.engine.vocabulary import Role, StepEvent, StepState, TaskEvent, TaskState

STATUS = TaskStatus(TaskState.STEPS_IN_PROCESS)


def moves(count: int, at: float = 0.0) -> list[Transition]:
    """One move of each of so many steps."""
    return [
        Transition(
            at + i, StepEvent.ENQUEUE, StepState.PENDING, StepState.ENQUEUED, step=f"s{i}", role=Role.FORWARD, attempt=1
        )
        for i in range(count)
    ]


def told(entries: list[dict[str, Any]]) -> list[str]:
    """What each entry tells."""
    return [f"{entry['at']} {entry['step']}" for entry in entries]


class Archive:
    """A status and the blocks beside it, as ``apply`` keeps them."""

    def __init__(self) -> None:
        self.wire: dict[str, Any] = {}
        self.blocks: dict[int, list[str]] = {}

    def write(self, transitions: list[Transition]) -> None:
        base, blocks = spill(self.wire, transitions)
        for block in blocks:
            assert block.number not in self.blocks
            self.blocks[block.number] = told(json.loads(block.text))
        self.wire = write_status(STATUS, base, transitions, 1, 0.0)

    @property
    def whole(self) -> list[str]:
        """Every move so far, from the blocks and the status."""
        left = [move for number in sorted(self.blocks) for move in self.blocks[number]]
        return left + told(self.wire["transitions"])


@settings(max_examples=50)
@given(st.lists(st.integers(0, 1001) | st.integers(0, 9), max_size=30))
def test_no_move_is_lost_or_told_twice(passes: list[int]) -> None:
    archive, moved, at = Archive(), 0, 0.0
    for count in passes:
        archive.write(moves(count, at))
        moved, at = moved + count, at + count
        whole = archive.whole
        assert len(whole) == moved
        assert whole == sorted(set(whole))
        assert len(archive.wire["transitions"]) <= max(256, BLOCK_LENGTH - 1 + count)
        assert archive.wire.get("historyBlocks", 0) == len(archive.blocks)
        assert {len(block) for block in archive.blocks.values()} <= {BLOCK_LENGTH}


@given(st.integers(0, 400), st.integers(0, 600), st.integers(0, 600))
def test_a_pass_that_is_made_again_makes_the_same_blocks(recorded: int, first: int, second: int) -> None:
    wire = write_status(STATUS, None, moves(recorded), 1, 0.0)
    once, again = (spill(wire, moves(count))[1] for count in (first, second))
    shared = min(len(once), len(again))
    assert once[:shared] == again[:shared]


def test_a_status_with_room_left_is_left_as_it_is() -> None:
    wire = write_status(STATUS, None, moves(255), 1, 0.0)
    assert spill(wire, moves(1)) == (wire, ())
    assert spill(wire, moves(1))[0] is wire


def test_the_256_newest_stay_where_they_are_and_128_leave_when_one_more_comes() -> None:
    wire = write_status(STATUS, None, moves(256), 1, 0.0)
    base, blocks = spill(wire, moves(1))
    assert [block.number for block in blocks] == [0]
    assert json.loads(blocks[0].text) == wire["transitions"][:128]
    assert base["transitions"] == wire["transitions"][128:]
    assert (base["historyBlocks"], base["state"]) == (1, wire["state"])
    assert "historyBlocks" not in wire, "what was recorded is not touched"


def test_a_block_is_ascii_so_that_its_bytes_are_its_characters() -> None:
    wire = {"transitions": [{"message": "größer"}] * 256}
    (block,) = spill(wire, moves(1))[1]
    assert block.text.isascii()


def test_what_a_machine_does_in_one_pass_takes_one_entry_of_room() -> None:
    wire = write_status(STATUS, None, moves(255), 1, 0.0)
    walk = [
        Transition(1.0, TaskEvent.STEP_FINISHED, TaskState.STEPS_IN_PROCESS, TaskState.EVALUATING_RESULTS),
        Transition(1.0, TaskEvent.ALL_STEPS_DONE, TaskState.EVALUATING_RESULTS, TaskState.COMPLETE),
    ]
    assert spill(wire, walk)[1] == ()


def test_one_entry_tells_all_that_a_state_machine_went_through_in_a_pass() -> None:
    passed = [
        Transition(5.0, TaskEvent.START, TaskState.PENDING, TaskState.INITIALIZING),
        Transition(5.0, TaskEvent.STEPS_READY, TaskState.INITIALIZING, TaskState.ENQUEUING_STEPS),
        *moves(1, 5.0),
        Transition(
            5.0, StepEvent.FAIL, "Pending", "Error", step="s0", role=Role.COMPENSATION, attempt=2, message="no " * 400
        ),
        Transition(5.0, TaskEvent.STEPS_ENQUEUED, TaskState.ENQUEUING_STEPS, TaskState.STEPS_IN_PROCESS),
    ]
    at = "1970-01-01T00:00:05.000000Z"
    assert write_status(STATUS, None, passed, 1, 0.0)["transitions"] == [
        {"at": at, "from": "Pending", "to": "StepsInProcess", "events": ["Start", "StepsReady", "StepsEnqueued"]},
        {"at": at, "step": "s0", "attempt": 1, "from": "Pending", "to": "Enqueued", "events": ["Enqueue"]},
        {
            "at": at, "step": "s0", "role": "compensation", "attempt": 2, "from": "Pending", "to": "Error",
            "events": ["Fail"], "message": ("no " * 400)[:200],
        },
    ]  # fmt: skip


def test_a_decision_that_moves_everything_says_less_of_each() -> None:
    told = [replace(each, message="m" * 999) for each in moves(512)]
    few, many = (write_status(STATUS, None, listed, 1, 0.0)["transitions"] for listed in (told[:256], told))
    assert {len(entry["message"]) for entry in few} == {200}
    assert {len(entry["message"]) for entry in many} == {100}


def test_blocks_are_named_after_the_task_and_unlike_those_of_an_earlier_task_of_its_name() -> None:
    assert history_name("order-1", "u-1", 12).startswith("order-1-history-")
    names = {history_name("order-1", uid, number) for uid in ("u-1", "u-2") for number in (0, 1, 10)}
    assert len(names) == 6
