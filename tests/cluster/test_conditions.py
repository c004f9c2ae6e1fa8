"""Conditions and data on a real cluster: expressions, schemas of results, defaults, bypassed steps, and ``finally``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hack.cluster.paths import CHECKOUT
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import report, sh

# Leaves the whole input document as the step's result.
ECHO = 'printf \'{"result": %s}\' "$KUBESAGA_INPUT" > $KUBESAGA_RESULT_FILE'

Ends = dict[str, Manifest]


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    sized = sh("size", report({"result": {"size": 3}}))
    last = sh("tell", report({"result": "told"}))
    return [
        *tasks.workflow(
            "branches",
            sized,
            sh("large", "true", dependsOn=["size"], when="steps.size.result.size > 10"),
            sh("small", report({"result": "few"}), dependsOn=["size"], when="steps.size.result.size <= 10"),
            sh("join", report({"result": "joined"}), dependsOn=["large", "small"]),
            output="{'small': steps.small.result, 'large': steps.large.result, 'join': steps.join.result}",
        ),
        *tasks.workflow(
            "cannot-be-evaluated", sized, sh("next", "true", dependsOn=["size"], when="steps.size.result.nothing > 1")
        ),
        *tasks.workflow("breaks-its-schema", sh("work", report({"result": "x"}), resultSchema={"type": "integer"})),
        *tasks.workflow("keeps-its-schema", sh("work", report({"result": 5}), resultSchema={"type": "integer"})),
        *tasks.workflow("bad-output", sh("work", report({"result": 5})), output="steps.work.result.amount"),
        *tasks.workflow(
            "refused-output", sh("work", report({"result": 5})), output="steps.work.result", outputSchema={"maximum": 4}
        ),
        tasks.template(
            "defaults",
            sh("work", "true"),
            defaultContext={"region": "eu", "limits": {"low": 1, "high": 9}},
            defaultOptions={"dry": False},
            output="{'context': context, 'options': task.options}",
        ),
        tasks.task("defaults", context={"limits": {"high": 5}}, options={"verbose": True}),
        tasks.template(
            "bypass",
            sh("check", "exit 65", skippable=True),
            sh("work", "true", dependsOn=["check"]),
            sh("firm", "true"),
        ),
        tasks.task("bypassed", of="bypass", bypassSteps=["check"]),
        tasks.task("bypass-refused", of="bypass", bypassSteps=["firm"]),
        *tasks.workflow("finally-after-success", sized, **{"finally": [last]}),
        *tasks.workflow(
            "finally-after-failure",
            sh("work", "true", compensation={"container": {"command": ["true"]}}),
            sh("fails", "exit 65", dependsOn=["work"]),
            failureStrategy="Compensate",
            **{"finally": [sh("tell", "true"), sh("only_if_good", "true", when="task.outcome == 'Succeeded'")]},
        ),
        *tasks.workflow("finally-fails", sized, **{"finally": [sh("tell", "exit 65")]}),
        *tasks.workflow(
            "tolerated",
            sh(
                "fails",
                report({"error": {"type": "Broken", "code": "E1", "message": "no"}}) + "; exit 65",
                continueOnError=True,
            ),
            sh("next", "true", dependsOn=["fails"], when="steps.fails.error.code == 'E1'"),
        ),
        tasks.template("context", sh("first", report({"result": 1})), sh("echo", ECHO, dependsOn=["first"])),
        tasks.task(
            "context",
            context={"order": 7},
            options={"fast": True},
            metadata={"team": "shop"},
            initiator="web",
            reason="test",
            tags=["a", "b"],
            correlationId="c-1",
        ),
    ]


@pytest.fixture(scope="module")
def ends(operator: Kubectl) -> Iterator[Ends]:
    """Every Task at its end, by name."""
    with fresh_namespace(operator) as kubectl:
        yield tasks.run_all(kubectl, *workflows())


def test_a_step_whose_condition_is_false_is_skipped_and_what_follows_runs(ends: Ends) -> None:
    found = ends["branches"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert found["status"]["result"] == {"small": "few", "large": None, "join": "joined"}
    assert tasks.step(found, "large")["outcome"] == "Skipped"
    assert "jobName" not in tasks.step(found, "large")


def test_an_expression_that_cannot_be_evaluated_fails_its_step_and_is_shown(ends: Ends) -> None:
    found = ends["cannot-be-evaluated"]
    assert tasks.end_of(found) == ("Error", "Aborted")
    error = tasks.error_of(found, "next")
    assert error["type"] == "ExpressionFailed"
    assert "steps.size.result.nothing > 1" in error["message"]


def test_a_result_that_breaks_its_schema_fails_the_step(ends: Ends) -> None:
    assert tasks.error_of(ends["breaks-its-schema"])["type"] == "ResultSchemaViolation"
    assert tasks.end_of(ends["keeps-its-schema"]) == ("Complete", "Succeeded")


def test_an_output_that_cannot_be_made_or_is_refused_fails_the_task(ends: Ends) -> None:
    for name, why in (("bad-output", "steps.work.result.amount"), ("refused-output", "outputSchema")):
        found = ends[name]
        assert tasks.end_of(found) == ("Error", "Aborted")
        assert tasks.states(found) == {"work": "Complete"}
        assert why in found["status"]["message"]


def test_a_templates_defaults_lie_under_the_tasks_own_context_and_options(ends: Ends) -> None:
    assert ends["defaults"]["status"]["result"] == {
        "context": {"region": "eu", "limits": {"low": 1, "high": 5}},
        "options": {"dry": False, "verbose": True},
    }


def test_a_task_bypasses_a_skippable_step_and_no_other(ends: Ends) -> None:
    assert tasks.end_of(ends["bypassed"]) == ("Complete", "Succeeded")
    assert tasks.step(ends["bypassed"], "check")["outcome"] == "Skipped"
    assert tasks.end_of(ends["bypass-refused"]) == ("Error", "InvalidRequest")
    assert "'firm' is not skippable" in ends["bypass-refused"]["status"]["message"]


def test_finally_runs_last_whatever_the_outcome(ends: Ends) -> None:
    good, bad = ends["finally-after-success"], ends["finally-after-failure"]
    assert tasks.end_of(good) == ("Complete", "Succeeded")
    assert tasks.step(good, "tell")["result"] == "told"
    assert tasks.end_of(bad) == ("Error", "Compensated")
    undone = tasks.step(bad, "work")["compensation"]
    assert undone["finishedAt"] <= tasks.step(bad, "tell")["enqueuedAt"]
    assert tasks.step(bad, "only_if_good")["outcome"] == "Skipped"
    assert good["status"]["progress"] == "1/1"


def test_a_failure_in_finally_is_told_and_changes_no_outcome(ends: Ends) -> None:
    found = ends["finally-fails"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.condition(found, "FinallyFailed")["status"] == "True"


def test_what_follows_a_tolerated_failure_sees_the_error(ends: Ends) -> None:
    found = ends["tolerated"]
    assert tasks.end_of(found) == ("Complete", "PartiallySucceeded")
    assert tasks.step(found, "next")["outcome"] == "Succeeded"


def test_data_trace_and_metadata_reach_a_step(ends: Ends) -> None:
    seen = tasks.step(ends["context"], "echo")["result"]
    assert (seen["context"], seen["results"]) == ({"order": 7}, {"first": 1})
    assert seen["metadata"]["team"] == "shop"
    assert seen["correlationId"] == "c-1"
    kinds = {(entry["source"], entry["kind"]) for entry in seen["trace"]}
    assert any(kind == "start" for _, kind in kinds)
    assert {"timestamp", "level", "source", "kind", "message"} <= set(seen["trace"][0])


def test_the_whole_execution_context_can_be_exported(ends: Ends) -> None:
    command = [sys.executable, "-m", "kubesaga.api.execution_context"]
    text = json.dumps(ends["context"])
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=CHECKOUT / "operator")
    exported = json.loads(done.stdout)
    assert set(exported) >= {"data", "trace", "metadata"}
    assert exported["data"]["context"] == {"order": 7}
    assert exported["data"]["results"]["first"] == 1
    assert exported["metadata"]["team"] == "shop"
