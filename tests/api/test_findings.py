"""Findings: right code, right place, a remedy; all at once; and nothing a user writes makes the check fail."""

from __future__ import annotations

import math
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.constants import MAX_FINDINGS
from kubesaga.api.findings import Code, Finding, check_action, check_task, check_template
from kubesaga.api.models import TaskActionSpec, TaskTemplateSpec

EXAMPLE = Path(__file__).parents[2] / "examples" / "order-fulfillment"


def good() -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "defaults": {"image": "handlers:1"},
        "steps": [
            {"name": "reserve", "handler": {"callable": "shop:Reserve"}, "compensation": {}},
            {"name": "charge", "dependsOn": ["reserve"], "container": {"image": "busybox"}},
        ],
    }


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_a_good_template_has_no_findings() -> None:
    assert check_template(good()) == []
    assert check_template(TaskTemplateSpec.read(good())) == []


def test_the_example_has_no_findings() -> None:
    template = yaml.safe_load((EXAMPLE / "template.yaml").read_text(encoding="utf-8"))
    assert check_template(template["spec"]) == []
    for document in yaml.safe_load_all((EXAMPLE / "tasks.yaml").read_text(encoding="utf-8")):
        assert check_task(document["spec"]) == []


def test_an_unknown_dependency_is_met_with_the_name_that_was_meant() -> None:
    spec = good()
    spec["steps"][1]["dependsOn"] = ["resrve"]
    found = only(check_template(spec))
    assert (found.code, found.path) == (Code.UNKNOWN_DEPENDENCY, "spec.steps[1].dependsOn[0]")
    assert found.remedy == "did you mean reserve?"


def test_a_cycle_is_named_with_its_path() -> None:
    spec = good()
    spec["steps"] = [
        {"name": name, "dependsOn": [before], "handler": {"callable": "a.B"}}
        for name, before in (("a", "c"), ("b", "a"), ("c", "b"))
    ]
    found = only(check_template(spec))
    assert (found.code, found.path) == (Code.DEPENDENCY_CYCLE, "spec.steps[0]")
    assert found.message == "these steps wait for each other: a -> c -> b -> a"


def test_a_cycle_may_run_over_both_kinds_of_dependency_and_each_is_found() -> None:
    spec = good()
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]
    spec["steps"] = [
        {"name": name, ("dependsOn" if i % 2 else "runAfter"): [other], "handler": {"callable": "a.B"}}
        for i, (name, other) in enumerate(pairs)
    ]
    assert [found.code for found in check_template(spec)] == [Code.DEPENDENCY_CYCLE] * 2


def test_an_unknown_field_is_met_with_the_field_that_was_meant() -> None:
    spec = good()
    spec["steps"][0]["depends_on"] = []
    found = only(check_template(spec, path="my.yaml: spec"))
    assert (found.code, found.path) == (Code.INVALID_FIELD, "my.yaml: spec.steps[0].depends_on")
    assert found.remedy == "did you mean dependsOn?"


@pytest.mark.parametrize(
    ("place", "value", "code", "remedy"),
    [
        ("timeout", 90, Code.INVALID_DURATION, "30s, 5m"),
        ("timeout", "10ms", Code.TIMEOUT_TOO_SHORT, "1s or more"),
        ("version", 1.0, Code.INVALID_VERSION, "MAJOR.MINOR.PATCH"),
        ("failureStrategy", "abort", Code.INVALID_FIELD, "did you mean Abort?"),
        ("failureStrategy", "Explode", Code.INVALID_FIELD, "Abort or Continue or Compensate"),
        ("parallelism", "2", Code.INVALID_FIELD, "without quotes"),
        ("parallelism", 0, Code.INVALID_FIELD, "at least 1"),
        ("parallelism", 501, Code.INVALID_FIELD, "at most 500"),
        ("output", "x" * 5000, Code.INVALID_FIELD, "at most 4096"),
        ("output", "", Code.INVALID_FIELD, "write something"),
        ("output", "steps.reserve.", Code.INVALID_EXPRESSION, "workflow-language.md"),
        ("identityStrategy", "strict", Code.INVALID_FIELD, "did you mean Strict?"),
        ("outputSchema", {"type": "objekt"}, Code.INVALID_OUTPUT_SCHEMA, "JSON Schema"),
        ("finally", {}, Code.INVALID_FIELD, "write a list"),
        ("environments", [], Code.INVALID_FIELD, "write an object"),
        ("description", 5, Code.INVALID_FIELD, "put it in quotes"),
        ("name", "Order", Code.INVALID_FIELD, "lower-case"),
        ("inputSchema", [], Code.INVALID_FIELD, "write an object"),
        ("defaults", "x", Code.INVALID_FIELD, "write an object"),
        ("steps", [], Code.NO_STEPS, "add a step"),
        ("description", date(2026, 11, 20), Code.INVALID_FIELD, "put it in quotes"),
    ],
)
def test_a_wrong_value_is_met_with_a_remedy(place: str, value: Any, code: Code, remedy: str) -> None:
    spec = {**good(), place: value}
    found = next(found for found in check_template(spec, default_image="x") if found.path == f"spec.{place}")
    assert found.code is code
    assert remedy in found.remedy


def test_a_default_image_of_the_operator_is_enough() -> None:
    spec = good()
    del spec["defaults"]
    assert check_template(spec, default_image="handlers:1") == []
    found = only(check_template(spec))
    assert (found.code, found.path) == (Code.MISSING_IMAGE, "spec.defaults.image")
    assert "reserve" in found.message
    assert "charge" not in found.message


@pytest.mark.parametrize(
    ("undo", "complains"),
    [
        ({"container": {"command": ["true"]}}, True),
        ({"container": {"image": "busybox"}}, False),
        ({"handler": {"callable": "shop:Undo"}}, False),
        ({}, False),
    ],
)
def test_the_image_of_a_compensation_is_looked_for_as_it_is_run(undo: dict[str, Any], complains: bool) -> None:
    spec = good()
    del spec["defaults"]
    spec["steps"][0]["handler"]["image"] = "mine:1"
    spec["steps"][0]["compensation"] = undo
    codes = [found.code for found in check_template(spec)]
    assert codes == ([Code.MISSING_IMAGE] if complains else [])


def test_a_default_mount_may_rely_on_a_volume_that_every_step_declares() -> None:
    spec = good()
    spec["defaults"]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    assert only(check_template(spec)).code is Code.UNKNOWN_VOLUME
    for step in spec["steps"]:
        step["pod"] = {"volumes": [{"name": "data", "emptyDir": {}}]}
    assert check_template(spec) == []


def test_everything_is_found_at_once() -> None:
    spec = good()
    spec |= {"version": "one", "colour": "red", "inputSchema": {"type": "objekt", "$ref": "x.json"}}
    spec["steps"][1] |= {"dependsOn": ["nobody", "charge"], "timeout": "soon", "compensation": {}}
    codes = {found.code for found in check_template(spec)}
    assert codes == {
        Code.INVALID_VERSION,
        Code.INVALID_FIELD,
        Code.INVALID_INPUT_SCHEMA,
        Code.REMOTE_REFERENCE,
        Code.UNKNOWN_DEPENDENCY,
        Code.SELF_DEPENDENCY,
        Code.INVALID_DURATION,
        Code.COMPENSATION_WITHOUT_PROGRAM,
    }


def test_a_flood_of_findings_is_cut_and_counted() -> None:
    spec = good()
    spec["steps"] = [{"name": f"s{i}", "container": {"image": "x"}, "colour": 1} for i in range(400)]
    found = check_template(spec)
    assert len(found) == MAX_FINDINGS
    assert found[-1].code is Code.TOO_MANY_FINDINGS
    assert found[-1].message == "301 more findings are not listed"


def test_a_finding_stays_small_however_long_what_it_quotes() -> None:
    spec = good()
    spec["x" * 100_000] = 1
    spec["steps"][0]["name"] = "y" * 100_000
    assert max(len(str(found)) for found in check_template(spec)) < 5000


def test_metadata_of_a_task_has_a_limit_in_bytes() -> None:
    spec: dict[str, Any] = {"templateRef": {"name": "order"}, "metadata": {"note": "ü" * 2042}}
    assert check_task(spec) == []
    spec["metadata"]["note"] += "ü"
    found = only(check_task(spec))
    assert (found.code, found.path) == (Code.METADATA_TOO_LARGE, "spec.metadata")


def test_a_task_with_a_typing_error_is_told_so() -> None:
    found = only(check_task({"templateRef": {"name": "order", "verzion": "1.0.0"}}))
    assert found.path == "spec.templateRef.verzion"
    assert found.remedy == "did you mean version?"


def test_a_template_of_all_kinds_of_steps_has_no_findings() -> None:
    spec = good()
    spec |= {
        "output": '{"paid": steps.pay.result, "by": task.initiator, "for": context.customer}',
        "outputSchema": {"type": "object"},
        "lifecycle": {"total": "1h", "action": "Fail"},
        "identityStrategy": "CallerProvided",
        "defaultContext": {"customer": "carol"},
        "environments": {
            "production": {"steps": [{"name": "ALL", "timeout": "1m"}, {"name": "tidy_up", "timeout": "5m"}]}
        },
        "finally": [
            {"name": "tidy_up", "handler": {"callable": "shop:TidyUp"}, "when": 'task.outcome != "Succeeded"'},
            {
                "name": "report",
                "dependsOn": ["tidy_up"],
                "container": {"image": "busybox"},
                "when": 'steps.charge.state == "Complete" && steps.tidy_up.result != null',
            },
        ],
    }
    spec["steps"] += [
        {"name": "release", "approval": {"timeout": "1h"}, "dependsOn": ["charge"], "skippable": True},
        {
            "name": "pay",
            "runAfter": ["release"],
            "when": "steps.reserve.result.total > 0 && steps.release.outcome == 'Succeeded'",
            "task": {
                "templateRef": {"name": "payment", "version": "^2.1"},
                "context": {"currency": "EUR"},
                "contextFrom": {"amount": "steps.charge.result.total"},
            },
            "retry": {"maxDuration": "1h", "rules": [{"onErrorTypes": ["*"], "action": "Ignore"}]},
            "resultSchema": {"type": "string"},
            "compensation": {},
        },
    ]
    assert check_template(spec) == []
    assert check_template(TaskTemplateSpec.read(spec)) == []


def test_a_step_of_the_workflow_and_one_of_finally_are_told_why_they_cannot_wait_for_each_other() -> None:
    spec = good()
    spec["steps"][0]["runAfter"] = ["report"]
    spec["finally"] = [{"name": "report", "dependsOn": ["charge"], "container": {"image": "busybox"}}]
    before, after = check_template(spec)
    assert (before.code, before.path) == (Code.UNKNOWN_DEPENDENCY, "spec.steps[0].runAfter[0]")
    assert "those start when all others are over" in before.remedy
    assert (after.code, after.path) == (Code.UNKNOWN_DEPENDENCY, "spec.finally[0].dependsOn[0]")
    assert "their results can be seen" in after.remedy


def test_a_step_of_finally_is_told_what_it_cannot_have() -> None:
    spec = good()
    spec["finally"] = [{"name": "report", "container": {"image": "busybox"}, "continueOnError": True}]
    found = only(check_template(spec))
    assert found.message == "is not for a step of finally"


def test_steps_and_finally_have_one_bound_together() -> None:
    spec = good()
    spec["steps"] = [{"name": f"s{i}", "container": {"image": "x"}} for i in range(499)]
    spec["finally"] = [{"name": "report", "container": {"image": "x"}}]
    assert check_template(spec) == []
    spec["finally"].append({"name": "tell", "container": {"image": "x"}})
    found = only(check_template(spec))
    assert (found.code, found.path) == (Code.TOO_MANY_STEPS, "spec.finally")


def test_too_many_steps_in_one_list_are_found_once() -> None:
    spec = good()
    spec["steps"] = [{"name": f"s{i}", "container": {"image": "x"}} for i in range(501)]
    found = only(check_template(spec))
    assert (found.code, found.path) == (Code.TOO_MANY_STEPS, "spec.steps")


@pytest.mark.parametrize(
    ("when", "code", "said", "remedy"),
    [
        ("steps.charge.result.paid", Code.NOT_AN_ANCESTOR, "step 'charge' does not come before", "dependsOn"),
        ("steps.resrve.result", Code.UNKNOWN_STEP, "there is no step 'resrve'", "did you mean reserve?"),
        ("steps.zzz.result", Code.UNKNOWN_STEP, "there is no step 'zzz'", "it can see: reserve"),
        ("context.total >", Code.INVALID_EXPRESSION, "line 1, column", "variables are context, steps, task"),
    ],
)
def test_an_expression_is_told_where_it_is_wrong(when: str, code: Code, said: str, remedy: str) -> None:
    spec = good()
    spec["steps"].append({"name": "ship", "dependsOn": ["reserve"], "container": {"image": "x"}, "when": when})
    found = only(check_template(spec))
    assert (found.code, found.path) == (code, "spec.steps[2].when")
    assert said in found.message
    assert remedy in found.remedy


def test_an_expression_sees_a_step_before_the_one_before() -> None:
    spec = good()
    spec["steps"].append(
        {"name": "ship", "runAfter": ["charge"], "container": {"image": "x"}, "when": "steps.reserve.result.ok"}
    )
    assert check_template(spec) == []


def test_the_output_is_made_before_finally_runs() -> None:
    spec = {**good(), "output": "steps.report.result"}
    spec["finally"] = [{"name": "report", "container": {"image": "x"}}]
    found = only(check_template(spec))
    assert found.code is Code.NOT_AN_ANCESTOR
    assert "before the steps of finally run" in found.remedy


def test_a_template_runs_itself_under_its_name_or_its_objects() -> None:
    spec = good()
    spec["steps"].append({"name": "again", "task": {"templateRef": {"name": "order"}}})
    assert check_template(spec) == []
    assert only(check_template(spec, name="order")).code is Code.SUB_WORKFLOW_CYCLE
    assert only(check_template({**spec, "name": "order"}, name="v1")).code is Code.SUB_WORKFLOW_CYCLE
    assert check_template({**spec, "name": "order", "domain": "shop"}) == []


@pytest.mark.parametrize("program", ["handler", "container"])
def test_settings_of_a_pod_are_for_the_compensation_of_an_approval(program: str) -> None:
    spec = good()
    undo = {"handler": {"callable": "shop:Undo"}, "container": {"image": "x"}}
    step = {"name": "release", "approval": {}, "resources": {"limits": {"cpu": 1}}, "startTimeout": "1m"}
    spec["steps"].append(step)
    assert [found.path for found in check_template(spec)] == ["spec.steps[2].startTimeout", "spec.steps[2].resources"]
    step["compensation"] = {program: undo[program]}
    assert check_template(spec) == []


def test_an_unknown_field_below_an_environment_is_met_with_its_own_fields() -> None:
    spec = good()
    spec["environments"] = {"steps": {"steps": [{"name": "reserve", "timeOut": "1m"}]}}
    found = only(check_template(spec))
    assert (found.path, found.remedy) == ("spec.environments.steps.steps[0].timeOut", "did you mean timeout?")


def test_a_null_counts_as_absent_in_an_environment_too() -> None:
    spec = good()
    spec["environments"] = {"production": {"steps": [{"name": "reserve", "timeout": None}]}, "staging": None}
    assert check_template(spec) == []


@pytest.mark.parametrize("lifecycle", [{}, {"action": "Mark"}, {"action": "Fail", "total": "1h"}])
def test_a_lifecycle_without_a_limit_may_say_what_is_the_default(lifecycle: dict[str, Any]) -> None:
    assert check_template({**good(), "lifecycle": lifecycle}) == []


FIELDS_OF_AN_ACTION = ("taskRef", "type", "step", "result", "reason", "requestedBy", "expectedAttempt")
ACTION: dict[str, Any] = {"taskRef": {"name": "order-1"}, "requestedBy": "carol"}


def test_a_null_result_of_an_action_is_a_result() -> None:
    action = {**ACTION, "type": "Complete", "step": "charge"}
    assert "result" in TaskActionSpec.read({**action, "result": None}).model_fields_set
    assert "result" not in TaskActionSpec.read({**action, "reason": None}).model_fields_set


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"type": "Retry"}, None),
        ({"type": "Retry", "step": "charge", "expectedAttempt": 0}, None),
        ({"type": "Complete", "step": "charge", "result": None}, None),
        ({"type": "Resolve", "result": {"paid": True}}, None),
        ({"type": "RetryCompensation"}, None),
        ({"type": "Skip"}, "spec.step"),
        ({"type": "ConfirmStopped"}, "spec.step"),
        ({"type": "GiveUp", "step": "charge"}, "spec.step"),
        ({"type": "Retry", "result": None}, "spec.result"),
        ({"type": "Reject", "step": "charge", "result": 1}, "spec.result"),
        ({"type": "Retry", "expectedAttempt": 1}, "spec.expectedAttempt"),
    ],
)
def test_an_action_has_what_goes_with_its_type(spec: dict[str, Any], place: str | None) -> None:
    found = check_action({**ACTION, **spec})
    assert [(each.code, each.path) for each in found] == ([(Code.INVALID_ACTION, place)] if place else [])


SELF_CONTAINING: dict[str, Any] = {"version": "1.0.0"}
SELF_CONTAINING["steps"] = [SELF_CONTAINING]


@pytest.mark.parametrize(
    "spec",
    [None, [], "text", 1, {}, {"steps": None}, {"steps": {"a": 1}}, {1: 2}, {"a": 10**5000}, SELF_CONTAINING],
    ids=range(10),
)
def test_what_is_no_spec_at_all_is_a_finding(spec: Any) -> None:
    assert check_template(spec)
    assert check_task(spec)


SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.dates()
    | st.sampled_from(["reserve", "charge", "a.B", "30s", "x", math.nan, 2**70])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.none(), children, max_size=3)
    ),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, member in members for place in places(member, (*at, key)))]


FULL = good()
FULL["inputSchema"] = {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"pattern": "x"}}}
FULL["defaults"] |= {"env": [{"name": "A"}], "pod": {"volumes": [{"name": "v"}], "labels": {"a": "b"}}}
FULL["steps"][0] |= {"retry": {"initialInterval": "1s"}, "timeout": "1s", "resources": {"limits": {"cpu": 1}}}
FULL["steps"][1] |= {"runAfter": [], "compensation": {"handler": {"callable": "a.B"}}, "when": "steps.reserve.result"}
FULL["steps"][1]["retry"] = {"rules": [{"onExitCodes": [1], "onErrorTypes": ["*"], "action": "Retry"}]}
FULL["steps"] += [
    {"name": "pay", "task": {"templateRef": {"name": "pay", "version": "^1"}, "contextFrom": {"a": "context.a"}}},
    {"name": "release", "approval": {"timeout": "1h", "onTimeout": "Skip"}, "resultSchema": {"type": "object"}},
]
FULL["finally"] = [{"name": "report", "dependsOn": [], "container": {"image": "x"}, "when": "task.outcome == 'x'"}]
FULL["environments"] = {"production": {"steps": [{"name": "ALL", "handler": {"config": {"a": 1}}}]}}
FULL |= {
    "lifecycle": {"total": "1h", "action": "Fail"},
    "output": "steps.pay.result",
    "outputSchema": {"type": "object"},
}


@given(st.sampled_from(places(FULL)[1:]), ANYTHING)
def test_no_value_anywhere_makes_the_check_fail(place: tuple[Any, ...], value: Any) -> None:
    spec = deepcopy(FULL)
    owner: Any = spec
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = value
    for found in check_template(spec):
        assert found.path.startswith("spec")
        assert found.message
        assert found.remedy


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS_OF_AN_ACTION, ANYTHING)))
def test_no_action_makes_the_check_fail(spec: dict[str, Any]) -> None:
    for found in check_action(spec):
        assert found.message
        assert found.remedy
