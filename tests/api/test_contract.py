"""The input document of an attempt: what a step's program gets to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kubesaga.api.contract import input_refs, step_input, step_key
from kubesaga.api.programs import Program, ProgramKind
from kubesaga.engine.decision import Attempt
from kubesaga.engine.identity import idempotency_key
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.records import Ending, ParentLink, ResultRef, StepError, StepRecord, TaskStatus
from kubesaga.engine.snapshot import MissingValues
from kubesaga.engine.vocabulary import (
    EndingPhase,
    EndingTrigger,
    Role,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)
from kubesaga_sdk.step_input import from_operator

NOW = 1_795_000_000.0
PLAN = Plan(
    steps=(
        Step(
            "reserve", retry=RetryPolicy(max_attempts=2), compensation=Compensation(retry=RetryPolicy(max_attempts=9))
        ),
        Step("gift", depends_on=("reserve",)),
        Step("notify", depends_on=("reserve",), continue_on_error=True),
        Step("ship", depends_on=("gift", "notify")),
        Step("other"),
        Step("tidy", final=True),
        Step("report", depends_on=("tidy",), final=True),
    ),
    timeout=600.0,
)
ERROR = StepError("SmtpError", "no server", "X1", types=("SmtpError", "OSError"))
PROGRAM = Program(ProgramKind.HANDLER, image="i", callable="m:C", method="call", config={"url": "x"})


def status(**records: StepRecord) -> TaskStatus:
    """Everything done, but for what is said otherwise."""
    done = {
        step.name: StepRecord(
            step.name, StepState.COMPLETE, StepOutcome.SUCCEEDED, attempt=1, result=f"{step.name} done"
        )
        for step in PLAN.steps
    }
    done["gift"] = StepRecord("gift", StepState.COMPLETE, StepOutcome.SKIPPED)
    done["notify"] = StepRecord("notify", StepState.ERROR, StepOutcome.FAILED, attempt=3, error=ERROR)
    return TaskStatus(
        TaskState.STEPS_IN_PROCESS, started_at=NOW, run_started_at=NOW + 60, steps=tuple({**done, **records}.values())
    )


def task(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "order-1", "namespace": "shop", "uid": "u-1", "creationTimestamp": "2026-11-20T12:00:00Z"},
        "spec": spec,
    }


def document(
    step: str,
    role: Role = Role.FORWARD,
    number: int = 1,
    given: TaskStatus | None = None,
    history: list[dict[str, Any]] | None = None,
    values: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    return step_input(
        task(**spec), PLAN, given or status(), history or [], Attempt(step, role, number), PROGRAM,
        context={"sku": "teapot"}, options={"fast": True}, values=values or {},
    )  # fmt: skip


def test_the_merged_context_and_options_and_the_steps_own_config_are_given() -> None:
    found = document("ship", context={"overridden": "by what is merged"})
    assert (found["context"], found["options"], found["config"]) == ({"sku": "teapot"}, {"fast": True}, {"url": "x"})


def test_a_step_sees_the_results_of_all_its_ancestors_and_of_nothing_else() -> None:
    assert document("ship")["results"] == {"reserve": "reserve done", "gift": None, "notify": None}


def test_a_step_sees_why_an_ancestor_failed_that_it_may_go_on_after() -> None:
    assert document("ship")["errors"] == {"notify": {"type": "SmtpError", "code": "X1", "message": "no server"}}
    assert document("gift")["errors"] == {}


def test_a_result_that_was_refused_is_none() -> None:
    refused = StepRecord("notify", StepState.ERROR, result="not what the schema says", error=ERROR)
    assert document("ship", given=status(notify=refused))["results"]["notify"] is None


def test_a_result_that_is_elsewhere_is_put_in_its_place() -> None:
    large = StepRecord("reserve", StepState.COMPLETE, result=ResultRef("r-1", "ab" * 32, 9000))
    given = status(reserve=large)
    assert document("ship", given=given, values={"r-1": {"id": 7}})["results"]["reserve"] == {"id": 7}
    with pytest.raises(MissingValues, match="r-1"):
        document("ship", given=given)


def test_only_the_values_are_asked_for_that_the_input_needs() -> None:
    def large(name: str) -> StepRecord:
        return StepRecord(name, StepState.COMPLETE, result=ResultRef(f"{name}-result", "ab" * 32, 9000))

    given = status(**{name: large(name) for name in ("reserve", "gift", "ship", "other")})

    def needed(step: str, role: Role = Role.FORWARD) -> set[str]:
        return set(input_refs(PLAN, given, Attempt(step, role, 1)))

    assert needed("reserve") == needed("other") == set()
    assert needed("ship") == {"reserve-result", "gift-result"}
    assert needed("ship", Role.COMPENSATION) == {"reserve-result", "gift-result", "ship-result"}
    assert needed("tidy") == {"reserve-result", "gift-result", "ship-result", "other-result"}


def chain(length: int, size: int) -> tuple[Plan, TaskStatus]:
    """So many steps in a row, each with a large result of this size."""
    names = [f"s{i}" for i in range(length)]
    steps = tuple(Step(name, depends_on=tuple(names[i - 1 : i] if i else ())) for i, name in enumerate(names))
    done = (StepRecord(name, StepState.COMPLETE, result=ResultRef(f"{name}-r", "ab" * 32, size)) for name in names)
    return Plan(steps=steps), TaskStatus(TaskState.STEPS_IN_PROCESS, steps=tuple(done))


def test_the_last_of_500_steps_gets_the_results_of_the_nearest_and_references_to_the_rest() -> None:
    plan, given = chain(500, 4096)
    attempt = Attempt("s499", Role.FORWARD, 1)
    values = dict.fromkeys(input_refs(plan, given, attempt), "x" * 4094)
    found = step_input(task(), plan, given, [], attempt, PROGRAM, context={}, options={}, values=values)
    nearest = [f"s{i}" for i in range(329, 499)]
    assert list(found["results"]) == nearest, "170 times 4096 bytes are just below 700 000"
    assert set(values) == {f"{name}-r" for name in nearest}
    assert found["resultRefs"]["s0"] == {"name": "s0-r", "sha256": "ab" * 32, "size": 4096}
    assert len(found["resultRefs"]) + len(found["results"]) == 499
    assert len(json.dumps(found)) < 1_000_000


def test_the_results_of_what_a_step_depends_on_are_never_left_out() -> None:
    plan, given = chain(4, 400_000)
    assert input_refs(plan, given, Attempt("s3", Role.FORWARD, 1)) == {"s2-r"}
    plan, given = chain(2, 900_000)
    assert input_refs(plan, given, Attempt("s1", Role.FORWARD, 1)) == {"s0-r"}


def test_a_step_of_finally_sees_how_the_task_ends_and_every_step() -> None:
    given = status()
    ending = Ending(EndingTrigger.FAILED, NOW, EndingPhase.FINALLY, TaskOutcome.ABORTED)
    found = document("report", given=TaskStatus(TaskState.BLOCKED_BY_FAILURES, steps=given.steps, ending=ending))
    assert found["task"]["outcome"] == "Aborted"
    assert list(found["errors"]) == ["notify"]
    assert set(found["results"]) == {"reserve", "gift", "notify", "ship", "other", "tidy"}
    assert "outcome" not in document("ship")["task"]


def test_metadata_hold_the_tasks_own_and_the_facts_about_it() -> None:
    found = document("ship", metadata={"shop": 7}, initiator="carol", tags=["a"], parentCorrelationId="c-0")
    assert found["metadata"] == {
        "shop": 7, "executionId": "u-1", "name": "order-1", "namespace": "shop", "initiator": "carol",
        "sourceSystem": None, "reason": None, "tags": ["a"], "createdAt": "2026-11-20T12:00:00Z", "startedAt": None,
        "finishedAt": None, "correlationId": "u-1", "parentCorrelationId": "c-0",
    }  # fmt: skip
    assert (found["correlationId"], found["parentCorrelationId"]) == ("u-1", "c-0")


def test_the_trace_is_the_last_fifty_entries_of_the_history() -> None:
    history = [
        {"at": f"t{i}", "step": "reserve", "from": "Pending", "to": "Enqueued", "events": ["Enqueue"]}
        for i in range(60)
    ]
    found = document("ship", history=history)["trace"]
    assert [entry["timestamp"] for entry in found] == [f"t{i}" for i in range(10, 60)]
    assert set(found[0]) == {"timestamp", "level", "source", "kind", "message"}


def test_attempts_are_counted_from_the_last_reset_without_those_that_a_rule_ignores() -> None:
    given = status(ship=StepRecord("ship", StepState.ENQUEUED, attempt=6, retry_base=2, ignored=1))
    found = document("ship", number=6, given=given)
    assert (found["attempt"], found["retryCount"]) == (6, 2)


def test_the_deadline_counts_from_the_latest_start_and_binds_forward_work_only() -> None:
    assert document("ship")["deadline"] == "2026-11-18T11:17:40.000000Z"
    assert document("reserve", Role.COMPENSATION)["deadline"] is None
    assert document("tidy")["deadline"] is None


def test_a_compensation_gets_what_it_undoes_and_a_key_of_its_own() -> None:
    broken = StepRecord("reserve", StepState.ERROR, error=StepError("Timeout", "10 s"), result={"id": 7}, attempt=2)
    given = status(reserve=broken)
    found = document("reserve", Role.COMPENSATION, given=given)
    assert found["forward"] == {"result": {"id": 7}, "error": {"type": "Timeout", "code": None, "message": "10 s"}}
    assert found["idempotencyKey"] == document("reserve", given=given)["idempotencyKey"]
    assert found["compensationKey"] != found["idempotencyKey"]
    assert (found["step"]["role"], found["step"]["maxAttempts"]) == ("compensation", 9)


def test_a_compensation_of_a_large_result_gets_the_result() -> None:
    large = StepRecord("reserve", StepState.COMPLETE, result=ResultRef("r-1", "ab" * 32, 9000))
    found = document("reserve", Role.COMPENSATION, given=status(reserve=large), values={"r-1": "value"})
    assert found["forward"] == {"result": "value", "error": None}


@pytest.mark.parametrize(
    ("parent", "spec", "root", "path"),
    [
        (None, {}, "u-1", "ship"),
        (None, {"idempotencyKey": "order-7"}, "order-7", "ship"),
        (ParentLink("p", "u-0", "deliver", "u-root", ("a", "deliver"), ()), {}, "u-root", "a/deliver/ship"),
        (ParentLink("p", "u-0", "deliver", "k", ("deliver",), ()), {"idempotencyKey": "mine"}, "k", "deliver/ship"),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_the_key_of_a_step_comes_from_the_root_task_and_the_way_down(
    parent: ParentLink | None, spec: dict[str, Any], root: str, path: str, role: Role
) -> None:
    given = TaskStatus(TaskState.STEPS_IN_PROCESS, parent=parent)
    assert step_key(task(**spec), given, "ship", role) == idempotency_key(root, path, role)


@pytest.mark.parametrize("step", [step.name for step in PLAN.steps])
@pytest.mark.parametrize("role", Role)
def test_the_sdk_reads_every_document(step: str, role: Role) -> None:
    found = document(step, role)
    assert from_operator(json.dumps(found), "the test's input").items() >= json.loads(json.dumps(found)).items()
