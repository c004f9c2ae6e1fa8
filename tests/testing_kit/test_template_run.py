"""Whole templates under virtual time: order, attempts, waits, compensation, people."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest

from kubesaga_sdk import PermanentError, RetryableError, StepContext
from kubesaga_sdk.testing import attempts, run_template, takes

EXAMPLES = Path(__file__).parents[2] / "examples"
ORDER = EXAMPLES / "order-fulfillment" / "template.yaml"
TRIP = EXAMPLES / "sub-workflow" / "templates.yaml"
CLAIM = EXAMPLES / "approval" / "template.yaml"
WANTED = {"customer": "ada", "sku": "teapot", "quantity": 1, "amount": 2990}
ALL_WELL = {
    "reserve_inventory": {"reservation": 1},
    "charge_payment": {"paymentId": 2},
    "ship_order": {"parcel": 3},
    "send_confirmation": None,
}


def template(*steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "TaskTemplate",
        "metadata": {"name": "flow"},
        "spec": {"version": "1.0.0", "steps": list(steps), **spec},
    }


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "handler": {"callable": "somewhere:Handler"}, **fields}


def test_real_handlers_run_beside_stubs() -> None:
    run = run_template(ORDER, WANTED, stubs=ALL_WELL)
    assert (run.state, run.outcome) == ("Complete", "Succeeded")
    assert run.order[0] == "validate_order"
    assert sorted(run.order[1:3]) == ["charge_payment", "reserve_inventory"]
    assert run.step("validate_order").result is not None
    assert run.inputs("ship_order")[0]["results"]["charge_payment"] == {"paymentId": 2}


def test_a_file_is_read_as_a_cluster_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    written = json.dumps(template(step("send", handler={"callable": "somewhere:Handler", "config": {"at": "AT"}})))
    file.write_text(written.replace('"AT"', "12:30"), "utf-8")
    run = run_template(file, stubs={"send": None})
    assert run.inputs("send")[0]["config"] == {"at": "12:30"}


def test_what_was_done_is_undone_in_reverse_order() -> None:
    stubs = {
        **ALL_WELL,
        "ship_order": PermanentError("no lorry", error_code="NO_LORRY"),
        "charge_payment.compensation": attempts(RetryableError("busy"), None),
        "reserve_inventory.compensation": None,
        "ship_order.compensation": None,
    }
    run = run_template(ORDER, WANTED, stubs=stubs)
    assert (run.state, run.outcome) == ("Error", "Compensated")
    assert run.compensated[0] == "ship_order"
    assert sorted(run.compensated) == ["charge_payment", "reserve_inventory", "ship_order"]
    assert run.attempts("charge_payment.compensation") == 2
    error = run.step("ship_order").error
    assert error is not None
    assert error["code"] == "NO_LORRY"
    undoing = run.step("charge_payment").compensation
    assert undoing is not None
    assert (undoing.state, undoing.attempt) == ("Complete", 2)


def test_an_hour_of_backoff_passes_in_virtual_time() -> None:
    flow = template(
        step("fetch", retry={"maxAttempts": 4, "backoff": "Fixed", "initialInterval": "20m", "maxInterval": "20m"})
    )
    run = run_template(flow, stubs={"fetch": attempts(RetryableError, RetryableError, RetryableError, "there")})
    assert run.outcome == "Succeeded"
    assert [round(at) for _, at in run.started] == [0, 1200, 2400, 3600]
    assert run.seconds >= 3600


def test_an_attempt_that_takes_too_long_fails_at_its_timeout() -> None:
    flow = template(step("think", timeout="30s", retry={"maxAttempts": 2, "backoff": "None"}))
    run = run_template(flow, stubs={"think": attempts(takes("1h", 1), takes("29s", 2))})
    assert (run.outcome, run.step("think").result, run.attempts("think")) == ("Succeeded", 2, 2)
    assert round(run.started[1][1]) == 30


def test_the_deadline_of_a_task_passes_in_virtual_time() -> None:
    flow = template(step("think"), timeout="10m", runningSteps="Terminate")
    run = run_template(flow, stubs={"think": takes("2h")})
    assert (run.outcome, run.step("think").state) == ("Failed", "Cancelled")
    assert run.seconds == pytest.approx(600, abs=1)


def test_a_stub_may_be_a_function_of_the_context() -> None:
    def double(context: StepContext) -> int:
        return int(context.get_input("n")) * 2

    async def more(context: StepContext) -> int:
        return int(context.get_dependency_result("double")) + 1

    flow = template(step("double"), step("more", dependsOn=["double"]), output="steps.more.result")
    assert run_template(flow, {"n": 20}, stubs={"double": double, "more": more}).result == 41


def test_sub_workflows_are_run_and_undone() -> None:
    run = run_template(TRIP, {"traveller": "ada", "flight": "TP571", "hotel": "Alfama"}, name="trip")
    assert run.outcome == "Compensated"
    assert run.sub_workflow("book_flight").outcome == "Compensated"
    assert run.order.index("book_flight/confirm") < run.order.index("book_hotel/hold")
    assert run.compensated.index("book_flight/confirm") < run.compensated.index("book_flight/hold")
    assert run.sub_workflow("book_flight").order[:2] == ["hold", "confirm"]
    assert set(run.history()) == {"(root)", "book_flight", "book_hotel"}


def test_people_answer_when_they_are_asked() -> None:
    claim = {"employee": "ada", "items": {"train": 20_000}}
    approved = run_template(CLAIM, claim, approve=["manager_approval"])
    assert approved.outcome == "Succeeded"
    rejected = run_template(CLAIM, claim, reject=["manager_approval"])
    assert (rejected.outcome, rejected.attempts("pay_out")) == ("Aborted", 0)


def test_a_run_that_only_a_human_could_help_ends_and_says_so() -> None:
    run = run_template(CLAIM, {"employee": "ada", "items": {"train": 20_000}})
    assert (run.state, run.outcome) == ("WaitingForDependencies", None)
    assert "manager_approval" in run.message


def test_a_stuck_compensation_waits_for_a_human_and_goes_on_with_one() -> None:
    flow = template(
        step("charge", compensation={}), step("ship", dependsOn=["charge"], retry={"maxAttempts": 1}),
        failureStrategy="Compensate", defaults={"retry": {"maxAttempts": 1}},
    )  # fmt: skip
    stubs = {"charge": 1, "ship": PermanentError, "charge.compensation": PermanentError("closed")}
    stuck = run_template(flow, stubs=stubs)
    assert stuck.state == "Compensating"
    assert "charge" in (stuck.needs_attention or "")
    given_up = run_template(flow, stubs=stubs, act=[("charge", "MarkCompensated")])
    assert given_up.outcome == "Compensated"


def test_a_request_that_breaks_the_schema_runs_nothing() -> None:
    run = run_template(ORDER, {"sku": "teapot"})
    assert (run.outcome, run.order) == ("InvalidRequest", [])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: run_template(EXAMPLES / "nowhere.yaml"), "cannot be read"),
        (lambda: run_template(TRIP, name="journey"), "no TaskTemplate journey; there are: travel/booking@1.0.0"),
        (lambda: run_template(ORDER, stubs={"ship": 1}), "no program 'ship'; it has: charge_payment"),
        (lambda: run_template(CLAIM, approve=["boss"]), "no step 'boss'"),
        (lambda: run_template(CLAIM, reject=["pay_out"]), "no approval 'pay_out'; it has: manager_approval"),
        (lambda: run_template(CLAIM, act=[("", "Dance")]), "'Dance' is no action"),
        (lambda: run_template({"kind": "Task"}), "the template: has no TaskTemplate; there are: none"),
        (lambda: run_template({"kind": "TaskTemplate", "metadata": {"name": "a"}}), "the template: a TaskTemplate has"),
        (lambda: run_template(template()), "steps"),
        (
            lambda: run_template(template({"name": "a", "container": {"image": "i", "command": ["true"]}})),
            "give a stub",
        ),
        (lambda: takes("soon"), "no duration"),
        (lambda: takes("-5m"), "'-5m' is no duration"),
        (lambda: takes(float("nan")), "nan is no duration"),
        (attempts, "at least one"),
        (lambda: run_template(ORDER, {"sku": {1}}), "the Task's spec.context.sku: set is no JSON type"),
        (
            lambda: run_template(template(step("a")), stubs={"a": UnicodeDecodeError}),
            "the stub of step a: a UnicodeDecodeError is not made of a message alone",
        ),
    ],
)
def test_wrong_use_is_refused_with_what_and_where(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_without_the_engine_the_kit_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(group: str) -> list[importlib.metadata.EntryPoint]:
        return []

    monkeypatch.setattr("kubesaga_sdk.testing.template_run.entry_points", none)
    with pytest.raises(ValueError, match="pip install kubesaga"):
        run_template(ORDER)
