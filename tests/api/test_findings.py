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
from kubesaga.api.findings import Code, Finding, check_task, check_template
from kubesaga.api.models import TaskTemplateSpec

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
        ("parallelism", 0, Code.INVALID_FIELD, "correct"),
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
FULL["steps"][1] |= {"runAfter": [], "compensation": {"handler": {"callable": "a.B"}}}


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
