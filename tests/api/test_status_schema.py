"""What the operator writes is what the schema admits: nothing pruned, nothing refused."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import jsonschema_rs
import pytest

from kubesaga.api.constants import MAX_ACTIONS
from kubesaga.api.history import spill
from kubesaga.api.models.status import TaskStatus as TaskStatusModel
from kubesaga.api.status import write_status
from kubesaga.api.structural import structural_schema
from kubesaga.engine.records import (
    ActionRecord,
    Attention,
    Ending,
    ParentLink,
    PinnedTemplate,
    PlannedCompensation,
    ResultRef,
    Saga,
    StepError,
    StepRecord,
    Stop,
    TaskStatus,
    Transition,
)
from kubesaga.engine.vocabulary import (
    ActionType,
    EndingPhase,
    EndingTrigger,
    Role,
    StepEvent,
    StepOutcome,
    StepState,
    StopAction,
    TaskEvent,
    TaskOutcome,
    TaskState,
)

NOW = 1_795_000_000.123456


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The structural schema as an ordinary JSON Schema that refuses what the API server would prune."""
    plain = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "nullable"}
    if "properties" in schema:
        plain["properties"] = {name: closed(field) for name, field in schema["properties"].items()}
        plain["additionalProperties"] = False
    if "items" in schema:
        plain["items"] = closed(schema["items"])
    return plain


VALIDATOR = jsonschema_rs.Draft202012Validator(closed(structural_schema(TaskStatusModel)), validate_formats=True)


def problems(wire: dict[str, Any]) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in VALIDATOR.iter_errors(wire)]


ERROR = StepError("Timeout", "after 10 s", "E1", True, ("Timeout", "Exception"), 137, True, 2.5, "Evicted")


def full_record(name: str) -> StepRecord:
    return StepRecord(
        name=name,
        state=StepState.ERROR,
        outcome=StepOutcome.FAILED,
        attempt=3,
        retry_base=1,
        ignored=1,
        job_name="order-1-charge-0123456789",
        child_name="order-1-charge-9876543210",
        first_enqueued_at=NOW,
        enqueued_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        next_retry_at=NOW,
        error=ERROR,
        result={"deep": [1, None, {"x": True}]},
        metadata={"seconds": 1.5},
        stop=Stop("Timeout", NOW, StopAction.FAIL),
        outcome_unknown=True,
        disrupted=tuple(f"order-1-charge-0123456789-{i}" for i in range(10)),
        confirmed_stopped=True,
    )


def full_status(result: Any = "anything") -> TaskStatus:
    return TaskStatus(
        state=TaskState.COMPENSATING,
        state_since=NOW,
        outcome=TaskOutcome.COMPENSATED,
        reason="TemplateNotFound",
        message="compensating",
        result=result,
        error=ERROR,
        template=PinnedTemplate("order", "1.0.0", "order-0123456789"),
        request_hash="ab" * 32,
        parent=ParentLink("order-0", "u-0", "ship", "u-root", ("ship",) * 16, ("shop/order",) * 16, attempt=2),
        run=1,
        started_at=NOW,
        run_started_at=NOW,
        finished_at=NOW,
        blocked_since=NOW,
        suspended_since=NOW,
        resumed_at=NOW,
        stale=True,
        finally_failed=True,
        ending=Ending(EndingTrigger.FAILED, NOW, EndingPhase.COMPENSATING, TaskOutcome.COMPENSATED, compensate=True),
        steps=(replace(full_record("charge"), compensation=full_record("charge")),),
        saga=Saga(EndingTrigger.DEADLINE, (PlannedCompensation("charge", ("ship",)),), ("ship",)),
        actions=(ActionRecord("u", "retry-1", ActionType.RETRY, NOW, "charge", "carol", "fixed", "step charge reset"),),
        attention=Attention("StepNotStopped", "pod x on node y"),
    )


TRANSITIONS = [
    Transition(NOW, TaskEvent.START, TaskState.PENDING, TaskState.INITIALIZING),
    Transition(NOW, StepEvent.FAIL, StepState.PENDING, StepState.ERROR, "charge", Role.COMPENSATION, 2, "no"),
]


def left_out(value: object, path: str = "") -> list[str]:
    """The fields of a record that hold nothing, so that the test below would not see them."""
    if isinstance(value, tuple):
        return [name for item in value for name in left_out(item, path)]
    if not is_dataclass(value):
        return []
    found = []
    for field in fields(value):
        member = getattr(value, field.name)
        where = f"{path}.{field.name}"
        found += [where] if member is None or member == () else left_out(member, where)
    return found


def test_a_status_with_everything_in_it_is_admitted() -> None:
    status = full_status()
    assert left_out(status) == [".steps.compensation.compensation"], "a compensation has none of its own"
    wire = write_status(status, None, TRANSITIONS, generation=1, now=NOW, finals=["charge"])
    assert problems(wire) == []


def test_a_result_that_is_elsewhere_is_admitted() -> None:
    reference = ResultRef("order-1-result", "ab" * 32, 200_000)
    step = StepRecord("charge", result=reference, compensation=StepRecord("charge", result=reference))
    wire = write_status(replace(full_status(reference), steps=(step,)), None, TRANSITIONS, generation=1, now=NOW)
    assert "resultRef" in wire
    assert problems(wire) == []


def test_a_new_tasks_status_is_admitted() -> None:
    assert problems(write_status(TaskStatus(), None, [], generation=1, now=NOW)) == []


@pytest.mark.parametrize("event", [*TaskEvent, *StepEvent])
def test_every_event_is_admitted(event: TaskEvent | StepEvent) -> None:
    transition = Transition(NOW, event, "Pending", "Complete")
    assert problems(write_status(TaskStatus(), None, [transition], generation=1, now=NOW)) == []


def test_the_longest_history_is_admitted() -> None:
    """Every entry that a status keeps, and then one decision that moves everything."""
    moves = [
        Transition(NOW, StepEvent.CANCEL, "Pending", "Cancelled", f"s{i}", role) for i in range(500) for role in Role
    ]
    before = {"transitions": write_status(TaskStatus(), None, moves[:256], generation=1, now=NOW)["transitions"]}
    moves.append(Transition(NOW, TaskEvent.CANCEL, "EvaluatingResults", "Cancelled"))
    base, blocks = spill(before, moves)
    wire = write_status(full_status(), base, moves, generation=1, now=NOW)
    assert (len(blocks), len(wire["transitions"])) == (2, 1001)
    assert problems(wire) == []


@pytest.mark.parametrize("action", ActionType)
def test_every_action_is_admitted(action: ActionType) -> None:
    status = TaskStatus(actions=(ActionRecord("u", "n", action, NOW),) * MAX_ACTIONS)
    assert problems(write_status(status, None, [], generation=1, now=NOW)) == []


def test_the_longest_action_is_admitted() -> None:
    """A TaskAction may say more, in each of its words, than the status has room for."""
    record = ActionRecord("u" * 64, "n" * 253, ActionType.RETRY, NOW, "s" * 40, "w" * 512, "r" * 4096, "m" * 32768)
    wire = write_status(TaskStatus(actions=(record,)), None, [], generation=1, now=NOW)
    assert problems(wire) == []
    assert wire["actions"][0]["requestedBy"] == "w" * 256


def test_a_word_that_nobody_knows_is_refused() -> None:
    wire = write_status(full_status(), None, TRANSITIONS, generation=1, now=NOW)
    wire["state"] = "Confused"
    wire["steps"][0]["colour"] = "red"
    assert len(problems(wire)) == 2
