"""What of a Kubernetes object is worth keeping in memory.

The cache calls ``project`` on everything that enters it. Without it a cached pod costs about four times as
much, nearly all of it in fields that no decision reads (managedFields, volumes, tolerations, probes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from sys import intern
from typing import Any

from kubesaga.api.constants import LABEL_PARENT_UID
from kubesaga.engine.states import TERMINAL_TASK_STATES

Obj = dict[str, Any]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_ENDED_TASK_SPEC = ("templateRef", "ttlAfterFinished")
_ENDED_TASK_STATUS = ("observedGeneration", "state", "outcome", "finishedAt", "template", "parent", "stale")
# What the parent of a sub-workflow reads of it once it has ended.
_ENDED_CHILD_STATUS = (*_ENDED_TASK_STATUS, "message", "result", "resultRef", "startedAt", "ending")
_ANSWERED_ACTION_SPEC = ("taskRef",)
_ANSWERED_ACTION_STATUS = ("phase",)
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
_NESTED = (dict, list)
_CONTAINER_STATUS = ("name", "image", "ready", "restartCount", "state", "lastState")


class Kind(StrEnum):
    """The kinds that the operator watches, by the plural name in their paths."""

    TASK = "tasks"
    TEMPLATE = "tasktemplates"
    ACTION = "taskactions"
    JOB = "jobs"
    POD = "pods"


def project(kind: Kind, obj: Mapping[str, Any]) -> Obj:
    """A slim copy of ``obj``, itself unchanged; projecting a projection gives it back."""
    return _PROJECTIONS[kind](obj)


def parent_uid(task: Mapping[str, Any]) -> str | None:
    """The UID of the Task whose sub-workflow this one is: as recorded, or before that as labelled."""
    recorded = (task.get("status") or {}).get("parent")
    if recorded:
        return str(recorded["uid"])
    return (task["metadata"].get("labels") or {}).get(LABEL_PARENT_UID)


def _whole(obj: Mapping[str, Any]) -> Obj:
    slim = {intern(key): _compact(value) for key, value in obj.items() if key != "metadata"}
    slim["metadata"] = _metadata(obj["metadata"])
    return slim


def _task(obj: Mapping[str, Any]) -> Obj:
    """A Task that has ended keeps what finding and cleaning it takes: a thousand of them must not weigh much."""
    status = obj.get("status") or {}
    if status.get("state") not in TERMINAL_TASK_STATES:
        return _whole(obj)
    head = _whole({key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj})
    is_child = parent_uid(obj) is not None
    fields = _ENDED_CHILD_STATUS if is_child else _ENDED_TASK_STATUS
    ended = {**head, "spec": _pick(obj.get("spec"), _ENDED_TASK_SPEC), "status": _pick(status, fields)}
    if is_child and status.get("compensation"):  # that there is a saga counts, not what was in it
        ended["status"]["compensation"] = {"trigger": status["compensation"]["trigger"], "plan": []}
    return ended


def _action(obj: Mapping[str, Any]) -> Obj:
    """A TaskAction that was answered keeps what says so."""
    if not (obj.get("status") or {}).get("phase"):
        return _whole(obj)
    return {
        "metadata": _metadata(obj["metadata"]),
        "spec": _pick(obj.get("spec"), _ANSWERED_ACTION_SPEC),
        "status": _pick(obj["status"], _ANSWERED_ACTION_STATUS),
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
    return slim | {mark: True for mark in ("gone", "unheard") if obj.get(mark)}


_PROJECTIONS: Mapping[Kind, Callable[[Mapping[str, Any]], Obj]] = {
    Kind.TASK: _task,
    Kind.TEMPLATE: _whole,
    Kind.ACTION: _action,
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
    # Everything that is seen goes through here, and most of it is plain: only for what is not, a call of its own.
    if isinstance(value, dict):
        return {intern(key): _compact(it) if isinstance(it, _NESTED) else it for key, it in value.items()}
    if isinstance(value, list):
        return [_compact(it) if isinstance(it, _NESTED) else it for it in value]
    return value
