"""A workflow comes to the same here, in an event loop, and in the local engine: outcome, retries, order of undoing."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk.workflow import ExecutionContext, Workflow
from tests.sdk.workflow import flows
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
