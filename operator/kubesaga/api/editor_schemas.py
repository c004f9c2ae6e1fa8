"""JSON Schemas of whole manifests, for editors that complete and check YAML while it is written.

From the same models as the CRDs, without Kubernetes' own extensions. Called by ``generate`` only.
"""

from __future__ import annotations

from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.models import TaskActionSpec, TaskSpec, TaskTemplateSpec
from kubesaga.api.models.base import Model

_METADATA = {
    "type": "object",
    "description": "Name, labels and annotations, as of every Kubernetes object.",
    "anyOf": [{"required": ["name"]}, {"required": ["generateName"]}],
}


def task_schema() -> dict[str, Any]:
    """The JSON Schema of a Task's manifest."""
    return _manifest(c.TASK_KIND, TaskSpec)


def task_template_schema() -> dict[str, Any]:
    """The JSON Schema of a TaskTemplate's manifest."""
    return _manifest(c.TEMPLATE_KIND, TaskTemplateSpec)


def task_action_schema() -> dict[str, Any]:
    """The JSON Schema of a TaskAction's manifest."""
    return _manifest(c.ACTION_KIND, TaskActionSpec)


def _manifest(kind: str, spec: type[Model]) -> dict[str, Any]:
    schema = _plain(spec.model_json_schema(by_alias=True))
    definitions = schema.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": c.API_VERSION},
            "kind": {"const": kind},
            "metadata": _METADATA,
            "spec": schema,
            "status": {"type": "object", "description": "Written by the operator."},
        },
        "$defs": definitions,
    }


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, str):
        return " ".join(node.split())
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value)
        for key, value in node.items()
        if not key.startswith("x-kubernetes-") and not (key == "title" and isinstance(value, str))
    }
