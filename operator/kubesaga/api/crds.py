"""The CustomResourceDefinitions: names, schemas, printer columns and the rules of the whole object.

Called by ``generate``, whose output is crds/, and by the CLI's ``doctor``, which compares a cluster's with them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kubesaga.api import constants as c
from kubesaga.api.models import TaskActionSpec, TaskSpec, TaskTemplateSpec
from kubesaga.api.models.action import TaskActionStatus
from kubesaga.api.models.base import LOGICAL_NAME_PATTERN, cel
from kubesaga.api.models.status import TaskStatus, TaskTemplateStatus
from kubesaga.api.structural import Schema, structural_schema

Column = dict[str, Any]


def _column(name: str, path: str, description: str, *, type_: str = "string", wide: bool = False) -> Column:
    return {
        "name": name,
        "type": type_,
        "jsonPath": path,
        "description": description,
        "priority": 1 if wide else 0,
    }


def _condition(type_: str) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].status'


_AGE = _column("Age", ".metadata.creationTimestamp", "Time since it was created.", type_="date")

_TASK_COLUMNS = [
    _column("State", ".status.state", "Where the Task is."),
    _column("Outcome", ".status.outcome", "How it ended."),
    _column("Progress", ".status.progress", "Steps done of all steps."),
    _column("Template", ".spec.templateRef.name", "The template that it runs."),
    _column("Version", ".status.template.version", "The version that it was given.", wide=True),
    _column("Message", ".status.message", "The state in a sentence.", wide=True),
    _AGE,
]

_TEMPLATE_COLUMNS = [
    _column("Domain", ".spec.domain", "Its logical owner."),
    _column("Template", ".spec.name", "What Tasks call it; empty: as Name."),
    _column("Version", ".spec.version", "Its version."),
    _column("Ready", _condition(c.READY), "Whether Tasks can use it."),
    _column("Revision", ".status.revision", "The pinned content.", wide=True),
    _AGE,
]

_ACTION_COLUMNS = [
    _column("Task", ".spec.taskRef.name", "To which Task."),
    _column("Type", ".spec.type", "What is to be done."),
    _column("Step", ".spec.step", "The step that is meant."),
    _column("Phase", ".status.phase", "Applied or Rejected; empty until it is answered."),
    _column("Message", ".status.message", "What was done, or why it was refused.", wide=True),
    _AGE,
]


def task_crd() -> dict[str, Any]:
    """The CRD of Task."""
    return _crd(
        kind=c.TASK_KIND,
        plural=c.TASK_PLURAL,
        singular=c.TASK_SINGULAR,
        short=c.TASK_SHORT,
        description="One run of a workflow: a request, and everything that became of it.",
        spec=TaskSpec,
        status=TaskStatus,
        columns=_TASK_COLUMNS,
        rules=cel(
            (
                f"size(self.metadata.name) <= {c.MAX_LABEL_LENGTH}",
                f"metadata.name may have at most {c.MAX_LABEL_LENGTH} characters: it becomes a label",
            )
        ),
    )


def task_template_crd() -> dict[str, Any]:
    """The CRD of TaskTemplate."""
    return _crd(
        kind=c.TEMPLATE_KIND,
        plural=c.TEMPLATE_PLURAL,
        singular=c.TEMPLATE_SINGULAR,
        short=c.TEMPLATE_SHORT,
        description="A workflow: a graph of steps that Tasks run.",
        spec=TaskTemplateSpec,
        status=TaskTemplateStatus,
        columns=_TEMPLATE_COLUMNS,
        rules=cel(
            (
                f"has(self.spec.name) || self.metadata.name.matches('{LOGICAL_NAME_PATTERN}')",
                "metadata.name is no logical name (it has a dot, or starts with a digit): give spec.name",
            )
        ),
    )


def task_action_crd() -> dict[str, Any]:
    """The CRD of TaskAction."""
    return _crd(
        kind=c.ACTION_KIND,
        plural=c.ACTION_PLURAL,
        singular=c.ACTION_SINGULAR,
        short=c.ACTION_SHORT,
        description="What a human decides about a Task or a step: applied once, or Rejected with the reason.",
        spec=TaskActionSpec,
        status=TaskActionStatus,
        columns=_ACTION_COLUMNS,
        rules={},
    )


def _crd(
    *,
    kind: str,
    plural: str,
    singular: str,
    short: str,
    description: str,
    spec: type[BaseModel],
    status: type[BaseModel],
    columns: list[Column],
    rules: Schema,
) -> dict[str, Any]:
    schema: Schema = {
        "description": description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(spec),
            # One writer owns all of it. Atomic, so that the API server keeps no account of each field: that account
            # is a fifth of a status's size, and a patch costs in proportion to size.
            "status": {**structural_schema(status), "x-kubernetes-map-type": "atomic"},
        },
        **rules,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{c.GROUP}"},
        "spec": {
            "group": c.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": singular,
                "shortNames": [short],
                "categories": [c.CATEGORY],
            },
            "versions": [
                {
                    "name": c.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                }
            ],
        },
    }
