"""A Task's execution context: data, trace and metadata in one JSON, and as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.execution_context import NotATask, export

OPERATOR = Path(__file__).parents[2] / "operator"
REFERENCE = {"name": "order-1-ship-result", "sha256": "ab" * 32, "size": 9000}


def task(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "metadata": {
            "name": "order-1", "namespace": "shop", "uid": "u-1", "creationTimestamp": "2026-11-20T12:00:00Z",
        },
        "spec": {"context": {"sku": "teapot"}, **spec},
        "status": {
            "state": "Complete",
            "outcome": "Succeeded",
            "startedAt": "2026-11-20T12:00:01.000000Z",
            "finishedAt": "2026-11-20T12:00:09.000000Z",
            "steps": [
                {"name": "charge", "state": "Complete", "result": {"id": 7}},
                {"name": "ship", "state": "Complete", "resultRef": REFERENCE},
                {"name": "gift", "state": "Complete", "outcome": "Skipped"},
            ],
            "transitions": [
                {"at": "t1", "from": "Pending", "to": "StepsInProcess", "events": ["Start"]},
                {"at": "t2", "step": "charge", "from": "Pending", "to": "Enqueued", "events": ["Enqueue"]},
            ],
        },
    }  # fmt: skip


def test_data_are_the_context_and_every_steps_result() -> None:
    assert export(task())["data"] == {
        "context": {"sku": "teapot"},
        "results": {"charge": {"id": 7}, "ship": {"resultRef": REFERENCE}, "gift": None},
    }


def test_the_trace_comes_from_the_transitions() -> None:
    assert [(entry["timestamp"], entry["source"], entry["kind"]) for entry in export(task())["trace"]] == [
        ("t1", "Task", "start"), ("t2", "charge", "start"),
    ]  # fmt: skip


def test_metadata_are_the_tasks_own_and_who_asked_for_it_when_under_which_ids() -> None:
    asked = task(
        metadata={"shop": 7, "initiator": "mallory"}, initiator="carol", sourceSystem="web", reason="order",
        tags=["a"], correlationId="c-1", parentCorrelationId="c-0",
    )  # fmt: skip
    assert export(asked)["metadata"] == {
        "shop": 7,
        "executionId": "u-1",
        "name": "order-1",
        "namespace": "shop",
        "initiator": "carol",
        "sourceSystem": "web",
        "reason": "order",
        "tags": ["a"],
        "createdAt": "2026-11-20T12:00:00Z",
        "startedAt": "2026-11-20T12:00:01.000000Z",
        "finishedAt": "2026-11-20T12:00:09.000000Z",
        "correlationId": "c-1",
        "parentCorrelationId": "c-0",
        "state": "Complete",
        "outcome": "Succeeded",
    }


def test_a_task_that_says_nothing_is_correlated_by_its_uid() -> None:
    assert export(task())["metadata"]["correlationId"] == "u-1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"apiVersion": "v1", "kind": "List", "items": []}, "a List of v1 is no whole Task"),
        ({"apiVersion": "tekton.dev/v1", "kind": "Task"}, "a Task of tekton.dev/v1 is no whole Task"),
        ({"apiVersion": "kubesaga.dev/v1alpha1", "kind": "Task"}, "give one Task, by its name"),
        ({**task(), "status": {"observedGeneration": -1}}, "Task order-1 has no status yet"),
        ({**task(), "status": None}, "Task order-1 has no status yet"),
    ],
)
def test_what_has_no_execution_context_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(NotATask, match=said):
        export(given)


def run(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "kubesaga.api.execution_context", *arguments],
        input=text,
        env={"PYTHONPATH": str(OPERATOR)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_as_a_program_it_reads_a_task_and_writes_its_execution_context() -> None:
    given = task(reason="Größe")
    ended = run(json.dumps(given))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == export(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "standard input is not JSON"),
        ("[]", "standard input is no JSON object"),
        ('{"kind": "List", "apiVersion": "v1"}', "give one Task, by its name"),
    ],
)
def test_as_a_program_it_says_what_is_wrong_with_its_input(text: str, said: str) -> None:
    ended = run(text)
    assert (ended.returncode, ended.stdout) == (65, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_as_a_program_it_explains_itself() -> None:
    ended = run("", "--help")
    assert ended.returncode == 0
    assert "kubectl get ktask order-1 -o json | python -m kubesaga.api.execution_context" in ended.stdout
