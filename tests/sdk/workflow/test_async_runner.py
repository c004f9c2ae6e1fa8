"""AsyncRunner: coroutine and plain functions in one workflow, and what runs side by side."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from kubesaga_sdk import StepContext, StepHandler
from kubesaga_sdk.workflow import (
    AsyncRunner,
    ExecutionContext,
    FailureStrategy,
    Outcome,
    RetryPolicy,
    StepTemplates,
    Task,
    TaskHandler,
    Workflow,
)
from tests.sdk.workflow import flows
from tests.sdk.workflow.clocks import Clock
from tests.sdk.workflow.flows import UNDONE, Order

Data = dict[str, Any]


def run(workflow: Any, data: Any, **settings: Any) -> Outcome[Any]:
    clock = Clock()
    runner = AsyncRunner(clock=clock, sleep=clock.asleep, **settings)
    return asyncio.run(runner.run(workflow, ExecutionContext(data), execution_id="run-1"))


@pytest.mark.parametrize("threads", [False, True])
def test_plain_and_coroutine_functions_make_one_workflow(threads: bool) -> None:
    outcome = run(flows.mixed, {}, threads=threads)
    assert (outcome.outcome, outcome.data) == ("Succeeded", {"count": 2, "fetched": True})


@pytest.mark.parametrize(
    "fails", [{}, {"payment_charge": 2}, {"payment_charge": 3}, {"payment_receipts_receipt": 1}, {"ship": 1}]
)
@pytest.mark.parametrize("workflow", [flows.aborting, flows.going_on, flows.saga], ids=lambda w: w.failure_strategy)
def test_it_comes_to_what_sync_runner_comes_to(workflow: Workflow[Order], fails: dict[str, int]) -> None:
    from kubesaga_sdk.workflow import SyncRunner

    clock, context = Clock(), ExecutionContext(Order("x", fails=fails))
    sync = SyncRunner(clock=clock, sleep=clock.sleep).run(workflow, context, execution_id="run-1")
    found = run(workflow, Order("x", fails=fails))
    for outcome in (sync, found):
        for entry in outcome.trace:
            del entry["timestamp"]
    assert [(e["source"], e["message"]) for e in found.trace] == [(e["source"], e["message"]) for e in sync.trace]
    assert (found.state, found.outcome, found.data, found.results) == (
        sync.state,
        sync.outcome,
        sync.data,
        sync.results,
    )
    assert (found.attempts, found.undone) == (sync.attempts, sync.undone)


class Branches(TaskHandler):
    """Two steps, each of which waits for the other to have begun."""

    name = "branches"

    def __init__(self) -> None:
        self.begun = [asyncio.Event(), asyncio.Event()]

    def define_step_templates(self, templates: StepTemplates) -> None:
        begun = self.begun

        class Left(StepHandler):
            async def call(self, _: StepContext) -> str:
                begun[0].set()
                await begun[1].wait()
                return "left"

        class Right(StepHandler):
            async def call(self, _: StepContext) -> str:
                begun[1].set()
                await begun[0].wait()
                return "right"

        templates.define(name="left", handler=Left)
        templates.define(name="right", handler=Right)


def test_parallel_branches_run_side_by_side() -> None:
    assert run(Branches(), {}).result == {"left": "left", "right": "right"}


def test_plain_functions_run_in_threads_of_their_own_when_asked() -> None:
    seen: list[bool] = []
    task = Task[Data]("look", lambda _: seen.append(threading.current_thread() is threading.main_thread()))
    run(task, {})
    run(task, {}, threads=True)
    assert seen == [True, False]


def test_a_coroutine_function_is_cancelled_at_its_timeout_and_tried_again() -> None:
    cancelled: list[int] = []

    async def hang(context: ExecutionContext[Data]) -> None:
        try:
            if context.metadata["attempt"] == 1:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(context.metadata["attempt"])
            raise

    outcome = run(Task("hang", hang, RetryPolicy(2, delay=0), timeout=0.01), {})
    assert (outcome.outcome, outcome.attempts, cancelled) == ("Succeeded", {"hang": 2}, [1])


def test_a_plain_function_that_comes_back_too_late_has_timed_out() -> None:
    clock = Clock()
    slow = Task[Data]("slow", lambda _: clock.sleep(11), timeout=10)
    outcome = asyncio.run(AsyncRunner(clock=clock, sleep=clock.asleep).run(slow, ExecutionContext[Data]({})))
    assert outcome.errors[0].type == "Timeout"


def test_a_timeout_error_of_its_own_is_a_task_s_own() -> None:
    async def fail(context: ExecutionContext[Data]) -> None:
        raise TimeoutError("the bank")

    assert run(Task("fail", fail, timeout=60), {}).errors[0].type == "TimeoutError"


def test_a_cancellation_of_its_own_is_a_task_s_own_error() -> None:
    async def fail(context: ExecutionContext[Data]) -> None:
        never = asyncio.ensure_future(asyncio.Event().wait())
        never.cancel()
        await never

    outcome = run(Task("fail", fail), {})
    assert (outcome.errors[0].type, type(outcome.errors[0].raised)) == ("CancelledError", asyncio.CancelledError)


class Unforeseen(BaseException):
    """No Exception, and neither of those that end a process."""


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("error", [Unforeseen(), BaseExceptionGroup("both", [SystemExit(70)])], ids=repr)
def test_what_is_no_exception_is_a_task_s_error_all_the_same(error: BaseException, threads: bool) -> None:
    def plain(_: ExecutionContext[Data]) -> None:
        raise error

    async def coroutine(_: ExecutionContext[Data]) -> None:
        raise error

    for function in (plain, coroutine):
        (failure,) = run(Task[Data]("odd", function), {}, threads=threads).errors
        assert failure.raised is error


def test_the_workflow_s_timeout_stops_what_runs_and_undoes_it() -> None:
    undone: list[str] = []

    async def hang(context: ExecutionContext[Data]) -> None:
        await asyncio.Event().wait()

    workflow = Workflow[Data](
        "Flow", [Task("hang", hang, undo=lambda c: undone.append(c.metadata["step"]))], FailureStrategy.COMPENSATE,
        timeout=5,
    )  # fmt: skip
    outcome = run(workflow, {})
    assert (outcome.outcome, undone) == ("Compensated", ["hang"])


def test_an_undo_may_be_a_coroutine_function() -> None:
    undone: list[Any] = []

    async def undo(context: ExecutionContext[Data]) -> None:
        await asyncio.sleep(0)
        undone.append(context.data)

    def fail(context: ExecutionContext[Data]) -> None:
        raise ValueError

    steps = [Task("first", flows.count.func, undo=undo), Task("fail", fail)]
    assert run(Workflow("Flow", steps, FailureStrategy.COMPENSATE), {}).outcome == "Compensated"
    assert undone == [{"count": 1}]


def test_cancelling_the_run_cancels_what_it_runs() -> None:
    ended: list[str] = []

    async def hang(context: ExecutionContext[Data]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def cancel() -> None:
        running = asyncio.ensure_future(AsyncRunner().run(Task("hang", hang), ExecutionContext[Data]({})))
        while not ended and not running.done():
            await asyncio.sleep(0)
            running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())
    assert ended in (["cancelled"], [])


class TestATaskHandler:
    def test_runs_its_graph_of_handlers(self) -> None:
        outcome = run(flows.process_order, {"prices": [10, 20]})
        assert (outcome.outcome, outcome.data["context"]) == ("Succeeded", {"prices": [10, 20]})
        assert outcome.results["charge"]["paid"] == 30
        assert outcome.results["reserve_stock"] == {"for": 30}
        assert outcome.result == {"confirm": ["charge", "reserve_stock", "validate_cart"]}
        assert outcome.data["results"] == outcome.results

    def test_undoes_what_was_done_when_a_branch_fails(self) -> None:
        UNDONE.clear()
        outcome = run(flows.process_order, {"prices": [10], "fail": True})
        assert (outcome.outcome, outcome.errors[0].step) == ("Compensated", "reserve_stock")
        assert UNDONE == [("charge", ["10"])]

    def test_a_handler_s_error_fails_its_step(self) -> None:
        outcome = run(flows.process_order, {"prices": [1000]})
        assert [(error.step, error.type, error.code) for error in outcome.errors] == [
            ("validate_cart", "BusinessLogicError", "LIMIT")
        ]
