"""What `from kubesaga_sdk.workflow import …` promises."""

from __future__ import annotations

import subprocess
import sys

from kubesaga_sdk import workflow
from tests.sdk.support import PYTHON_PATH

PROMISED = {
    "AsyncRunner", "AsyncTaskFound", "BackoffStrategy", "Definition", "EngineMissing", "Executable", "ExecutionContext",
    "Failure", "FailureStrategy", "InvalidData", "Jitter", "NoImportPath", "Outcome", "Process", "RetryPolicy",
    "StepTemplates", "SyncRunner", "Task", "TaskHandler", "Workflow", "WorkflowError", "task",
}  # fmt: skip


def test_exactly_the_promised_names_are_exported() -> None:
    assert set(workflow.__all__) == PROMISED
    assert [name for name in workflow.__all__ if not hasattr(workflow, name)] == []


def test_without_the_engine_a_workflow_can_be_exported_and_says_what_it_needs_to_run() -> None:
    code = (
        "import enrolment\n"
        "from kubesaga_sdk.workflow import EngineMissing, ExecutionContext, SyncRunner\n"
        "enrolment.workflow.to_template()\n"
        "try:\n"
        "    SyncRunner().run(enrolment.workflow, ExecutionContext(enrolment.Enrolment('a', 'b', 1)))\n"
        "except EngineMissing as error:\n"
        "    print(error)\n"
    )
    # -S: without this environment's packages there is no engine.
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": PYTHON_PATH}, capture_output=True, text=True, check=True
    )
    assert run.stdout == "to run a workflow in this process, the engine is needed: pip install kubesaga-engine\n"
