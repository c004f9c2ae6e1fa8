"""StepContext: what a handler reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kubesaga_sdk import ConfigurationError, StepFailure
from tests.sdk.support import context


def test_inputs_are_read_with_and_without_a_default() -> None:
    step = context(context={"sku": "teapot", "note": None, "zero": 0})
    assert step.get_input("sku") == "teapot"
    assert step.get_input("absent") is None
    assert step.get_input_or("sku", "kettle") == "teapot"
    assert step.get_input_or("absent", "kettle") == "kettle"
    assert step.get_input_or("note", "none") == "none"
    assert step.get_input_or("zero", 5) == 0
    assert step.input_data == {"sku": "teapot", "note": None, "zero": 0}


def test_options_and_metadata_and_config_are_read() -> None:
    step = context(options={"fast": True}, metadata={"shop": 7}, config={"url": "x"})
    assert (step.options, step.metadata, step.config, step.step_config) == (
        {"fast": True}, {"shop": 7}, {"url": "x"}, {"url": "x"},
    )  # fmt: skip
    assert (step.get_config("url"), step.get_config("absent")) == ("x", None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pay",), {"id": 7, "card": {"brand": "visa"}, "result": 5}),
        (("pay", "id"), 7),
        (("pay", "card", "brand"), "visa"),
        (("pay", "card", "absent"), None),
        (("pay", "id", "deeper"), None),
        (("pay", "absent", "deeper"), None),
        (("skipped", "id"), None),
        (("stranger", "id"), None),
        (("scalar",), 5),
    ],
)
def test_a_field_of_an_ancestors_result_is_found_or_none(path: tuple[str, ...], value: object) -> None:
    results = {"pay": {"id": 7, "card": {"brand": "visa"}, "result": 5}, "skipped": None, "scalar": 5}
    assert context(results=results).get_dependency_field(*path) == value


def test_an_ancestors_result_is_what_it_returned() -> None:
    step = context(results={"pay": {"result": 5}, "skipped": None})
    assert step.get_dependency_result("pay") == {"result": 5}
    assert step.get_dependency_result("skipped") is None
    assert step.get_dependency_result("stranger") is None
    assert list(step.dependency_results) == ["pay", "skipped"]


def test_an_ancestor_that_failed_says_why() -> None:
    step = context(errors={"notify": {"type": "SmtpError", "code": "X1", "message": "no server"}})
    assert step.dependency_errors == {"notify": StepFailure("SmtpError", "X1", "no server")}


def test_a_result_that_did_not_fit_is_refused_with_a_remedy_instead_of_none() -> None:
    step = context(results={"pay": 5}, resultRefs={"scan": {"name": "r-1", "sha256": "ab", "size": 200_000}})
    assert step.get_dependency_result("pay") == 5
    assert step.dependency_results == {"pay": 5}
    for read in (step.get_dependency_result, lambda name: step.get_dependency_field(name, "page")):
        with pytest.raises(ConfigurationError, match=r"scan .200000 bytes. did not fit .* dependsOn") as raised:
            read("scan")
        assert (raised.value.error_code, raised.value.retryable) == ("ResultNotGiven", False)


TRACE = [{"timestamp": "t", "level": "INFO", "source": "pay", "kind": "end", "message": "größer"}]


def test_the_execution_context_holds_data_trace_and_metadata() -> None:
    step = context(context={"sku": "teapot"}, results={"pay": 5}, trace=TRACE, metadata={"executionId": "u-1"})
    whole = step.execution_context
    assert whole.data == {"context": {"sku": "teapot"}, "results": {"pay": 5}}
    assert (whole.trace, whole.metadata) == (step.trace, step.metadata) == (TRACE, {"executionId": "u-1"})
    assert json.loads(whole.to_json()) == {"data": whole.data, "trace": whole.trace, "metadata": whole.metadata}


def test_what_is_done_to_an_execution_context_does_not_change_what_the_step_reads() -> None:
    step = context(context={"sku": "teapot"}, trace=TRACE)
    step.execution_context.data["context"]["sku"] = "kettle"
    step.execution_context.trace.clear()
    assert (step.get_input("sku"), len(step.trace)) == ("teapot", 1)


def test_a_step_of_finally_knows_how_the_task_ends() -> None:
    assert context(task={"name": "order-1", "outcome": "Aborted"}).task_outcome == "Aborted"
    assert context().task_outcome is None


def test_an_attempt_after_a_reset_or_an_ignored_one_is_a_retry() -> None:
    step = context(attempt=4, retryCount=0)
    assert (step.is_retry(), step.is_last_retry()) == (True, False)


@pytest.mark.parametrize(
    ("retry_count", "max_attempts", "is_retry", "is_last"),
    [(0, 3, False, False), (1, 3, True, False), (2, 3, True, True), (0, 1, False, True), (5, 3, True, True)],
)
def test_retries_are_counted_as_tasker_counts_them(
    retry_count: int, max_attempts: int, is_retry: bool, is_last: bool
) -> None:
    step = context(retryCount=retry_count, step={"maxAttempts": max_attempts})
    assert (step.retry_count, step.max_retries) == (retry_count, max_attempts)
    assert (step.is_retry(), step.is_last_retry()) == (is_retry, is_last)


def test_the_task_and_the_step_are_known() -> None:
    task = {
        "name": "order-1", "namespace": "shop", "uid": "u-1", "initiator": "carol", "sourceSystem": "web",
        "reason": None, "tags": ["a"], "createdAt": "2026-11-20T12:00:00Z",
    }  # fmt: skip
    step = context(task=task, attempt=4, trace=[{"event": "Start"}], deadline="2026-11-20T12:00:00Z")
    assert step.task == ("order-1", "shop", "u-1", "carol", "web", "", ["a"], "2026-11-20T12:00:00Z")
    assert (step.task_uuid, step.step_name, step.attempt) == ("u-1", "charge_payment", 4)
    assert step.trace == [{"event": "Start"}]
    assert step.deadline == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_keys_and_correlations_are_known() -> None:
    step = context(idempotencyKey="k", correlationId="c", parentCorrelationId="p")
    assert (step.idempotency_key, step.correlation_id, step.parent_correlation_id) == ("k", "c", "p")
    assert (step.compensation_key, context(compensationKey="u").compensation_key) == (None, "u")


def test_a_compensation_sees_what_it_undoes() -> None:
    done = context(forward={"result": {"id": 7}, "error": None})
    assert (done.forward_result, done.forward_error) == ({"id": 7}, None)
    failed = context(forward={"result": None, "error": {"type": "Timeout", "message": "10s"}})
    assert (failed.forward_result, failed.forward_error) == (None, StepFailure("Timeout", None, "10s"))
    unknown = context()
    assert (unknown.forward_result, unknown.forward_error, unknown.deadline) == (None, None, None)
