"""Workflow, Process and Task: the steps that they come to, and what makes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from kubesaga_sdk.workflow import (
    BackoffStrategy,
    Executable,
    ExecutionContext,
    FailureStrategy,
    Process,
    RetryPolicy,
    Task,
    Workflow,
    WorkflowError,
    task,
)
from tests.sdk.workflow import flows
from tests.sdk.workflow.flows import Order

Data = dict[str, Any]


def do(context: ExecutionContext[Data]) -> None:
    """Nothing."""


def named(name: str) -> Task[Data]:
    return Task(name, do)


def edges(workflow: Workflow[Any]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {step.name: (step.depends_on, step.run_after) for step in workflow.steps()}


def test_nested_processes_are_flattened_to_steps_in_a_row() -> None:
    assert edges(flows.aborting) == edges(flows.saga) == {
        "reserve": ((), ()),
        "payment_charge": (("reserve",), ()),
        "payment_receipts_receipt": (("payment_charge",), ()),
        "ship": (("payment_receipts_receipt",), ()),
    }  # fmt: skip


def test_continue_runs_top_level_children_after_each_other_and_tasks_of_a_process_by_dependency() -> None:
    assert edges(flows.going_on) == {
        "reserve": ((), ()),
        "payment_charge": ((), ("reserve",)),
        "payment_receipts_receipt": (("payment_charge",), ()),
        "ship": ((), ("payment_receipts_receipt",)),
    }


@pytest.mark.parametrize(
    ("names", "step"),
    [
        (["Charge Card"], "charge_card"),
        (["chargeCard"], "charge_card"),
        (["charge-card.again"], "charge_card_again"),
        (["Payment", "v2"], "payment_v2"),
    ],
)
def test_names_become_snake_case(names: list[str], step: str) -> None:
    *around, last = names
    child: Executable[Data] = named(last)
    for name in reversed(around):
        child = Process(name, [child])
    assert [each.name for each in Workflow("Flow", [child]).steps()] == [step]


def test_a_workflow_is_named_as_a_template_is() -> None:
    assert Workflow("Order Fulfilment", [named("a")]).name == "order-fulfilment"
    assert Workflow("order_fulfilment", [named("a")]).name == "order_fulfilment"


@pytest.mark.parametrize(
    ("children", "said"),
    [
        ([], "at least one step"),
        ([Task("2nd", do)], "'2nd' makes no step name"),
        ([Task("Größe", do)], "use letters a to z"),
        ([Process("a" * 30, [Task("b" * 20, do)])], "has 51 characters, at most 40"),
        ([Task("a", do), Task("A", do)], "two steps would be called a"),
        ([Task("pay_card", do), Process("pay", [Task("card", do)])], "two steps would be called pay_card"),
        ([Task(f"t{i}", do) for i in range(501)], "at most 500 steps, not 501"),
    ],
)
def test_what_makes_no_steps_is_refused(children: list[Any], said: str) -> None:
    with pytest.raises(WorkflowError, match=said):
        Workflow("Flow", children).steps()


def test_what_is_no_task_is_refused_when_it_is_put_in() -> None:
    with pytest.raises(WorkflowError, match=r"workflow Flow holds <function do .*write @task\(\)"):
        Workflow("Flow", [do])  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="process Pay holds Workflow"):
        Process("Pay", [flows.saga])  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="process Pay needs at least one task"):
        Process("Pay", [])
    with pytest.raises(WorkflowError, match="'§' is no name for a workflow"):
        Workflow("§", [named("a")])
    with pytest.raises(WorkflowError, match="the timeout of task a is at least a millisecond, not 0 seconds"):
        Task("a", do, timeout=0)
    with pytest.raises(WorkflowError, match="the timeout of task a is a number of seconds, not '30s'"):
        Task("a", do, timeout="30s")  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="the timeout of workflow Flow is at least a millisecond"):
        Workflow("Flow", [named("a")], timeout=-1)


def test_a_function_that_would_not_run_is_refused() -> None:
    def lazy(context: ExecutionContext[Data]) -> Any:
        yield

    async def alazy(context: ExecutionContext[Data]) -> Any:
        yield

    for function in (lazy, alazy):
        with pytest.raises(WorkflowError, match="task a has a yield, so that calling it runs nothing of it"):
            Task("a", function)
        with pytest.raises(WorkflowError, match="the undo of task a has a yield"):
            Task("a", do, undo=function)
    with pytest.raises(WorkflowError, match="task a is None, which is no function"):
        Task("a", None)  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match=r"task a: 3 is no RetryPolicy; write RetryPolicy\(max_attempts=3\)"):
        Task("a", do, 3)  # type: ignore[arg-type]


def test_a_task_may_be_made_of_a_task_s_function() -> None:
    assert Task("again", flows.reserve).func is flows.reserve.func


def test_a_task_has_one_attempt_unless_said_and_its_undo_three() -> None:
    plain = Task("a", do, undo=do)
    assert (plain.retry_policy.max_attempts, plain.undo_retry_policy.max_attempts) == (1, 3)


def test_the_decorator_names_and_describes_a_task_by_its_function_which_can_still_be_called() -> None:
    @task(undo=do, timeout=5)
    def charge(context: ExecutionContext[Data]) -> str:
        """Charges the card.

        Twice, if need be.
        """
        return "called"

    assert (charge.name, charge.description, charge.timeout, charge.undo) == ("charge", "Charges the card.", 5, do)
    assert charge(ExecutionContext({})) == "called"
    assert repr(charge) == "Task('charge')"


class TestTheDataType:
    def test_is_what_the_functions_annotations_say(self) -> None:
        assert flows.saga.data_type is Order
        assert Workflow("Flow", [named("a")]).data_type is dict

    def test_may_be_said(self) -> None:
        assert Workflow("Flow", [Task[Order]("a", lambda _: None)], data_type=Order).data_type is Order

    def test_is_one_for_all_tasks(self) -> None:
        def other(context: ExecutionContext[Letter]) -> None: ...

        mixed: list[Any] = [flows.reserve, Task("other", other)]
        with pytest.raises(WorkflowError, match=r"different types \(note: Order, .*other: Letter\)"):
            _ = Workflow("Flow", mixed).data_type

    def test_is_not_told_by_names_that_only_type_checkers_know(self) -> None:
        def hidden(context: ExecutionContext[Nowhere]) -> None: ...  # type: ignore[name-defined]  # noqa: F821

        assert Workflow("Flow", [Task("hidden", hidden)]).data_type is dict


@dataclass
class Letter:
    """Another kind of data."""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_attempts": 0}, "1 to 100"),
        ({"max_attempts": 101}, "1 to 100"),
        ({"factor": 0.5}, "factor must be 1 to 100"),
        ({"max_attempts": 2.5}, "1 to 100"),
        ({"delay": -1}, "are numbers, 0 seconds to three years"),
        ({"delay": 60}, "delay, 60 seconds, is above max_delay, 30: raise max_delay or lower delay"),
        ({"max_delay": 0.5}, "delay, 1 seconds, is above max_delay, 0.5"),
        ({"delay": "5s"}, "are numbers, 0 seconds to three years, not '5s'"),
        ({"delay": float("nan")}, "are numbers, 0 seconds to three years"),
        ({"max_delay": float("inf")}, "are numbers, 0 seconds to three years"),
        ({"max_duration": float("nan")}, "max_duration is at least a millisecond, not nan seconds"),
        ({"max_duration": 1e12}, "max_duration is at most three years"),
        ({"max_duration": 0}, "max_duration is at least a millisecond"),
        ({"jitter": True}, r"write Jitter.FULL or Jitter.EQUAL"),
        ({"backoff": "Fixed"}, "BackoffStrategy"),
        ({"retry_on": ValueError}, r"retry_on is a list of exception classes, such as \[ConnectionError\], not <class"),
        ({"give_up_on": ["ValueError"]}, "give_up_on is a list of exception classes"),
    ],
)
def test_a_retry_policy_that_is_none_is_refused(settings: Any, said: str) -> None:
    with pytest.raises(WorkflowError, match=said):
        RetryPolicy(**settings)


def test_the_words_are_the_engine_s_own() -> None:
    from kubesaga.engine import vocabulary
    from kubesaga_sdk.workflow import Jitter

    for ours, engines in (
        (BackoffStrategy, vocabulary.Backoff),
        (Jitter, vocabulary.Jitter),
        (FailureStrategy, vocabulary.FailureStrategy),
    ):
        assert {word.value for word in ours} == {word.value for word in engines}
