"""Whatever stands in the fields of a template or a request: there is an object, notes and findings, and never a bug."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.fields import Fields
from kubesaga.cli.importing.notes import Notes
from kubesaga.cli.importing.request import convert_request
from kubesaga.cli.importing.template import convert_template
from kubesaga.cli.importing.words import logical_name, object_name, step_name
from kubesaga.cli.main import main

pytestmark = pytest.mark.slow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
RETRY = ["retryable", "max_attempts", "limit", "backoff", "backoff_base_ms", "max_backoff_ms"]
STEP = [
    "name", "description", "type", "dependencies", "depends_on", "depends_on_step", "handler", "handler_class",
    "handler_config", "timeout_seconds", "timeout_ms", "skippable", "result_schema", "publishes_events",
]  # fmt: skip
TEMPLATE = ["name", "namespace_name", "version", "schema", "lifecycle", "environments", "named_steps", "metadata"]
REQUEST = ["name", "namespace", "version", "context", "tags", "bypass_steps", "priority", "reason", "options"]


def objects(*fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of the fields, with anything in them."""
    return st.dictionaries(st.sampled_from(fields), JSON, max_size=len(fields))


STEPS = st.lists(st.tuples(objects(*STEP), objects(*RETRY)).map(lambda pair: {**pair[0], "retry": pair[1]}), max_size=4)


@given(objects(*TEMPLATE), STEPS | JSON)
def test_a_template_of_anything_becomes_a_template(fields: dict[str, Any], steps: Any) -> None:
    found = convert_template(Fields({**fields, "steps": steps}, "", Notes()), Callables(), None)
    assert json.loads(json.dumps(found.manifest)) == found.manifest
    names = [step["name"] for step in found.manifest["spec"]["steps"]]
    assert len(set(names)) == len(names)


@given(objects(*REQUEST))
def test_a_request_of_anything_becomes_a_task(fields: dict[str, Any]) -> None:
    found = convert_request(Fields(fields, "", Notes()), "request", {})
    assert json.loads(json.dumps(found)) == found


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_every_name_becomes_a_name_and_a_name_stays(name: str) -> None:
    for rule in (step_name, logical_name, object_name):
        once = rule(name)
        assert once
        assert rule(once) == once


@pytest.mark.parametrize(
    "text", ["a: &a [*a]", "steps: &s [{name: a, dependencies: *s}]", "steps: .nan", "{1: 2, steps: []}"]
)
def test_what_is_no_json_is_told(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(text, "utf-8")
    assert main(["import", "tasker", str(file)]) in (ExitCode.USAGE, ExitCode.NO)
    assert "a bug" not in capsys.readouterr().err


def test_yaml_with_anchors_and_merges_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "merged.yaml"
    file.write_text(
        "x: &retry {retryable: true, max_attempts: 2}\nname: a\nversion: 1.0.0\nsteps:\n"
        "  - {name: b, handler: {callable: m.C}, retry: {<<: *retry, backoff: linear}}\n",
        "utf-8",
    )
    assert main(["import", "tasker", str(file)]) == ExitCode.DONE
    (step,) = yaml.safe_load(capsys.readouterr().out)["spec"]["steps"]
    assert step["retry"] == {"maxAttempts": 2, "backoff": "Linear"}
