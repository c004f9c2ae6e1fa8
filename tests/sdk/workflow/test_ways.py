"""A workflow comes to the same here, in an event loop, and in the local engine: outcome, retries, order of undoing."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk.testing import StepRun, TemplateRun, run_template
from kubesaga_sdk.workflow import ExecutionContext, Outcome, Workflow
from tests.sdk.workflow import drawn, flows
from tests.sdk.workflow.flows import Order
from tests.sdk.workflow.ways import comparable, comparable_outcome, in_event_loop, in_local_engine, in_process

METADATA = {"tenant": "t", "idempotencyKey": "hides what the run tells", "name": "is told by the run"}
FAILURES = [
    {},
    {"payment_charge": 2},
    {"payment_charge": 3},
    {"reserve": 1},
    {"payment_receipts_receipt": 1},
    {"ship": 1},
    {"payment_charge": 3, "ship": 1},
]


@pytest.mark.parametrize("fails", FAILURES, ids=str)
@pytest.mark.parametrize("workflow", [flows.aborting, flows.going_on, flows.saga], ids=lambda w: w.failure_strategy)
def test_a_workflow_comes_to_the_same_here_and_in_the_local_engine(
    workflow: Workflow[Order], fails: dict[str, int], tmp_path: Path
) -> None:
    order = Order("teapot", fails=fails)
    here = comparable_outcome(in_process(workflow, ExecutionContext(order, metadata=METADATA)))
    loop = comparable_outcome(asyncio.run(in_event_loop(workflow, ExecutionContext(order, metadata=METADATA))))
    local = comparable(in_local_engine(workflow, dataclasses.asdict(order), METADATA, tmp_path, inline=True))
    assert here == loop == local


@pytest.mark.slow
@pytest.mark.parametrize("fails", [{}, {"payment_charge": 2, "ship": 1}], ids=str)
def test_the_same_with_each_attempt_in_a_process_of_its_own(fails: dict[str, int], tmp_path: Path) -> None:
    order = Order("teapot", fails=fails)
    here = comparable_outcome(in_process(flows.saga, ExecutionContext(order)))
    assert comparable(in_local_engine(flows.saga, dataclasses.asdict(order), {}, tmp_path, inline=False)) == here


@pytest.mark.parametrize("context", [{"prices": [10, 20]}, {"prices": [10], "fail": True}, {"prices": [1000]}], ids=str)
def test_a_task_handler_comes_to_the_same_here_and_in_the_local_engine(context: dict[str, Any], tmp_path: Path) -> None:
    here = comparable_outcome(asyncio.run(in_event_loop(flows.process_order, ExecutionContext(context))))
    local = comparable(in_local_engine(flows.process_order, context, {}, tmp_path, inline=True))
    for each in (here, local):
        # Which branch is done first is its programs' affair; the keys are those of two runs.
        del each["order"]
        each["results"].get("charge", {}).pop("key", None)
    assert here == local


def told_of(outcome: Outcome[Any]) -> dict[str, Any]:
    """A run in this process, without its times."""
    return {
        "state": outcome.state,
        "outcome": outcome.outcome,
        "result": outcome.result,
        "attempts": dict(outcome.attempts),
        "errors": {each.step: (each.type, each.code, each.message) for each in outcome.errors if not each.undoing},
        "stuck": {each.step: each.type for each in outcome.errors if each.undoing},
        "undone": list(drawn.UNDONE),
    }


def told_of_template(run: TemplateRun) -> dict[str, Any]:
    """The same of a run of its template."""
    steps = {record["name"]: StepRun(record) for record in run.task["status"]["steps"]}
    errors = {name: step.error or {} for name, step in steps.items() if step.state == "Error"}
    undoings = {name: step.compensation for name, step in steps.items() if step.compensation is not None}
    return {
        "state": run.state,
        "outcome": run.outcome,
        "result": run.result,
        "attempts": {name: step.attempt for name, step in steps.items()},
        "errors": {name: (error["type"], error.get("code"), error["message"]) for name, error in errors.items()},
        "stuck": {name: (each.error or {})["type"] for name, each in undoings.items() if each.state == "Error"},
        "undone": list(drawn.UNDONE),
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_a_drawn_workflow_comes_to_the_same_in_every_way(seed: int) -> None:
    workflow, data = drawn.workflow(seed)
    found = []
    for run in (in_process, lambda *given: asyncio.run(in_event_loop(*given))):
        drawn.UNDONE.clear()
        found.append(told_of(run(workflow, ExecutionContext(data))))
    drawn.UNDONE.clear()
    found.append(told_of_template(run_template(workflow.to_template(image="handlers:1"), data)))
    assert found[0] == found[1] == found[2]
