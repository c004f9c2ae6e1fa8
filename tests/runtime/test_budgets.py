"""The largest workflow with the largest results: what is written stays within what the API server takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.kube.client import configmaps_path
from kubesaga.runtime.cache import Obj
from tests.runtime.objects import NS
from tests.runtime.world import World, done, fails

pytestmark = pytest.mark.slow

KIB = 1024
CHAINS, LENGTH = 100, 5
RESULT = "x" * (c.RESULT_LIMIT_BYTES - len('{"result": ""}'))
NAME = "large" * 12


def step_name(chain: int, place: int) -> str:
    """As long as a step's name may be."""
    return f"{'step_' * 7}{chain:03}_{place}"


def steps(**each: Any) -> list[Obj]:
    """Chains of steps side by side."""
    return [
        {
            "name": step_name(chain, place),
            "dependsOn": [step_name(chain, place - 1)] if place else [],
            **each,
        }
        for chain in range(CHAINS)
        for place in range(LENGTH)
    ]


class Measured(World):
    """A world whose steps leave the largest document that fits, and that keeps the sizes of the largest objects."""

    def __init__(self) -> None:
        super().__init__()
        self.largest: dict[str, int] = {}
        self.kube.watchers.append(self._measure)
        self.script = {step["name"]: [done(RESULT)] for step in steps()}

    def _measure(self, plural: str, _type: str, obj: Obj) -> None:
        size = len(json.dumps(obj, ensure_ascii=False).encode())
        self.largest[plural] = max(size, self.largest.get(plural, 0))

    def run_to_the_end(self, *steps: Obj, **spec: Any) -> Measured:
        """Play a Task of these steps until it has an outcome."""

        async def act(world: World) -> None:
            world.template("large", *steps, **spec)
            world.task(NAME, "large")
            await world.until(lambda: "outcome" in world.status(NAME))

        self.play(act)
        return self


@pytest.fixture(scope="module")
def end() -> Measured:
    return Measured().run_to_the_end(*steps())


def test_five_hundred_steps_with_full_results_succeed(end: Measured) -> None:
    assert (end.status(NAME)["state"], end.status(NAME)["outcome"]) == ("Complete", "Succeeded")
    assert set(end.steps(NAME).values()) == {"Complete"}
    assert len(end.started) == CHAINS * LENGTH


def test_no_object_is_above_a_mebibyte_and_the_task_stays_below_half_of_that(end: Measured) -> None:
    assert max(end.largest.values()) < KIB * KIB, end.largest
    assert end.largest["tasks"] < 512 * KIB


def test_every_result_is_in_the_status_or_where_it_says(end: Measured) -> None:
    records = end.status(NAME)["steps"]
    inline = [record["result"] for record in records if "result" in record]
    referred = [record["resultRef"]["name"] for record in records if "resultRef" in record]
    assert len(inline) + len(referred) == CHAINS * LENGTH
    assert 0 < sum(len(json.dumps(result)) for result in inline) <= 128 * KIB
    stored = [json.loads(end.kube.at(configmaps_path(NS, name))["data"]["result"]) for name in referred]
    assert {*inline, *stored} == {RESULT}


def test_the_history_is_whole(end: Measured) -> None:
    blocks = [made for made in end.kube.all("configmaps") if made["metadata"]["labels"][c.LABEL_CONTENT] == "history"]
    moved = [entry for block in blocks for entry in json.loads(block["data"]["transitions.json"])]
    kept = end.status(NAME)["transitions"]
    assert len(blocks) == end.status(NAME)["historyBlocks"]
    assert len(kept) <= 256
    of_steps = [entry["to"] for entry in [*moved, *kept] if "step" in entry]
    assert (of_steps.count("Enqueued"), of_steps.count("Complete")) == (CHAINS * LENGTH, CHAINS * LENGTH)


def test_undoing_all_of_it_fits_into_the_object_as_well() -> None:
    world = Measured()
    last = step_name(CHAINS - 1, LENGTH - 1)
    world.script[last] = [fails()]
    world.run_to_the_end(*steps(compensation={}), failureStrategy="Compensate")
    assert (world.status(NAME)["state"], world.status(NAME)["outcome"]) == ("Error", "Compensated")
    assert {record["compensation"]["state"] for record in world.status(NAME)["steps"]} == {"Complete"}
    assert len(world.started) == len(set(world.started)) == 2 * CHAINS * LENGTH
    assert max(world.largest.values()) < KIB * KIB, world.largest
