"""What becomes of programs and pods when nodes are lost, found and drained, and when the API server is away."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.plan import Outcome
from tests.simulation.workloads.workbench import ENDLESS, NAMESPACE, Bench, has_ended, play

# --- nodes ------------------------------------------------------------------------------------------------------------


def test_a_program_on_a_lost_node_runs_on_and_nobody_hears_of_its_end() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        bench.workloads.lose(bench.node_of("j"))
        await asyncio.sleep(60)
        assert bench.runs[0].code == 0
        assert bench.says("j") == "Running, bound, running"
        await asyncio.sleep(360)
        assert bench.says("j") == "Running, bound, deleted, DeletionByTaintManager, running"
        assert bench.job("j")["status"]["terminating"] == 1
        await asyncio.sleep(3600)
        assert len(bench.runs) == 1

    play(act, {"work": (Outcome(20.0, {"result": 1}),)})


def test_a_node_that_comes_back_tells_of_what_has_ended() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        node = bench.node_of("j")
        bench.workloads.lose(node)
        await asyncio.sleep(60)
        bench.workloads.find(node)
        await bench.until_over("j", "Complete")
        await asyncio.sleep(400)
        assert bench.says("j") == 'Succeeded, bound, Completed 0 {"result":1}'

    assert len(play(act, {"work": (Outcome(20.0, {"result": 1}),)}).runs) == 1


def test_a_node_that_comes_back_lets_go_of_what_was_taken_from_it_and_it_is_replaced() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        node = bench.node_of("j")
        bench.workloads.lose(node)
        await asyncio.sleep(400)
        assert bench.runs[0].ended is None
        bench.workloads.find(node)
        await bench.until_over("j", "Complete")

    bench = play(act, {"work": (ENDLESS, Outcome())})
    assert [run.code for run in bench.runs] == [143, 0]
    assert bench.most_running == 1


def test_a_pod_stopped_on_a_lost_node_hangs_until_it_is_found() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        node = bench.node_of("j")
        bench.workloads.lose(node)
        bench.stop("j")
        await asyncio.sleep(1000)
        assert bench.says("j") == "Running, bound, deleted, running"
        assert not has_ended(bench.job("j"))
        assert bench.runs[0].ended is None
        bench.workloads.find(node)
        await bench.until_over("j", "Failed")
        await bench.until(lambda: not bench.pods("j"))

    play(act, {"work": (ENDLESS,)})


def test_a_pod_deleted_by_force_runs_on_where_its_node_does_not_hear_of_it() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        node = bench.node_of("j")
        bench.workloads.lose(node)
        bench.stop("j")
        await asyncio.sleep(5)
        bench.server.delete("pods", NAMESPACE, bench.pod("j")["metadata"]["name"], force=True)
        await bench.until_over("j", "Failed")
        await asyncio.sleep(100)
        assert bench.runs[0].ended is None
        bench.workloads.find(node)
        await bench.until(lambda: bench.runs[0].ended is not None)

    play(act, {"work": (ENDLESS,)})


def test_a_drained_node_loses_its_pods_and_gets_no_more() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        drained = bench.node_of("j")
        bench.workloads.drain(drained)
        await bench.until(lambda: len(bench.runs) == 2)
        for number in range(10):
            bench.start(f"more-{number}")
        await bench.until(lambda: len(bench.runs) == 12)
        assert [run.node for run in bench.runs].count(drained) == 1

    play(act, {"work": (ENDLESS,)})


def test_a_pod_that_fits_nowhere_waits_for_a_node() -> None:
    async def act(bench: Bench) -> None:
        bench.workloads.lose(0)
        await asyncio.sleep(60)
        bench.start("j")
        await asyncio.sleep(60)
        assert bench.says("j") == "Pending, Unschedulable"
        bench.workloads.find(0)
        await bench.until_over("j", "Complete")

    play(act, nodes=1)


# --- the API server is away -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [0.0, 0.02, 0.5, 1.5, 3.0, 5.0])
def test_while_the_api_server_is_away_programs_run_on_and_afterwards_all_is_told(begin: float) -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await asyncio.sleep(begin)
        bench.workloads.away = True
        before = list(bench.changes)
        await asyncio.sleep(100)
        assert bench.changes == before
        bench.workloads.away = False
        await bench.until_over("j", "Complete")

    (run,) = play(act, {"work": (Outcome(4.0, {"result": 1}),)}).runs
    assert run.code == 0


def test_an_outage_does_not_find_a_lost_node() -> None:
    async def act(bench: Bench) -> None:
        bench.start("j")
        await bench.until_running("j")
        node = bench.node_of("j")
        bench.workloads.lose(node)
        bench.workloads.away = True
        await asyncio.sleep(20)
        bench.workloads.away = False
        await asyncio.sleep(10)
        assert bench.says("j") == "Running, bound, running"
        bench.workloads.away = True
        bench.workloads.find(node)
        await asyncio.sleep(10)
        assert bench.says("j") == "Running, bound, running"
        bench.workloads.away = False
        await bench.until_over("j", "Complete")

    play(act, {"work": (Outcome(5.0, {"result": 1}),)})
