"""A large result on its way through the whole operator: out of a log, into a ConfigMap, into the next step's input."""

from __future__ import annotations

import json
from typing import Any

from kubesaga.api import constants as c
from kubesaga.kube.client import KubeError, configmaps_path
from kubesaga.runtime.cache import Obj
from tests.runtime.framing import frames_of, log_of, note_of
from tests.runtime.objects import NS
from tests.runtime.world import Run, World, done, endless

RESULT = ["Zoë \x00 \U0001f680 \ud800 $(HOME)\n"] * 5000
DOCUMENT = json.dumps({"result": RESULT}).encode()


class Logged(World):
    """A world whose step ``fetch`` frames its result; the first ``lost`` of its logs cannot be found."""

    def __init__(self, lost: int = 0) -> None:
        super().__init__()
        self._lost = lost
        self.inputs: list[Any] = []
        """What the steps after it found in the files that they were given."""
        self.kube.watchers.append(self._write_log)
        self.script["fetch"] = [Run(1.0, note_of(DOCUMENT))]

    def _write_log(self, plural: str, type_: str, obj: Obj) -> None:
        if type_ != "ADDED" or plural not in ("pods", "configmaps"):
            return
        meta = obj["metadata"]
        if plural == "configmaps" and meta["labels"][c.LABEL_CONTENT] == c.CONTENT_INPUT:
            self.inputs.append(json.loads(obj["data"][c.INPUT_KEY]))
        if plural == "pods" and meta["labels"][c.LABEL_STEP] == "fetch":
            self._lost -= 1
            if self._lost < 0:
                self.kube.logs[meta["name"]] = log_of(frames_of(DOCUMENT))

    def go(self) -> Obj:
        """Play a Task of two steps to its end; returns the record of the first."""

        async def act(world: World) -> None:
            world.template("t", {"name": "fetch"}, {"name": "use", "dependsOn": ["fetch"]})
            world.task("t", "t")
            await world.until_state("t", "Complete", "Error")

        self.play(act)
        record: Obj = self.status("t")["steps"][0]
        return record


def log_reads(world: World) -> int:
    return sum(path.endswith("/log") for _, path in world.kube.calls)


def test_it_is_read_once_stored_beside_the_task_and_given_to_the_next_step_exactly() -> None:
    world = Logged()
    record = world.go()
    assert world.state("t") == "Complete"
    assert "result" not in record
    stored = world.kube.at(configmaps_path(NS, record["resultRef"]["name"]))
    assert json.loads(stored["data"]["result"]) == RESULT
    assert [document["results"] for document in world.inputs] == [{"fetch": RESULT}]
    assert log_reads(world) == 1


def test_a_lost_log_costs_an_attempt_and_leaves_word_that_the_work_may_have_been_done() -> None:
    world = Logged(lost=1)
    record = world.go()
    assert world.state("t") == "Complete"
    assert (record["attempt"], record["outcomeUnknown"]) == (2, True)
    assert world.started == ["fetch", "fetch", "use"]


def test_a_step_whose_logs_are_always_lost_fails_with_what_to_do() -> None:
    world = Logged(lost=99)
    record = world.go()
    assert world.state("t") == "Error"
    assert (record["attempt"], record["error"]["type"]) == (3, "ResultUnreadable")
    assert "containerLogMaxSize" in record["error"]["message"]


def test_a_kubelet_that_does_not_answer_for_a_while_costs_no_attempt() -> None:
    world = Logged()

    def broken(_method: str, path: str) -> KubeError | None:
        down = path.endswith("/log") and log_reads(world) <= 3
        return KubeError(500, "InternalError", "dial tcp: connection refused") if down else None

    world.kube.broken = broken
    record = world.go()
    assert (world.state("t"), record["attempt"]) == ("Complete", 1)
    assert log_reads(world) == 4


def test_one_that_stays_silent_ends_in_another_attempt_not_in_a_wait_for_ever() -> None:
    world = Logged()
    silent: set[str] = set()

    def broken(_method: str, path: str) -> KubeError | None:
        if not path.endswith("/log"):
            return None
        silent.update([path] if not silent else [])
        return KubeError(500, "InternalError", "dial tcp: connection refused") if path in silent else None

    world.kube.broken = broken
    record = world.go()
    assert (world.state("t"), record["attempt"]) == ("Complete", 2)


def test_a_small_result_needs_neither_log_nor_config_map() -> None:
    world = Logged()
    world.script["fetch"] = [done("small")]
    assert world.go()["result"] == "small"
    assert (log_reads(world), world.inputs, world.kube.all("configmaps")) == (0, [], [])


def test_of_several_logs_that_cannot_be_read_each_is_tried_from_the_start() -> None:
    world = World()
    names = ("fetch", "load", "scan")
    world.script |= {name: [Run(1.0, note_of(DOCUMENT))] for name in names}
    asked: list[str] = []

    def broken(_method: str, path: str) -> KubeError | None:
        if not path.endswith("/log"):
            return None
        asked.append(path)
        return KubeError(500, "InternalError", "dial tcp: connection refused")

    async def act(world: World) -> None:
        world.template("t", *({"name": name, "retry": {"maxAttempts": 1}} for name in names))
        world.task("t", "t")
        await world.until_state("t", "Error")

    world.kube.broken = broken
    world.play(act)
    assert len(set(asked[: len(names)])) == len(set(asked)) == len(names)
    assert {step["error"]["type"] for step in world.status("t")["steps"]} == {"ResultUnreadable"}


def test_a_log_that_cannot_be_read_does_not_keep_the_task_from_being_cancelled_or_the_others_from_going_on() -> None:
    world = Logged()
    world.script["other"] = [endless()]

    def broken(_method: str, path: str) -> KubeError | None:
        return KubeError(500, "InternalError", "dial tcp: connection refused") if path.endswith("/log") else None

    async def act(world: World) -> None:
        world.template("t", {"name": "fetch"}, {"name": "quick"}, {"name": "other", "dependsOn": ["quick"]})
        world.task("t", "t")
        await world.until(lambda: "other" in world.started)
        await world.until(lambda: log_reads(world) > 5)
        world.change("t", desiredState="Cancelled", cancellation={"mode": "Terminate"})
        asked = world.now()
        await world.until(lambda: world.steps("t")["other"] == "Cancelled")
        assert world.now() - asked < 5
        assert world.steps("t")["fetch"] == "InProgress"
        await world.until_state("t", "Cancelled")

    world.kube.broken = broken
    world.play(act)
    assert world.status("t")["steps"][0]["outcomeUnknown"]
