"""The client for applications: submit Tasks, wait for them, read them, act on them.

``Kubesaga`` blocks, ``AsyncKubesaga`` is awaited; both have the same methods and raise the same errors. See
docs/client.md. The CLI stands on it.
"""

from __future__ import annotations

from kubesaga.api.models import TemplateRef
from kubesaga.client.actions import UNSET, ActionOptions, Unset
from kubesaga.client.asynchronous import AsyncKubesaga
from kubesaga.client.errors import (
    ActionRejected,
    AlreadyExists,
    Cause,
    Conflict,
    Forbidden,
    Invalid,
    KubesagaError,
    Misconfigured,
    NoResult,
    NotFound,
    NotInstalled,
    ServerFault,
    TaskFailed,
    Unauthorized,
    Unreachable,
    WaitTimeout,
    translated,
)
from kubesaga.client.fields import Condition, Ending, Failure, Parent, PinnedTemplate
from kubesaga.client.identity import Permission
from kubesaga.client.installation import Installation, OperatorInfo
from kubesaga.client.objects import Action, Event, LogLine, Template
from kubesaga.client.request import TaskRequest, template_ref
from kubesaga.client.sync import Kubesaga
from kubesaga.client.views import Step, Task
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import (
    ActionPhase,
    ActionType,
    DeletionPolicy,
    DesiredState,
    Role,
    RunningSteps,
    StepOutcome,
    StepState,
    TaskOutcome,
    TaskState,
)

__all__ = [
    "UNSET",
    "Action",
    "ActionOptions",
    "ActionPhase",
    "ActionRejected",
    "ActionType",
    "AlreadyExists",
    "AsyncKubesaga",
    "Cause",
    "Condition",
    "Conflict",
    "DeletionPolicy",
    "DesiredState",
    "Ending",
    "Event",
    "Failure",
    "Forbidden",
    "Installation",
    "Invalid",
    "Kubesaga",
    "KubesagaError",
    "LogLine",
    "Misconfigured",
    "NoResult",
    "NotFound",
    "NotInstalled",
    "OperatorInfo",
    "Parent",
    "Permission",
    "PinnedTemplate",
    "ResultRef",
    "Role",
    "RunningSteps",
    "ServerFault",
    "Step",
    "StepOutcome",
    "StepState",
    "Task",
    "TaskFailed",
    "TaskOutcome",
    "TaskRequest",
    "TaskState",
    "Template",
    "TemplateRef",
    "Unauthorized",
    "Unreachable",
    "Unset",
    "WaitTimeout",
    "template_ref",
    "translated",
]
