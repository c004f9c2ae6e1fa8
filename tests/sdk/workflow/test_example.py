"""The example python-workflow: its template is the workflow's, and here it comes to what its histories say."""

from __future__ import annotations

import pytest

import enrolment
from enrolment import Enrolment
from kubesaga_sdk.workflow import ExecutionContext
from kubesaga_sdk.workflow.codec import codec_of
from tests.golden.examples import EXAMPLES, golden, manifests
from tests.golden.form import Manifest
from tests.sdk.workflow.ways import in_process, moves_of, told

NAME = "python-workflow"
TASKS = manifests(NAME, "Task")


def test_its_template_is_made_of_its_workflow() -> None:
    made = enrolment.workflow.to_json(image="kubesaga-handlers:dev") + "\n"
    assert (EXAMPLES / NAME / "template.yaml").read_text("utf-8") == made


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["metadata"]["name"])
def test_in_a_process_it_comes_to_its_golden_history(task: Manifest) -> None:
    data: Enrolment = codec_of(Enrolment).decode(task["spec"]["context"], "context")
    outcome = in_process(enrolment.workflow, ExecutionContext(data))
    expected = golden(NAME)[task["metadata"]["name"]]
    assert (outcome.state, outcome.outcome) == (expected["state"], expected["outcome"])
    steps = {name: step.get("forward") for name, step in expected["steps"].items()}
    undone = {f"{name}.compensation": s["compensation"] for name, s in expected["steps"].items() if "compensation" in s}
    assert told(moves_of(outcome.trace)) == {**steps, **undone}
