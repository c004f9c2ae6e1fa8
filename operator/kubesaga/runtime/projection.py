"""What of a Kubernetes object is worth keeping in memory.

The cache calls ``project`` on everything that enters it. Without it a cached pod costs about four times as
much, nearly all of it in fields that no decision reads (managedFields, volumes, tolerations, probes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from sys import intern
from typing import Any

from kubesaga.engine.states import TERMINAL_TASK_STATES

Obj = dict[str, Any]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_ENDED_TASK_SPEC = ("templateRef",)
_ENDED_TASK_STATUS = ("observedGeneration", "state", "outcome", "finishedAt", "template")
_JOB_SPEC = ("parallelism", "activeDeadlineSeconds", "suspend")
_POD_SPEC = ("nodeName",)
_POD_STATUS = (
    "phase",
    "reason",
    "message",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
    "startTime",
)
_CONTAINER_STATUS = ("name", "image", "ready", "restartCount", "state", "lastState")


class Kind(StrEnum):
    """The kinds that the operator watches, by the plural name in their paths."""

    TASK = "tasks"
    TEMPLATE = "tasktemplates"
    JOB = "jobs"
    POD = "pods"


def project(kind: Kind, obj: Mapping[str, Any]) -> Obj:
    """A slim copy of ``obj``, itself unchanged; projecting a projection gives it back."""
    return _PROJECTIONS[kind](obj)


def _whole(obj: Mapping[str, Any]) -> Obj:
    slim = {intern(key): _compact(value) for key, value in obj.items() if key != "metadata"}
    slim["metadata"] = _metadata(obj["metadata"])
    return slim


def _task(obj: Mapping[str, Any]) -> Obj:
    """A Task that has ended keeps what finding and cleaning it takes: a thousand of them must not weigh much."""
    if (obj.get("status") or {}).get("state") not in TERMINAL_TASK_STATES:
        return _whole(obj)
    head = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
    return {
        **_whole(head),
        "spec": _pick(obj.get("spec"), _ENDED_TASK_SPEC),
        "status": _pick(obj["status"], _ENDED_TASK_STATUS),
    }


def _job(obj: Mapping[str, Any]) -> Obj:
    return {
        "metadata": _metadata(obj["metadata"]),
        "spec": _pick(obj.get("spec"), _JOB_SPEC),
        "status": _compact(obj.get("status") or {}),
    }


def _pod(obj: Mapping[str, Any]) -> Obj:
    status = _pick(obj.get("status"), _POD_STATUS)
    for field in ("containerStatuses", "initContainerStatuses"):
        if field in status:
            status[field] = [_pick(container, _CONTAINER_STATUS) for container in status[field] or ()]
    slim: Obj = {
        "metadata": _metadata(obj["metadata"]),
        "spec": _pick(obj.get("spec"), _POD_SPEC),
        "status": status,
    }
    if obj.get("gone"):
        slim["gone"] = True
    return slim


_PROJECTIONS: Mapping[Kind, Callable[[Mapping[str, Any]], Obj]] = {
    Kind.TASK: _task,
    Kind.TEMPLATE: _whole,
    Kind.JOB: _job,
    Kind.POD: _pod,
}


def _metadata(metadata: Mapping[str, Any]) -> Obj:
    slim = {intern(key): _compact(value) for key, value in metadata.items() if key != "managedFields"}
    annotations = slim.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        del annotations[_LAST_APPLIED]
    return slim


def _pick(part: Mapping[str, Any] | None, fields: tuple[str, ...]) -> Obj:
    return {field: _compact(part[field]) for field in fields if field in part} if part else {}


def _compact(value: Any) -> Any:
    """A copy that shares its keys with every other object (json gives each document its own)."""
    if isinstance(value, dict):
        return {intern(key): _compact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_compact(item) for item in value]
    return value
