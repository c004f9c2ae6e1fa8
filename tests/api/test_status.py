"""What the engine records survives the way to the API server and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.status import read_status, write_status
from kubesaga.api.times import epoch, rfc3339
from kubesaga.engine.plan import Compensation, Plan, Step
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
)
from kubesaga.engine.vocabulary import (
    ActionType,
    EndingPhase,
    EndingTrigger,
    FailureStrategy,
    StepOutcome,
    StepState,
    StopAction,
    TaskOutcome,
    TaskState,
)
from tests.engine.world import Outcome, World, fails, scripted

# Times have the wire's precision: what is finer than a microsecond was never recorded.
times = st.integers(1_500_000_000_000_000, 4_000_000_000_000_000).map(lambda microseconds: microseconds / 1e6)
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
numbers = st.integers(0, 1000)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def several(elements: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(elements, max_size=most).map(tuple)


refs = st.builds(ResultRef, words, words, numbers)
values = json_values | refs
errors = st.builds(
    StepError,
    type=words,
    message=texts,
    code=st.none() | words,
    retryable=st.booleans(),
    types=several(words),
    exit_code=st.none() | st.integers(0, 255),
    outcome_unknown=st.booleans(),
    retry_after=st.none() | st.floats(0, 1e6),
    pod_reason=st.none() | words,
)


def records(compensation: st.SearchStrategy[StepRecord | None]) -> st.SearchStrategy[StepRecord]:
    return st.builds(
        StepRecord,
        name=st.just("step"),
        state=st.sampled_from(StepState),
        outcome=st.none() | st.sampled_from(StepOutcome),
        attempt=numbers,
        retry_base=numbers,
        ignored=numbers,
        job_name=st.none() | words,
        child_name=st.none() | words,
        first_enqueued_at=st.none() | times,
        enqueued_at=st.none() | times,
        started_at=st.none() | times,
        finished_at=st.none() | times,
        next_retry_at=st.none() | times,
        error=st.none() | errors,
        result=values,
        metadata=st.none() | st.dictionaries(texts, json_values, max_size=2),
        stop=st.none() | st.builds(Stop, words, times, st.sampled_from(StopAction)),
        outcome_unknown=st.booleans(),
        disrupted=several(words),
        confirmed_stopped=st.booleans(),
        compensation=compensation,
    )


steps = st.lists(records(st.none() | records(st.none())), max_size=3).map(
    lambda listed: tuple(
        replace(step, name=f"step_{i}", compensation=step.compensation and replace(step.compensation, name=f"step_{i}"))
        for i, step in enumerate(listed)
    )
)
links = st.builds(ParentLink, words, words, words, words, several(words), several(words), numbers)
sagas = st.builds(
    Saga,
    st.sampled_from(EndingTrigger),
    several(st.builds(PlannedCompensation, words, several(words))),
    several(words),
)
endings = st.builds(
    Ending,
    st.sampled_from(EndingTrigger),
    times,
    st.sampled_from(EndingPhase),
    st.sampled_from(TaskOutcome),
    st.booleans(),
)
actions = st.builds(
    ActionRecord,
    uid=words,
    name=words,
    type=st.sampled_from(ActionType),
    at=times,
    step=st.none() | words,
    requested_by=st.none() | words,
    reason=st.none() | texts,
    message=texts,
)
common = {
    "state_since": st.none() | times,
    "message": texts,
    "result": values,
    "error": st.none() | errors,
    "template": st.none() | st.builds(PinnedTemplate, words, words, words),
    "request_hash": st.none() | words,
    "parent": st.none() | links,
    "run": numbers,
    "started_at": st.none() | times,
    "run_started_at": st.none() | times,
    "finished_at": st.none() | times,
    "blocked_since": st.none() | times,
    "suspended_since": st.none() | times,
    "resumed_at": st.none() | times,
    "stale": st.booleans(),
    "finally_failed": st.booleans(),
    "ending": st.none() | endings,
    "steps": steps,
    "saga": st.none() | sagas,
    "actions": several(actions),
    "attention": st.none() | st.builds(Attention, words, texts),
}
pending = st.builds(
    TaskStatus,
    state=st.just(TaskState.PENDING),
    reason=st.none() | st.sampled_from(["TemplateNotFound", "TemplateNotReady"]),
    **common,
)
others = st.builds(
    TaskStatus,
    state=st.sampled_from(sorted(set(TaskState) - {TaskState.PENDING})),
    outcome=st.none() | st.sampled_from(TaskOutcome),
    **common,
)
NOW = 1_795_000_000.0


def write(status: TaskStatus, before: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return write_status(status, before, (), generation=1, now=NOW, **options)


def test_the_properties_below_cover_every_field() -> None:
    assert set(common) | {"state", "reason", "outcome"} == set(TaskStatus.__dataclass_fields__)


@given(pending | others)
def test_every_status_is_read_back_as_it_was_recorded(status: TaskStatus) -> None:
    assert read_status(write(status)) == status


@given(pending | others, st.sets(st.sampled_from(["step_0", "step_1", "step_2"])))
def test_what_was_read_is_written_as_it_stood(status: TaskStatus, finals: set[str]) -> None:
    wire = write(status, finals=finals)
    again = write_status(read_status(wire), wire, (), generation=1, now=NOW + 100)
    assert again == wire


def failing_world() -> World:
    steps = (
        Step("a", compensation=Compensation()),
        Step("b", depends_on=("a",), compensation=Compensation()),
    )
    plan = Plan(steps=steps, failure_strategy=FailureStrategy.COMPENSATE)
    return World(plan, scripted({("a", 1): fails(retryable=True), "b": fails()}, undo={"a": Outcome(result=[1])}))


def test_every_status_on_the_way_of_a_task_is_read_back_as_it_was_written() -> None:
    world = failing_world()
    wire = None
    for _ in range(200):
        decision = world.pass_once()
        wire = write_status(decision.status, wire, decision.transitions, 1, world.now)
        assert read_status(wire) == decision.status
        if world.ended:
            break
        world.now += 0.5
    assert world.ended


def test_a_status_that_was_never_written_is_that_of_a_pending_task() -> None:
    assert read_status(None) == read_status({}) == read_status({"observedGeneration": -1})


@pytest.mark.parametrize(
    "write_at", [lambda wire: wire, lambda wire: wire["steps"][0], lambda wire: wire["steps"][0]["compensation"]]
)
def test_a_result_stands_in_the_status_or_outside_of_it_never_both(
    write_at: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    def wire_of(value: Any) -> dict[str, Any]:
        step = StepRecord("a", result=value, compensation=StepRecord("a", result=value))
        return write_at(write(TaskStatus(TaskState.COMPLETE, result=value, steps=(step,))))

    inside, outside, none = wire_of({"id": 7}), wire_of(ResultRef("order-1-result", "ab" * 32, 9000)), wire_of(None)
    assert (inside.get("result"), "resultRef" in inside) == ({"id": 7}, False)
    assert outside.get("resultRef") == {"name": "order-1-result", "sha256": "ab" * 32, "size": 9000}
    assert "result" not in outside
    assert not {"result", "resultRef"} & none.keys()


def test_a_result_that_looks_like_a_reference_is_a_result() -> None:
    value = {"name": "order-1-result", "sha256": "ab" * 32, "size": 9000}
    status = TaskStatus(TaskState.COMPLETE, result=value)
    assert read_status(write(status)).result == value


def test_progress_and_counts_speak_of_the_forward_steps_only() -> None:
    listed = [
        StepRecord("charge", StepState.COMPLETE, StepOutcome.SUCCEEDED),
        StepRecord("gift", StepState.COMPLETE, StepOutcome.SKIPPED),
        StepRecord("call", StepState.RESOLVED_MANUALLY, StepOutcome.RESOLVED_MANUALLY),
        StepRecord("ship", StepState.ERROR, StepOutcome.FAILED),
        StepRecord("bill", StepState.WAITING_FOR_RETRY),
        StepRecord("notify", StepState.IN_PROGRESS),
        StepRecord("report", StepState.COMPLETE, StepOutcome.SUCCEEDED),
    ]
    wire = write(TaskStatus(TaskState.STEPS_IN_PROCESS, steps=tuple(listed)), finals=["notify", "report"])
    assert wire["progress"] == "3/5"
    assert wire["counts"] == {"total": 5, "complete": 3, "failed": 1, "cancelled": 0, "running": 0, "waiting": 1}
    assert [step["name"] for step in wire["steps"] if step.get("final")] == ["notify", "report"]


def test_a_step_of_finally_stays_one_when_its_template_is_lost() -> None:
    status = TaskStatus(TaskState.COMPLETE, steps=(StepRecord("charge"), StepRecord("notify")))
    wire = write(status, before=write(status, finals=["notify"]))
    assert [step.get("final", False) for step in wire["steps"]] == [False, True]
    assert wire["progress"] == "0/1"


def test_the_next_retry_is_the_earliest_of_all_steps_and_compensations() -> None:
    listed = (
        StepRecord("a", next_retry_at=NOW + 9),
        StepRecord("b", compensation=StepRecord("b", next_retry_at=NOW + 5)),
        StepRecord("c"),
    )
    assert write(TaskStatus(TaskState.COMPENSATING, steps=listed))["nextRetryAt"] == rfc3339(NOW + 5)


def test_what_is_said_to_humans_is_cut_where_the_schema_ends() -> None:
    action = ActionRecord("u", "n", ActionType.RETRY, NOW, reason="r" * 9000, message="m" * 9000)
    wire = write(TaskStatus(TaskState.ERROR, message="x" * 99_999, actions=(action,)))
    assert len(wire["message"]) == 16384
    assert (len(wire["actions"][0]["reason"]), len(wire["actions"][0]["message"])) == (256, 256)


def test_many_errors_share_the_room_that_a_few_do_not_fill() -> None:
    def written(count: int) -> list[dict[str, Any]]:
        error = StepError("Broken", "m" * 1000, types=("Broken", *("T" * 40 for _ in range(20))))
        listed = tuple(StepRecord(f"s{i}", StepState.ERROR, error=error) for i in range(count))
        return [step["error"] for step in write(TaskStatus(TaskState.ERROR, steps=listed))["steps"]]

    few, many = written(30), written(500)
    assert {(len(error["message"]), len(error.get("types", ()))) for error in few} == {(1000, 21)}
    assert {(len(error["message"]), len(error.get("types", ()))) for error in many} == {(130, 0)}


def test_times_keep_their_microseconds() -> None:
    assert rfc3339(1_700_000_000.123456) == "2023-11-14T22:13:20.123456Z"
    assert epoch("2023-11-14T22:13:20.123456Z") == 1_700_000_000.123456


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        epoch("yesterday")
