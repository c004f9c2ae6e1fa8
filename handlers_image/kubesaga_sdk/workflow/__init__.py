"""Workflows written in Python, that run the same in a process, in the local engine and on a cluster.

    from kubesaga_sdk.workflow import ExecutionContext, FailureStrategy, SyncRunner, Workflow, task

    @task(undo=release)
    def reserve(context: ExecutionContext[Order]) -> None:
        context.data.reservation = warehouse.reserve(context.data.sku)

    workflow = Workflow("Fulfilment", [reserve, charge, ship], FailureStrategy.COMPENSATE)

    outcome = SyncRunner().run(workflow, ExecutionContext(Order(sku="teapot")))   # here
    print(workflow.to_json())                                                      # on a cluster: kubectl apply -f -

The vocabulary is TaskChain's (Task, Process, Workflow, ExecutionContext, the runners) and that of Tasker's Rails engine
(TaskHandler). The runners need the wheel kubesaga-engine, everything else the standard library alone.
"""

from __future__ import annotations

from kubesaga_sdk.execution_context import ExecutionContext
from kubesaga_sdk.workflow.codec import InvalidData
from kubesaga_sdk.workflow.definition import Definition, FailureStrategy
from kubesaga_sdk.workflow.errors import AsyncTaskFound, EngineMissing, NoImportPath, WorkflowError
from kubesaga_sdk.workflow.outcomes import Failure, Outcome
from kubesaga_sdk.workflow.retry import BackoffStrategy, Jitter, RetryPolicy
from kubesaga_sdk.workflow.runners import AsyncRunner, SyncRunner
from kubesaga_sdk.workflow.task_handler import StepTemplates, TaskHandler
from kubesaga_sdk.workflow.tasks import Executable, Process, Task, task
from kubesaga_sdk.workflow.workflows import Workflow

__all__ = [
    "AsyncRunner",
    "AsyncTaskFound",
    "BackoffStrategy",
    "Definition",
    "EngineMissing",
    "Executable",
    "ExecutionContext",
    "Failure",
    "FailureStrategy",
    "InvalidData",
    "Jitter",
    "NoImportPath",
    "Outcome",
    "Process",
    "RetryPolicy",
    "StepTemplates",
    "SyncRunner",
    "Task",
    "TaskHandler",
    "Workflow",
    "WorkflowError",
    "task",
]
