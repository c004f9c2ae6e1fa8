"""SyncRunner: what a run comes to, what its tasks see, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from kubesaga.engine import identity
from kubesaga.engine.vocabulary import Role
from kubesaga_sdk.workflow import (
    AsyncTaskFound,
    Executable,
    ExecutionContext,
    FailureStrategy,
    InvalidData,
    Outcome,
    Process,
    RetryPolicy,
    SyncRunner,
    Task,
    Workflow,
    WorkflowError,
)
from tests.sdk.workflow import flows
from tests.sdk.workflow.clocks import Clock
from tests.sdk.workflow.flows import STEPS, UNDONE, Order

Data = dict[str, Any]


@pytest.fixture(autouse=True)
def nothing_undone() -> None:
    UNDONE.clear()


def run(workflow: Workflow[Order], clock: Clock | None = None, **fails: int) -> Outcome[Order]:
    clock = clock or Clock()
    context = ExecutionContext(Order("teapot", fails=fails))
    return SyncRunner(clock=clock, sleep=clock.sleep).run(workflow, context, execution_id="run-1")


def empty(**metadata: Any) -> ExecutionContext[Data]:
    return ExecutionContext({}, metadata=metadata)


def run_dict(*steps: Executable[Data], data: Data | None = None, **settings: Any) -> Outcome[Data]:
    clock = Clock()
    workflow = Workflow[Data]("Flow", list(steps), **settings)
    return SyncRunner(clock=clock, sleep=clock.sleep).run(workflow, ExecutionContext(data or {}))


class TestARunThatSucceeds:
    def test_ends_complete_with_the_data_that_the_last_task_committed(self) -> None:
        outcome = run(flows.saga)
        assert (outcome.state, outcome.outcome, outcome.status) == ("Complete", "Succeeded", "SUCCESS")
        assert outcome.succeeded
        assert outcome.data == Order("teapot", done=STEPS)
        assert outcome.attempts == dict.fromkeys(STEPS, 1)
        assert (outcome.errors, outcome.undone) == ((), ())

    def test_has_the_result_that_the_task_would_have_on_a_cluster(self) -> None:
        outcome = run(flows.saga)
        last = {
            "data": {"sku": "teapot", "done": STEPS, "fails": {}},
            "metadata": dict.fromkeys(STEPS, "was here"),
        }
        assert outcome.result == outcome.results["ship"] == last
        assert outcome.results["reserve"]["data"]["done"] == ["reserve"]

    def test_does_not_change_the_context_that_it_was_given(self) -> None:
        context = ExecutionContext(Order("teapot"))
        SyncRunner().run(flows.saga, context)
        assert context == ExecutionContext(Order("teapot"))

    def test_may_be_a_single_task_or_process(self) -> None:
        runner = SyncRunner()
        assert runner.run(flows.reserve, ExecutionContext(Order("x"))).data.done == ["reserve"]
        process = Process("Payment", [flows.reserve, flows.ship])
        assert runner.run(process, ExecutionContext(Order("x"))).data.done == ["payment_reserve", "payment_ship"]

    def test_tells_its_story_in_the_trace_behind_what_was_there(self) -> None:
        earlier = {"timestamp": "", "level": "INFO", "source": "import", "kind": "log", "message": "m"}
        outcome = SyncRunner().run(flows.reserve, ExecutionContext(Order("x"), [earlier]))
        told = [(entry["source"], entry["kind"]) for entry in outcome.trace]
        assert told == [("import", "log"), ("Task", "start"), ("reserve", "start"), ("reserve", "end"), ("Task", "end")]


class TestAnAttempt:
    def test_that_fails_leaves_nothing_behind(self) -> None:
        outcome = run(flows.saga, payment_charge=2)
        assert outcome.data.done == STEPS
        assert outcome.attempts["payment_charge"] == 3
        assert outcome.succeeded

    def test_that_fails_for_good_leaves_the_data_of_the_task_before_it(self) -> None:
        outcome = run(flows.aborting, payment_charge=3)
        assert outcome.data.done == ["reserve"]
        assert set(outcome.metadata) & set(STEPS) == {"reserve"}

    def test_works_on_a_copy_that_nothing_else_holds(self) -> None:
        held: list[Any] = []

        def hold(context: ExecutionContext[Data]) -> None:
            context.data["list"] = held

        def look(context: ExecutionContext[Data]) -> None:
            held.append("changed behind its back")
            context.data["seen"] = list(context.data["list"])

        assert run_dict(Task("hold", hold), Task("look", look)).data == {"list": [], "seen": []}

    def test_gets_what_json_makes_of_the_data_the_first_one_too(self) -> None:
        seen: list[Any] = []
        look = Task[Data]("look", lambda c: seen.append([c.data["pair"], c.metadata["pair"]]))
        SyncRunner().run(look, ExecutionContext({"pair": (1, 2)}, metadata={"pair": (3, 4)}))
        assert seen == [[[1, 2], [3, 4]]]

    def test_knows_its_step_its_number_its_key_and_whose_run_it_is(self) -> None:
        seen: list[Any] = []
        keys = ("executionId", "name", "step", "attempt", "idempotencyKey")

        def look(context: ExecutionContext[Data]) -> None:
            seen.append([context.metadata[key] for key in keys])
            if len(seen) == 1:
                raise ConnectionError

        workflow = Workflow[Data]("Flow", [Task("look", look, RetryPolicy(2, delay=0))])
        SyncRunner().run(workflow, empty(), execution_id="run-7")
        key = identity.idempotency_key("run-7", "look")
        assert seen == [["run-7", "flow", "look", 1, key], ["run-7", "flow", "look", 2, key]]

    def test_sees_the_trace_so_far(self) -> None:
        seen: list[Any] = []
        run_dict(
            Task("first", lambda _: None), Task("second", lambda context: seen.extend(context.trace))
        )  # fmt: skip
        assert ("first", "end") in [(entry["source"], entry["kind"]) for entry in seen]

    def test_whose_data_json_cannot_hold_fails_for_good_and_is_undone(self) -> None:
        undone: list[Any] = []
        spoil = Task[Data](
            "spoil",
            lambda context: context.data.update(x=object()),
            RetryPolicy(3),
            undo=lambda c: undone.append(c.data),
        )
        outcome = run_dict(spoil, data={"x": 1}, strategy=FailureStrategy.COMPENSATE)
        assert (outcome.outcome, outcome.attempts, outcome.errors[0].type) == (
            "Compensated",
            {"spoil": 1},
            "InvalidResult",
        )
        assert "data.x: object is no JSON type" in outcome.errors[0].message
        assert undone == [{"x": 1}]

    def test_that_comes_back_too_late_has_timed_out_and_its_work_is_undone(self) -> None:
        clock, undone = Clock(), list[Any]()
        slow = Task[Data](
            "slow",
            lambda _: clock.sleep(11),
            RetryPolicy(2, delay=1),
            lambda c: undone.append(c.data),
            timeout=10,
        )
        workflow = Workflow("Flow", [slow], FailureStrategy.COMPENSATE)
        outcome = SyncRunner(clock=clock, sleep=clock.sleep).run(workflow, ExecutionContext({"x": 1}))
        assert (outcome.outcome, outcome.errors[0].type) == ("Compensated", "Timeout")
        assert clock.slept == [11, 1, 11]
        assert undone == [{"x": 1}]


class TestLargeData:
    def test_travel_from_task_to_task_like_any(self) -> None:
        def grow(context: ExecutionContext[Data]) -> None:
            context.data["blob"] = context.data.get("blob", "") + "x" * 50_000

        names = ("a", "b", "c", "d")
        outcome = run_dict(*(Task(name, grow) for name in names))
        assert (outcome.outcome, len(outcome.data["blob"])) == ("Succeeded", 200_000)
        assert [len(outcome.results[name]["data"]["blob"]) for name in names] == [50_000, 100_000, 150_000, 200_000]

    def test_beyond_what_a_result_may_have_are_refused_as_on_a_cluster(self) -> None:
        outcome = run_dict(Task("a", lambda context: context.data.update(blob="x" * 300_000), RetryPolicy(3)))
        assert (outcome.errors[0].type, outcome.attempts, outcome.data) == ("ResultTooLarge", {"a": 1}, {})


class TestMetadata:
    def test_pass_from_task_to_task_with_what_was_deleted_gone(self) -> None:
        def first(context: ExecutionContext[Data]) -> None:
            del context.metadata["draft"]
            context.metadata["reason"] = "overwritten"

        def second(context: ExecutionContext[Data]) -> None:
            context.data["seen"] = [
                context.metadata.get("draft"),
                context.metadata["reason"],
                context.metadata["tenant"],
            ]

        workflow = Workflow[Data]("Flow", [Task("first", first), Task("second", second)])
        outcome = SyncRunner().run(workflow, empty(draft=1, tenant="t"))
        assert outcome.data["seen"] == [None, "overwritten", "t"]
        assert outcome.results["second"]["metadata"] == {"reason": "overwritten", "tenant": "t"}
        assert (outcome.metadata["reason"], outcome.metadata["tenant"]) == ("overwritten", "t")


class TestRetries:
    def test_wait_as_long_as_the_policy_and_the_execution_id_say(self) -> None:
        clock = Clock()
        run(flows.saga, clock, payment_charge=2)
        draws = [identity.draw("run-1", "payment_charge", Role.FORWARD, n) for n in (1, 2)]
        assert [round(s, 2) for s in clock.slept] == pytest.approx([2 * draws[0], 4 * draws[1]], abs=0.01)

    def test_are_the_same_for_the_same_execution_id_and_differ_for_another(self) -> None:
        slept = []
        for execution_id in ("a", "a", "b"):
            clock = Clock()
            context = ExecutionContext(Order("x", fails={"payment_charge": 2}))
            SyncRunner(clock=clock, sleep=clock.sleep).run(flows.saga, context, execution_id=execution_id)
            slept.append(clock.slept)
        assert slept[0] == slept[1] != slept[2]

    @pytest.mark.parametrize(
        ("policy", "error", "attempts"),
        [
            (None, ConnectionError(), 1),
            (RetryPolicy(4, delay=0), ConnectionError(), 4),
            (RetryPolicy(4, delay=0), ValueError(), 1),
            (RetryPolicy(4, delay=0, retry_on=(Exception,)), ValueError(), 4),
            (RetryPolicy(4, delay=0, retry_on=(LookupError,)), KeyError("a"), 4),
            (RetryPolicy(4, delay=0, retry_on=(LookupError,)), ConnectionError(), 1),
            (RetryPolicy(4, delay=0, retry_on=(OSError,), give_up_on=(ConnectionError,)), ConnectionError(), 1),
            (RetryPolicy(4, delay=0, give_up_on=(ConnectionError,)), BlockingIOError(), 4),
        ],
    )
    def test_follow_the_policy_and_else_the_error(
        self, policy: RetryPolicy | None, error: Exception, attempts: int
    ) -> None:
        def fail(context: ExecutionContext[Data]) -> None:
            raise error

        outcome = run_dict(Task("fail", fail, policy))
        assert outcome.attempts == {"fail": attempts}
        assert outcome.errors[0].raised is error

    def test_of_a_timeout_are_meant_by_retry_on_timeout_error(self) -> None:
        clock = Clock()
        policy = RetryPolicy(2, delay=0, retry_on=(TimeoutError,))
        slow = Task[Data]("slow", lambda _: clock.sleep(11), policy, timeout=10)
        outcome = SyncRunner(clock=clock, sleep=clock.sleep).run(slow, empty())
        assert outcome.attempts == {"slow": 2}


class TestStrategies:
    def test_abort_starts_nothing_new_and_undoes_nothing(self) -> None:
        outcome = run(flows.aborting, payment_receipts_receipt=1)
        assert (outcome.state, outcome.outcome, outcome.status) == ("Error", "Aborted", "ABORTED")
        assert outcome.attempts["ship"] == 0
        assert (UNDONE, outcome.undone) == ([], ())

    def test_continue_ends_the_process_of_the_failure_only(self) -> None:
        outcome = run(flows.going_on, payment_charge=3)
        assert (outcome.outcome, outcome.status) == ("Failed", "FAILED")
        assert [name for name, attempts in outcome.attempts.items() if not attempts] == ["payment_receipts_receipt"]
        assert outcome.data.done == ["reserve", "ship"]
        assert [str(error) for error in outcome.errors] == [
            "payment_charge (attempt 3): NetworkError: payment_charge cannot be reached"
        ]

    def test_compensate_undoes_in_reverse_with_the_data_as_each_task_left_them(self) -> None:
        outcome = run(flows.saga, ship=1)
        assert (outcome.state, outcome.outcome, outcome.status) == ("Error", "Compensated", "FAILED")
        assert outcome.undone == ("payment_charge", "reserve")
        assert UNDONE == [("payment_charge", ["reserve", "payment_charge"]), ("reserve", ["reserve"])]
        assert outcome.data.done == STEPS[:3]

    def test_an_undo_is_tried_again_and_where_it_stays_broken_a_human_is_asked_for(self) -> None:
        attempts: list[int] = []

        def stuck(context: ExecutionContext[Data]) -> None:
            attempts.append(context.metadata["attempt"])
            raise ConnectionError("the warehouse is gone")

        def fail(context: ExecutionContext[Data]) -> None:
            raise ValueError

        outcome = run_dict(
            Task("first", lambda _: None, undo=stuck), Task("last", fail), strategy=FailureStrategy.COMPENSATE
        )
        assert (outcome.state, outcome.outcome, outcome.status) == ("Compensating", None, "FAILED")
        assert attempts == [1, 2, 3]
        assert [(error.step, error.undoing) for error in outcome.errors] == [("first", True), ("last", False)]
        assert "first" in outcome.message

    def test_the_workflow_s_timeout_ends_it(self) -> None:
        clock = Clock()
        steps = [Task[Data]("slow", lambda _: clock.sleep(20)), Task[Data]("next", lambda _: None)]
        outcome = SyncRunner(clock=clock, sleep=clock.sleep).run(Workflow("F", steps, timeout=10), empty())
        assert (outcome.outcome, outcome.attempts) == ("Failed", {"slow": 1, "next": 0})


class TestWhatIsRefusedBeforeAnythingRuns:
    def ran(self, workflow: Workflow[Any], context: ExecutionContext[Any]) -> None:
        SyncRunner().run(workflow, context)

    def test_a_coroutine_function(self) -> None:
        seen: list[str] = []

        async def later(context: ExecutionContext[Data]) -> None: ...

        first = Task[Data]("first", lambda _: seen.append("ran"))
        with pytest.raises(AsyncTaskFound, match=r"step later of flow is written with async def.*AsyncRunner"):
            self.ran(Workflow("Flow", [first, Task("later", later)]), ExecutionContext({}))
        with pytest.raises(AsyncTaskFound, match="the undo of step first"):
            self.ran(Workflow("Flow", [Task("first", first.func, undo=later)]), ExecutionContext({}))
        assert seen == []

    def test_an_asynchronous_handler(self) -> None:
        with pytest.raises(AsyncTaskFound, match="step confirm of process_order"):
            SyncRunner().run(flows.process_order, ExecutionContext({"prices": [1]}))

    def test_data_of_another_type_than_the_tasks_work_on(self) -> None:
        with pytest.raises(WorkflowError, match="works on Order, the context's data is dict"):
            self.ran(flows.saga, ExecutionContext({}))
        with pytest.raises(WorkflowError, match="works on dict, the context's data is Order: annotate"):
            self.ran(Workflow("F", [Task("a", lambda _: None)]), ExecutionContext(Order("x")))

    def test_what_is_no_workflow_or_no_context(self) -> None:
        nothing: Any = {}
        with pytest.raises(WorkflowError, match=r"work at .* is no Workflow, .*: write @task\(\) above a function"):
            SyncRunner().run(flows.work, ExecutionContext({}))  # type: ignore[arg-type]
        with pytest.raises(
            WorkflowError, match=r"ProcessOrder'> is no Workflow, TaskHandler object, .* and \(\) behind"
        ):
            SyncRunner().run(flows.ProcessOrder, ExecutionContext({}))  # type: ignore[arg-type]
        with pytest.raises(WorkflowError, match=r"begins with an ExecutionContext\(data\), not with dict"):
            SyncRunner().run(flows.reserve, nothing)

    def test_data_or_metadata_that_json_cannot_hold(self) -> None:
        with pytest.raises(InvalidData, match=r"data.x: set is no JSON type"):
            self.ran(Workflow("F", [flows.count]), ExecutionContext({"x": {1}}))
        with pytest.raises(InvalidData, match=r"metadata.x: set is no JSON type"):
            self.ran(Workflow("F", [flows.count]), ExecutionContext({}, metadata={"x": {1}}))


def test_a_plain_function_that_returns_a_coroutine_fails_with_the_remedy() -> None:
    async def later() -> None: ...

    outcome = run_dict(Task("hidden", lambda _: later(), RetryPolicy(3)))
    assert outcome.attempts == {"hidden": 1}
    assert "use AsyncRunner" in outcome.errors[0].message


def test_an_interrupt_ends_the_run_at_once() -> None:
    def interrupt(context: ExecutionContext[Data]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dict(Task("a", interrupt))


@dataclass
class Account:
    balance: int

    def __post_init__(self) -> None:
        if self.balance < 0:
            raise ValueError("overdrawn")


def overdraw(context: ExecutionContext[Account]) -> None:
    context.data.balance = -1


def test_data_that_their_own_class_would_refuse_are_refused_where_they_are_committed() -> None:
    undone: list[int] = []
    task = Task[Account]("overdraw", overdraw, undo=lambda c: undone.append(c.data.balance))
    workflow = Workflow[Account]("Flow", [task], FailureStrategy.COMPENSATE)
    outcome = SyncRunner().run(workflow, ExecutionContext(Account(5)))
    (failure,) = outcome.errors
    assert (outcome.outcome, failure.type, outcome.data, undone) == ("Compensated", "InvalidResult", Account(5), [5])
    assert failure.message.endswith("data: Account refuses these fields: ValueError: overdrawn")


def test_data_that_their_own_class_would_refuse_are_refused_before_anything_runs() -> None:
    account = Account(5)
    account.balance = -1
    with pytest.raises(InvalidData, match="Account refuses these fields: ValueError: overdrawn"):
        SyncRunner().run(Task[Account]("overdraw", overdraw), ExecutionContext(account))


def test_metadata_that_are_none_are_a_result_that_cannot_be_taken() -> None:
    def spoil(context: ExecutionContext[Data]) -> None:
        context.metadata = None  # type: ignore[assignment]

    outcome = run_dict(Task("spoil", spoil, undo=lambda _: None), strategy=FailureStrategy.COMPENSATE)
    (failure,) = outcome.errors
    assert (outcome.undone, failure.type) == (("spoil",), "InvalidResult")
    assert failure.message.endswith("metadata: a dict is needed, not null")


def test_numbers_are_what_a_cluster_would_make_of_them() -> None:
    seen: list[Any] = []

    def half(context: ExecutionContext[Data]) -> None:
        seen.append(context.data["start"])
        context.data["half"] = context.data["start"] / 2

    look = Task[Data]("look", lambda c: seen.append(c.data["half"]))
    outcome = run_dict(Task("half", half), look, data={"start": 56.0})
    assert [(type(each), each) for each in (*seen, outcome.data["half"])] == [(int, 56), (int, 28), (int, 28)]


def test_an_input_schema_that_nobody_looks_at_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    workflow = Workflow[Data]("Unchecked", [Task("look", lambda _: None)], input_schema={"required": ["sku"]})
    for _ in range(2):
        assert SyncRunner().run(workflow, empty()).succeeded
    assert [(record.name, record.levelname) for record in caplog.records] == [("kubesaga_workflow", "WARNING")]
    assert caplog.messages[0].startswith(
        "the input schema of unchecked is checked on a cluster and by the local engine"
    )
