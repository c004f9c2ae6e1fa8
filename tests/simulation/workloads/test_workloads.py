"""What the simulated workloads do beyond the single Job of the contract: programs by their script, Jobs, chance."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.api.documents import Framed
from kubesaga.api.frames import joined
from tests.simulation.plan import Obj, Outcome
from tests.simulation.server.api_server import Change
from tests.simulation.workloads.job_sightings import pod_line
from tests.simulation.workloads.workbench import DEAF, ENDLESS, NAMESPACE, Bench, Script, has_ended, play
from tests.simulation.world import elapsed

# --- programs ---------------------------------------------------------------------------------------------------------


def test_each_run_of_a_step_takes_the_next_outcome_and_the_last_repeats() -> None:
    async def act(bench: Bench) -> None:
        for number in range(3):
            bench.start(f"j{number}")
            await bench.until(lambda number=number: has_ended(bench.job(f"j{number}")))  # type: ignore[misc]
        bench.start("other-task", task="u")
        bench.start("undone", role="compensation")
        bench.start("unscripted", step="pack")
        for name in ("other-task", "undone", "unscripted"):
            await bench.until(lambda name=name: has_ended(bench.job(name)))  # type: ignore[misc]

    fails, works = Outcome(0.5, code=1), Outcome(0.5, {"result": "done"})
    ends = play(act, {"work": (fails, works), "work~": (Outcome(0.5, {"result": "undone"}),)}).runs
    assert [(run.job, run.code) for run in ends[:3]] == [("j0", 1), ("j1", 0), ("j2", 0)]
    assert {run.job: run.document for run in ends[3:]} == {
        "other-task": None,
        "undone": {"result": "undone"},
        "unscripted": {"result": {"step": "pack"}},
    }


def test_a_program_reads_its_input_as_it_was_given() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j", input={"context": {"text": "$(HOME) $$ $"}, "idempotencyKey": "k"})
        await bench.until_over("j", "Complete")

    (run,) = play(act).runs
    assert run.input["context"]["text"] == "$(HOME) $$ $"
    assert (run.key, run.task, run.step, run.role, run.attempt) == ("k", "t", "work", "forward", 1)


def test_a_large_input_is_read_from_its_config_map_and_waited_for() -> None:
    volume = {"name": c.INPUT_VOLUME, "configMap": {"name": "j-input"}}
    path = {"name": c.ENV_INPUT_FILE, "value": f"{c.INPUT_PATH}/{c.INPUT_KEY}"}
    container = {"name": c.MAIN_CONTAINER, "image": "img", "env": [path]}

    async def act(bench: Bench) -> None:
        bench.start("j", containers=[container], volumes=[volume])
        await asyncio.sleep(5)
        bench.workloads.away = True
        data = {c.INPUT_KEY: json.dumps({"idempotencyKey": "from a file"})}
        bench.server.create({"kind": "ConfigMap", "metadata": {"name": "j-input"}, "data": data})
        await asyncio.sleep(5)
        assert bench.runs == []
        bench.workloads.away = False
        await bench.until_over("j", "Complete")

    (run,) = play(act).runs
    assert run.key == "from a file"


def test_a_large_result_is_framed_in_the_log() -> None:
    document = {"result": {"text": "ä" * 5000}}

    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_over("j", "Complete")
        note = json.loads(message_of(bench.pod("j")))["resultFrame"]
        log = bench.workloads.log(NAMESPACE, bench.pod("j")["metadata"]["name"])
        read = joined(log or b"", Framed(note["bytes"], note["sha256"]))
        assert json.loads(read or b"") == document

    play(act, {"work": (Outcome(document=document),)})


def test_a_message_that_is_too_long_is_cut() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_over("j", "Complete")
        assert message_of(bench.pod("j")) == "x" * 4096

    play(act, {"work": (Outcome(document="x" * 5000),)})


def test_a_program_that_ends_before_its_grace_is_over_has_its_own_end() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        bench.stop("j")
        await bench.until_over("j", "Failed")

    (run,) = play(act, {"work": (Outcome(5.0, {"result": 1}, grace=60.0),)}).runs
    assert (run.code, run.document) == (0, {"result": 1})


def test_success_is_seen_in_the_container_long_before_the_job_is_complete() -> None:
    seen: list[tuple[float, float]] = []

    async def act(bench: Bench) -> None:
        for number in range(40):
            bench.start(f"j{number}")
        told: dict[str, float] = {}
        over: dict[str, float] = {}

        def see(change: Change) -> None:
            name = change.after["metadata"]["name"]
            if change.resource == "pods" and "Completed" in pod_line(change.type, change.after):
                told.setdefault(change.after["metadata"]["labels"]["job-name"], elapsed())
            elif change.resource == "jobs" and has_ended(change.after):
                over.setdefault(name, elapsed())

        bench.server.observers.append(see)
        await bench.until(lambda: len(over) == 40)
        seen.extend((told[name], over[name]) for name in over)

    play(act)
    gaps = sorted(over - told for told, over in seen)
    assert 0.5 < gaps[0] < 1.5 < gaps[len(gaps) // 2] < 2.5


# --- Jobs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [ENDLESS, DEAF])
def test_a_pod_that_is_taken_away_is_replaced_when_it_is_over_and_ever_later(program: Outcome) -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        for number in range(3):
            await bench.until(lambda number=number: len(bench.runs) > number)  # type: ignore[misc]
            await bench.until_running("j")
            bench.workloads.evict(NAMESPACE, bench.runs[-1].pod)
        await bench.until(lambda: len(bench.runs) == 4)

    bench = play(act, {"work": (program,)})
    assert bench.most_running == 1
    ends = [run.ended for run in bench.runs[:3] if run.ended is not None]
    first, second, third = (run.started - end for run, end in zip(bench.runs[1:], ends, strict=True))
    assert 9 < first < second - 5 < third - 15
    assert "failed" not in bench.job("j")["status"]


def test_a_pod_is_let_go_of_when_its_job_is_gone_although_nobody_has_collected_it_yet() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        bench.server.away = True  # nor is the garbage collector
        bench.server.delete("jobs", NAMESPACE, "j")
        await asyncio.sleep(2)
        assert "finalizers" not in bench.pod("j")["metadata"]
        assert bench.says("j") == "Running, bound, running"

    play(act, {"work": (ENDLESS,)})


def test_a_job_costs_a_dozen_writes() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await asyncio.sleep(30)

    assert 10 <= len([line for line in play(act).changes if "j" in line]) <= 12


def test_a_pod_that_cannot_be_created_is_tried_again() -> None:
    async def act(bench: Bench) -> None:
        create = bench.server.create
        refusals: list[Obj] = []

        def refusing(obj: Obj, **named: Any) -> Obj:
            if obj["kind"] == "Pod" and len(refusals) < 2:
                refusals.append(obj)
                return create({**obj, "metadata": {**obj["metadata"], "name": "No such name"}}, **named)
            return create(obj, **named)

        bench.server.create = refusing  # type: ignore[method-assign]
        bench.start("j")
        await bench.until_over("j", "Complete")
        assert len(refusals) == 2

    play(act)


# --- the same again ---------------------------------------------------------------------------------------------------


async def a_busy_hour(bench: Bench) -> None:
    for number in range(12):
        bench.start(f"j{number}", step=f"s{number % 4}")
    await asyncio.sleep(8)
    bench.workloads.lose(0)
    bench.stop("j3")
    bench.server.delete("jobs", NAMESPACE, "j5")
    await asyncio.sleep(400)
    bench.workloads.find(0)
    bench.workloads.drain(1)
    await asyncio.sleep(3000)


BUSY: Script = {"s0": (ENDLESS, Outcome(50.0)), "s1": (Outcome(30.0, code=1),), "s2": (DEAF, Outcome())}


def test_one_seed_is_one_run_and_another_is_another() -> None:
    runs = [play(a_busy_hour, BUSY, seed=seed).changes for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def message_of(pod: Obj) -> str:
    return str(pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"])
